import type { EmittedPage, LogPage, Script } from "../api/shapes";
import { h } from "../dom/element";
import { clock, moment } from "../format/clock";
import { bytes, count, duration, share } from "../format/quantity";
import { costChart, percent } from "./cost_chart";
import { faultList, rollback, whyNot } from "./faults";
import { limitsForm } from "./limits_form";
import { paramsForm } from "./params_form";

/** What is read of a script only while one looks at it. */
export interface Extras {
  log: LogPage | undefined;
  emitted: EmittedPage | undefined;
}

/** One script. Built anew each refresh and morphed in: buttons say what they do by data-action. */
export function scriptCard(script: Script, { log, emitted }: Extras, outcome: Node | undefined, linked: boolean): HTMLElement {
  const { name, version, language, role, state, summary, form, size_bytes } = script;
  // A paused script goes on by itself after a fault, so the reader may only stop it.
  const enabled = state === "running" || state === "paused";
  return h(
    "article",
    { class: `card script ${state}${linked ? " linked" : ""}`, "data-key": name, "data-script": name, "aria-label": `script ${name}` },
    h("header", null, h("h2", null, name), h("span", { class: "subdued" }, version), h("span", { class: `chip state ${state}` }, state)),
    h("p", { class: "kind subdued" }, [role, language, form, bytes(size_bytes)].filter(Boolean).join(" · ")),
    h("p", { class: "summary" }, summary),
    wants(script),
    whyNot(script),
    rollback(script),
    handover(script),
    keptBar(script),
    figures(script),
    costChart(script),
    paramsForm(script),
    limitsForm(script),
    faultList(script),
    results(name, emitted),
    logLines(name, log),
    h("div", { class: "outcome" }, outcome),
    h(
      "div",
      { class: "actions" },
      state === "quarantined" ? h("button", { type: "button", class: "primary", "data-action": "enable" }, "Start again") : null,
      h("button", { type: "button", "data-action": enabled || state === "quarantined" ? "disable" : "enable" }, enabled || state === "quarantined" ? "Disable" : "Enable"),
      h("button", { type: "button", "data-action": "swap", title: "Choose a .wasm to put in its place, or drop one on this card" }, "Swap…"),
      h("button", { type: "button", class: "danger quiet", "data-action": "delete" }, "Delete"),
    ),
  );
}

/** Events of other calls pass it by. */
function wants({ describe }: Script): HTMLElement {
  const { calls, payload, ...conditions } = describe.wants;
  const text = payload > 0 ? `payload ${bytes(payload)}` : "no payload";
  const narrower = Object.entries(conditions).map(([name, value]) => h("code", null, value === true ? name : `${name} ${Array.isArray(value) ? value.join(", ") : String(value)}`));
  return h("p", { class: "wants" }, h("span", { class: "subdued" }, "wants"), calls.map((call) => h("code", null, call)), narrower, h("span", { class: "subdued" }, text));
}

function handover({ handover: given }: Script): HTMLElement | null {
  if (!given) return null;
  if (given.error !== null) return h("p", { class: "notice" }, h("b", null, "Started without the state of the version before: "), given.error);
  return h("p", { class: "subdued handover" }, `Took over ${bytes(given.saved_bytes)} of state from the version before.`);
}

function keptBar({ events_in, kept, dropped }: Script): HTMLElement {
  const percentKept = events_in > 0 ? (100 * kept) / events_in : 0;
  return h(
    "div",
    { class: events_in > 0 ? "kept-bar" : "kept-bar unused", role: "img", "aria-label": `${count(kept)} kept and ${count(dropped)} dropped of ${count(events_in)}`, title: `${share(kept, events_in)} kept` },
    h("span", { style: `width: ${percentKept.toFixed(2)}%` }),
  );
}

function figures(script: Script): HTMLElement {
  const rows: [string, string, string?, string?][] = [
    ["events in", count(script.events_in)],
    ["kept", count(script.kept)],
    ["dropped", count(script.dropped)],
    ["p50 per event", duration(script.p50_ns)],
    ["p99 per event", duration(script.p99_ns)],
    ["core share", percent(script.core_share)],
    ["memory", bytes(script.memory_bytes)],
    ["batches", count(script.batches)],
    ["output refused", count(script.output_refused), "table updates, attributes and results over its limit"],
    ["pipelines", script.pipelines.join(", ") || "none"],
    ["switched at", script.switched_at_seq === null ? "never swapped" : `seq ${count(script.switched_at_seq)}`],
    ["sha256", script.sha256.slice(0, 12), script.sha256],
    ["loaded", moment(script.loaded), script.loaded, "wide"],
  ];
  return h("dl", { class: "figures" }, ...rows.map(([name, value, title, width]) => h("div", { class: width ?? null }, h("dt", null, name), h("dd", { title: title ?? null }, value))));
}

function results(name: string, emitted: EmittedPage | undefined): HTMLElement {
  const body = !emitted
    ? h("p", { class: "subdued" }, "Reading…")
    : emitted.results.length === 0
      ? h("p", { class: "subdued" }, "It has emitted nothing.")
      : h("ol", { class: "log-lines", tabindex: 0, "aria-label": `results of ${name}` }, emitted.results.map(({ time, value }) => h("li", null, h("time", null, clock(time)), " ", typeof value === "string" ? value : JSON.stringify(value))));
  return h("details", { class: "emitted", "data-emitted": name }, h("summary", null, `Results${emitted && emitted.total > 0 ? ` (${count(emitted.total)})` : ""}`), body);
}

function logLines(name: string, log: LogPage | undefined): HTMLElement {
  const body = !log
    ? h("p", { class: "subdued" }, "Reading…")
    : log.lines.length === 0
      ? h("p", { class: "subdued" }, "It has logged nothing.")
      : h(
          "ol",
          { class: "log-lines", tabindex: 0, "aria-label": `log of ${name}` },
          ...log.lines.map((line) => h("li", { class: line.level }, h("time", null, clock(line.time)), " ", h("b", null, line.level), " ", line.text)),
        );
  const dropped = log && log.dropped > 0 ? h("p", { class: "subdued" }, `${count(log.dropped)} lines over the limit were dropped.`) : null;
  return h("details", { class: "log", "data-log": name }, h("summary", null, "Log"), body, dropped);
}
