import type { Backend, KernelProgram, Status } from "../api/shapes";
import { h } from "../dom/element";
import { moment, span } from "../format/clock";
import { bytes, count } from "../format/quantity";
import { storeFacts } from "./store_facts";

export function hostFacts(status: Status): HTMLElement {
  const first = status.time_to_first_event_ms;
  const facts: [string, string][] = [
    ["version", status.version],
    ["kernel", `${status.kernel} (${status.arch})`],
    ["up for", span(status.uptime_ms)],
    ["started", moment(status.started)],
    ["memory", bytes(status.rss_bytes)],
    ["process", `pid ${status.pid}`],
    ["first event", first === null ? "not yet" : `${count(first)} ms after the start`],
    ...storeFacts(status.store),
  ];
  return h("dl", { class: "facts" }, ...facts.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))));
}

export function backendFacts(backend: Backend, programs: KernelProgram[]): HTMLElement[] {
  const sees = backend.cannot_see.length === 0
    ? [h("p", null, "Nothing is hidden from this backend.")]
    : [h("h3", null, "What it cannot see"), h("ul", { class: "cannot-see", tabindex: -1, "aria-label": "blind spots" }, ...backend.cannot_see.map((one) => h("li", null, one)))];
  return [
    h("p", { class: "backend-name" }, h("b", null, backend.name), h("span", { class: "chip" }, backend.requested === "auto" ? "chosen by auto" : `asked for: ${backend.requested}`)),
    h("p", { class: "why" }, backend.why),
    ...sees,
    h("h3", null, "What was tried"),
    h("ol", { class: "tried" }, ...backend.tried.map(attempt)),
    h("details", { class: "programs" }, h("summary", null, `Kernel programs (${programs.length})`), programTable(programs)),
  ];
}

function attempt({ name, works, reason }: Backend["tried"][number]): HTMLElement {
  const mark = h("span", { class: `mark ${works ? "good" : "bad"}`, "aria-hidden": "true" }, works ? "✓" : "✗");
  return h("li", null, mark, h("b", null, name), h("span", { class: "sr-only" }, works ? "works" : "does not work"), " ", h("span", { class: "subdued" }, reason));
}

function programTable(programs: KernelProgram[]): HTMLElement {
  const head = ["program", "attached to", "instructions", "recursion misses", "missed"].map((text, at) => h("th", { scope: "col", class: at > 1 ? "number" : "" }, text));
  const rows = programs.map(({ name, attached_to, verified_instructions, recursion_misses, missed }) =>
    h(
      "tr",
      null,
      h("th", { scope: "row" }, name),
      h("td", null, attached_to),
      h("td", { class: "number" }, count(verified_instructions)),
      h("td", { class: "number" }, count(recursion_misses)),
      h("td", { class: "number" }, missed === null ? "not counted" : count(missed)),
    ),
  );
  return h("div", { class: "scroll-x" }, h("table", null, h("thead", null, h("tr", null, head)), h("tbody", null, rows)));
}
