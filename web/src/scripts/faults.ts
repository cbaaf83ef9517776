import type { Fault, Script } from "../api/shapes";
import { h } from "../dom/element";
import { clock, moment } from "../format/clock";
import { count } from "../format/quantity";

/** What went wrong, with the functions in which it did. */
export function faultList({ name, faults }: Script): HTMLElement {
  const { trapped, timed_out, last } = faults;
  if (trapped + timed_out === 0 && !last) return h("p", { class: "faults subdued" }, "No faults.");
  return h("details", { class: "faults bad", "data-details": `${name} faults` }, h("summary", null, `Faults: ${count(trapped)} trapped, ${count(timed_out)} timed out`), last ? faultOf(last) : null);
}

/** A new version that failed with its first batches. */
export function rollback({ version, rolled_back: rolled }: Script): HTMLElement | null {
  if (!rolled) return null;
  return h(
    "div",
    { class: "notice bad rolled-back", role: "group", "aria-label": "rolled back" },
    h("p", null, h("b", null, `Rolled back: ${rolled.version || rolled.sha256.slice(0, 12)} failed`), ` with its first batches, so ${version || "the version before"} was put back and given them again.`),
    h("details", { "data-details": `${rolled.sha256} rollback` }, h("summary", null, "How it failed"), faultOf(rolled.fault)),
  );
}

/** Why it does not run, and what to do about it. */
export function whyNot({ state, state_why, faults }: Script): HTMLElement | null {
  if (state === "quarantined") {
    return h(
      "div",
      { class: "notice bad quarantine" },
      h("p", null, h("b", null, "Quarantined: "), state_why ?? "it failed too often", ". Events of its pipelines are counted as ", h("code", null, "quarantined"), " and go no further."),
      h("ul", null, h("li", null, "It timed out, or ran out of memory: raise its limits below, then ", h("b", null, "Start again"), "."), h("li", null, "It trapped: load a mended version, or give it other parameters."), h("li", null, h("b", null, "Disable"), " it, and events pass it by.")),
      faults.last ? h("p", { class: "subdued" }, `Last: ${faults.last.message}`) : null,
    );
  }
  if (state === "paused") return h("p", { class: "notice" }, h("b", null, "Paused after a fault: "), state_why ?? "a fresh instance starts in a moment", ".");
  return state_why ? h("p", { class: "notice bad" }, state_why) : null;
}

function faultOf({ time, kind, message, backtrace }: Fault): HTMLElement {
  return h(
    "div",
    { class: "fault" },
    h("p", null, h("b", null, kind), " ", h("time", { class: "subdued", datetime: time, title: moment(time) }, clock(time)), h("br", null), h("span", { class: "fault-message" }, message)),
    backtrace.length > 0
      ? h("ol", { class: "backtrace", tabindex: 0, "aria-label": "backtrace, innermost first" }, backtrace.map((frame) => h("li", null, frame)))
      : h("p", { class: "subdued" }, "No backtrace: the module has no names, or ran in none of its functions."),
  );
}
