import type { Param, Script } from "../api/shapes";
import { h } from "../dom/element";

// A field for each parameter, of its type. The forms are built anew at each refresh and morphed in: what the
// reader has typed stays, since it is the browser's and not an attribute.

/** Types that a number field takes whole. */
const WHOLE = new Set(["int", "uint"]);
const HINTS: Record<string, string> = { duration: "a number and ns, us, ms, s, m or h: 10ms", expression: "a condition, or condition | aggregate" };

export function paramsForm(script: Script): HTMLElement | null {
  const { name, describe, params } = script;
  const unknown = Object.keys(params).filter((known) => !describe.params.some((one) => one.name === known));
  const all: Param[] = [...describe.params, ...unknown.map((one) => ({ name: one, type: "string", default: "", help: "" }))];
  if (all.length === 0) return null;
  const changed = all.filter((param) => params[param.name] !== undefined && params[param.name] !== param.default).length;
  return h(
    "details",
    { class: "params-details", "data-details": `${name} params` },
    h("summary", null, `Parameters (${all.length}${changed > 0 ? `, ${changed} not the default` : ""})`),
    h(
      "form",
      { class: "script-form", "data-form": "params", "aria-label": `parameters of ${name}` },
      all.map((param) => field(name, param, params[param.name] ?? param.default)),
      h("div", { class: "actions" }, h("button", { type: "submit" }, "Apply"), h("button", { type: "button", class: "quiet", "data-action": "defaults" }, "All to their defaults")),
      h("p", { class: "subdued" }, "A fresh instance takes over between two batches: no event is lost, tables and state stay."),
    ),
  );
}

/** Fields of a module that is not loaded yet; their names are the parameters'. */
export function paramFields(script: string, params: Param[], values: Record<string, string>): HTMLElement[] {
  return params.map((param) => field(script, param, values[param.name] ?? param.default));
}

/** What of a form is other than now; null where it is the default again. */
export function paramChanges(form: HTMLFormElement, params: Param[], now: Record<string, string>): Record<string, string | null> {
  const changes: Record<string, string | null> = {};
  for (const param of params) {
    const value = valueOf(form, param);
    if (value === null || value === (now[param.name] ?? param.default)) continue;
    changes[param.name] = value === param.default ? null : value;
  }
  return changes;
}

/** What of a form is not the default. */
export function paramValues(form: HTMLFormElement, params: Param[]): Record<string, string> {
  return Object.fromEntries(params.flatMap((param) => {
    const value = valueOf(form, param);
    return value === null || value === param.default ? [] : [[param.name, value]];
  }));
}

export function resetToDefaults(form: HTMLFormElement, params: Param[]): void {
  for (const param of params) {
    const input = inputOf(form, param);
    if (input instanceof HTMLInputElement && input.type === "checkbox") input.checked = param.default === "true";
    else if (input) input.value = param.default;
  }
}

function valueOf(form: HTMLFormElement, param: Param): string | null {
  const input = inputOf(form, param);
  if (!input) return null;
  return input instanceof HTMLInputElement && input.type === "checkbox" ? String(input.checked) : input.value;
}

function inputOf(form: HTMLFormElement, { name }: Param): HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement | null {
  return form.querySelector(`[data-param="${CSS.escape(name)}"]`);
}

function field(script: string, param: Param, value: string): HTMLElement {
  const id = `param-${script}-${param.name}`;
  const help = [param.help, HINTS[param.type] ?? "", param.default === "" ? "" : `default ${param.default}`].filter(Boolean).join(" · ");
  const described = { id, "data-param": param.name, "aria-describedby": `${id}-help` };
  const label = [h("label", { for: id }, param.name), h("span", { class: "chip" }, param.type || "text")];
  return h("div", { class: `field param ${param.type}`, "data-key": id }, h("div", { class: "param-name" }, label), input(param, value, described), h("p", { class: "subdued help", id: `${id}-help` }, help));
}

function input(param: Param, value: string, props: Record<string, string>): HTMLElement {
  if (param.values && param.values.length > 0) return h("select", props, param.values.map((one) => h("option", { value: one, selected: one === value }, one)));
  if (param.type === "bool") return h("input", { ...props, type: "checkbox", checked: value === "true" });
  const text = { ...props, value, autocomplete: "off", spellcheck: "false", placeholder: param.default === "" ? "not set" : param.default };
  if (WHOLE.has(param.type)) return h("input", { ...text, type: "number", step: 1, min: param.type === "uint" ? 0 : null });
  if (param.type === "float") return h("input", { ...text, type: "number", step: "any" });
  if (param.type === "expression") return h("textarea", { ...props, rows: 2, spellcheck: "false" }, value);
  return h("input", { ...text, type: "text", class: param.type === "duration" ? "duration" : null });
}
