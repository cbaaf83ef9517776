import type { CallEvent } from "../api/shapes";
import { COLUMNS } from "./columns";

/** An event as the list shows it. The text to search is made at its first search, not for every event. */
export interface Row {
  event: CallEvent;
  text: string | null;
}

/** Every term must occur somewhere, in any order; one with a minus before it must not. */
export function matches(row: Row, terms: string[]): boolean {
  if (terms.length === 0) return true;
  row.text ??= searchable(row.event);
  const { text } = row;
  return terms.every((term) => (term.length > 1 && term.startsWith("-") ? !text.includes(term.slice(1)) : text.includes(term)));
}

export function terms(words: string): string[] {
  return words.toLowerCase().split(/\s+/).filter(Boolean);
}

/** All values and the attributes' names; of how fields were read only what went wrong. */
function searchable(event: CallEvent): string {
  const { fields, msg, ...rest } = event;
  const parts = COLUMNS.map(({ cell }) => cell(event));
  gather({ ...rest, msg: msg && { ...msg, payload: null } }, parts);
  for (const { status } of Object.values(fields)) if (status === "fault" || status === "truncated") parts.push(status);
  return parts.join("\n").toLowerCase();
}

function gather(value: unknown, into: string[]): void {
  if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) gather(inner, into);
  else if (value !== null && value !== undefined) into.push(String(value));
}
