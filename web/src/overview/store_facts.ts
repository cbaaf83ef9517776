import type { Store } from "../api/shapes";
import { h } from "../dom/element";
import { span } from "../format/clock";
import { bytes, count } from "../format/quantity";

// What survives a restart, and what is wrong with it: tracing goes on either way.

export function storeFacts(store: Store | null | undefined): [string, string][] {
  if (store === undefined) return [];
  if (store === null) return [["store", "none: nothing survives a restart"]];
  const { bytes: size, most_bytes: most, age_s: age, events, restored } = store;
  const facts: [string, string][] = [
    ["store", `${bytes(size)} of ${bytes(most)} at most`],
    ["last commit", age === null ? "not yet" : `${span(age * 1e3)} ago`],
    ["stored events", count(events)],
  ];
  if (restored) facts.push(["restored", `${some(restored.tables, "table")} and ${some(restored.scripts, "script")}, ${restored.complete ? "whole" : `as of ${span(restored.age_s * 1e3)} before the start`}`]);
  return facts;
}

function some(number: number, what: string): string {
  return `${count(number)} ${what}${number === 1 ? "" : "s"}`;
}

export function storeTrouble(store: Store | null | undefined): HTMLElement[] {
  if (!store) return [];
  const { error, dropped, put_aside: aside, refused } = store;
  const lines: [boolean, string, string][] = [
    [error !== null, "Nothing is stored at the moment", `: ${error}. Tracing goes on.`],
    [dropped > 0, `${count(dropped)} kept events could not be stored`, "; they were shown all the same."],
    [aside !== null, "The database of before was of no use", ` and lies at ${aside}.`],
    [refused.length > 0, "Scripts of before that are not at work", `: ${refused.map(({ script, error: why }) => `${script} (${why})`).join(", ")}. They stay in the store.`],
  ];
  return lines.filter(([is]) => is).map(([, what, more]) => h("p", { class: "notice bad", role: "alert" }, h("b", null, what), more));
}
