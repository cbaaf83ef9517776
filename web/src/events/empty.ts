import { h } from "../dom/element";

// What stands where there is no event, and what to do about it.

export function noEvents(filter: string): HTMLElement[] {
  if (filter !== "") {
    return [h("h2", null, "No event fits the filter yet"), h("p", null, "The host looks at each event of the pipeline by ", h("code", null, filter), ". What fits comes here as it happens.")];
  }
  return [
    h("h2", null, "No events yet"),
    h("p", null, "The pipeline has kept nothing so far. In another terminal, this makes traffic that exercises every field:"),
    h("pre", null, h("code", null, "weir workload")),
  ];
}

export function nothingMatches(): HTMLElement[] {
  return [h("h2", null, "Nothing here has these words"), h("p", null, "Every word must occur somewhere in the event, and none that has a minus before it. New events are still looked at as they come.")];
}

export function eventGone(seq: number): HTMLElement {
  return h("p", { class: "notice" }, h("b", null, `Event ${seq} is not kept`), ". Each pipeline keeps its newest events, so it has gone by, was dropped by a script, or belongs to a run of weir before this one.");
}
