import { ApiError } from "../api/client";
import type { Accepted, Checked, Load, Script } from "../api/shapes";
import { h } from "../dom/element";
import { errorNotice, goodNotice } from "../dom/notice";
import { bytes } from "../format/quantity";
import { makeChange } from "../host/change";
import { aboutTable, diffTable } from "./diff";
import { paramFields, paramValues } from "./params_form";
import { type Loaded, underWay } from "./poll";

export interface Upload {
  element: HTMLElement;
  /** The names decide whether an upload loads or swaps. */
  know: (loaded: Loaded) => void;
  /** A file, and the script that it is to take the place of, if that is known. */
  take: (file: File, name?: string) => void;
  /** Asks for a file to put in a script's place. */
  choose: (name: string) => void;
}

export function upload(onChanged: () => void): Upload {
  let file: File | null = null;
  let checked: Checked | null = null;
  let scripts: Script[] = [];
  let busy: "checking" | "loading" | null = null;
  /** A load that goes on after its request was answered. */
  let following: string | null = null;
  let chosenFor: string | undefined;

  const picker = h("input", { type: "file", id: "wasm-file", accept: ".wasm,application/wasm", class: "sr-only" });
  const zone = h(
    "div",
    { class: "drop-zone" },
    h("p", null, h("b", null, "Drop a .wasm here"), " or ", picker, h("label", { for: "wasm-file", class: "button" }, "choose a file")),
    h("p", { class: "subdued" }, "A core module or a component, in any language; on a script's card it takes that script's place. ", h("code", null, "weir new"), " starts one."),
  );
  const fileFacts = h("p", { class: "file-facts" });
  const name = h("input", { id: "upload-name", required: true, autocomplete: "off", spellcheck: "false" });
  const names = h("datalist", { id: "pipeline-names" });
  const pipeline = h("input", { id: "upload-pipeline", autocomplete: "off", spellcheck: "false", list: "pipeline-names", placeholder: "its own, if left out" });
  const found = h("div", { class: "found wide", "aria-live": "polite" });
  const params = h("div", { class: "script-form wide", role: "group", "aria-label": "parameters" });
  const meaning = h("p", { class: "meaning", "aria-live": "polite" });
  const submit = h("button", { type: "submit", class: "primary" }, "Check");
  const cancel = h("button", { type: "button" }, "Cancel");
  const form = h(
    "form",
    { class: "upload-form", hidden: true, "aria-label": "load a script" },
    fileFacts,
    h("div", { class: "field" }, h("label", { for: "upload-name" }, "Name"), name),
    h("div", { class: "field" }, h("label", { for: "upload-pipeline" }, "Pipeline"), pipeline, names),
    found,
    params,
    meaning,
    h("div", { class: "actions" }, submit, cancel),
  );
  const outcome = h("div", { class: "outcome" });
  const element = h("section", { class: "panel upload", "aria-label": "upload" }, zone, form, outcome);

  const present = () => scripts.find((script) => script.name === name.value.trim());
  const explain = () => {
    const old = present();
    const action = checked ? (old ? "Swap" : "Load") : "Check";
    submit.textContent = busy === "checking" ? "Compiling and looking…" : busy === "loading" ? "Loading…" : action;
    submit.disabled = busy !== null;
    // A swap takes place wherever the script is.
    pipeline.disabled = old !== undefined;
    pipeline.placeholder = old ? old.pipelines.join(", ") : "its own, if left out";
    meaning.textContent = !checked
      ? "It is compiled and started beside what runs, to see what it is. Nothing changes yet."
      : old
        ? `${old.name} ${old.version} is loaded: this swaps it between two batches. Its tables stay and no event is lost; if the new version fails with its first batches, the old one is put back.`
        : "Loads it under a new name, while everything else goes on.";
  };
  /** What was found, held against the script of the name that is typed. */
  const show = () => {
    const old = present();
    const lost = checked?.params_lost.length ? h("p", { class: "notice" }, `Parameters it does not have any more: ${checked.params_lost.join(", ")}`) : null;
    found.replaceChildren(...(checked ? [old ? diffTable(old, checked) : aboutTable(checked), lost].filter((part) => part !== null) : []));
    params.replaceChildren(...(checked ? paramFields("upload", checked.describe.params, old?.params ?? {}) : []));
    params.hidden = !checked || checked.describe.params.length === 0;
    explain();
  };
  const close = () => {
    file = null;
    checked = null;
    form.hidden = true;
    picker.value = "";
  };
  const take = (taken: File, as?: string) => {
    file = taken;
    checked = null;
    fileFacts.replaceChildren(h("b", null, taken.name), ` ${bytes(taken.size)}`);
    name.value = as ?? taken.name.replace(/\.wasm$/i, "");
    pipeline.value = "";
    outcome.replaceChildren();
    form.hidden = false;
    show();
    element.scrollIntoView({ block: "nearest" });
    name.focus();
    void check();
  };
  const working = async (what: typeof busy, work: () => Promise<void>) => {
    if (busy) return;
    outcome.replaceChildren();
    busy = what;
    explain();
    try {
      await work();
    } catch (error) {
      outcome.replaceChildren(errorNotice(error));
    } finally {
      busy = null;
      explain();
    }
  };
  const check = () =>
    working("checking", async () => {
      const of = file;
      if (!of) return;
      const done = await makeChange<Checked>(`/scripts/${encodeURIComponent(name.value.trim())}/check`, { method: "POST", body: of, contentType: "application/wasm" });
      // Meanwhile another file may have been chosen.
      if (!done || of !== file) return;
      checked = done.value;
      show();
    });
  const send = () =>
    working("loading", async () => {
      if (!file || !checked) return;
      const old = present();
      const values = paramValues(form, checked.describe.params);
      const path = `/scripts/${encodeURIComponent(name.value.trim())}${query(old ? "" : pipeline.value, asked(values, checked, old))}`;
      const done = await makeChange<Script | Accepted>(path, { method: "PUT", body: file, contentType: "application/wasm" });
      if (!done) return;
      if (done.status === 202) {
        following = done.value.name;
        outcome.replaceChildren(goodNotice(`${following} takes a while to compile. It goes on below, and you need not wait.`));
      } else {
        outcome.replaceChildren(told(done.value as Script, done.status === 201));
      }
      close();
      onChanged();
    });
  const follow = (load: Load | undefined) => {
    if (!load || underWay(load)) return;
    following = null;
    const refused = new ApiError(422, load.code ?? "refused", load.error ?? "refused");
    outcome.replaceChildren(load.state === "loaded" ? goodNotice(`Loaded ${load.name} in ${(load.took_ms / 1e3).toFixed(1)} s.`) : errorNotice(refused));
  };

  picker.addEventListener("change", () => {
    const chosen = picker.files?.[0];
    if (chosen) take(chosen, chosenFor);
    chosenFor = undefined;
  });
  // The label opens the picker without a script in mind.
  zone.addEventListener("click", ({ target }) => {
    if (target instanceof HTMLLabelElement) chosenFor = undefined;
  });
  name.addEventListener("input", show);
  cancel.addEventListener("click", close);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void (checked ? send() : check());
  });

  return {
    element,
    take,
    choose(of) {
      chosenFor = of;
      picker.click();
    },
    know({ scripts: now, pipelines, loads }) {
      scripts = now;
      const wanted = pipelines.map((one) => one.name);
      const known = Array.from(names.children, (option) => option.getAttribute("value"));
      if (known.join() !== wanted.join()) names.replaceChildren(...wanted.map((value) => h("option", { value })));
      if (following !== null) follow(loads.find((load) => load.name === following));
      explain();
    },
  };
}

/** The host carries the old version's parameters over unless it is given others. */
function asked(values: Record<string, string>, { describe }: Checked, old: Script | undefined): Record<string, string> | null {
  const before = Object.fromEntries(describe.params.flatMap((param) => {
    const value = old?.params[param.name];
    return value === undefined || value === param.default ? [] : [[param.name, value]];
  }));
  return JSON.stringify(values) === JSON.stringify(before) ? null : values;
}

function told({ name, version, rolled_back: rolled }: Script, fresh: boolean): HTMLElement {
  if (!rolled) return goodNotice(`${fresh ? "Loaded" : "Swapped"} ${name} ${version}.`);
  return errorNotice(new Error(`${name} was rolled back to ${version}: the new version failed with its first batches: ${rolled.fault.message}`));
}

function query(pipeline: string, params: Record<string, string> | null): string {
  const search = new URLSearchParams();
  if (pipeline.trim()) search.set("pipeline", pipeline.trim());
  if (params) search.set("params", JSON.stringify(params));
  return search.size > 0 ? `?${search}` : "";
}
