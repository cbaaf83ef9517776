import type { CallEvent } from "../api/shapes";
import { clock } from "../format/clock";
import { bytes, duration } from "../format/quantity";
import { place, through } from "./place";

/** An event as the list shows it. The text to search is made at its first search, not for every event. */
export interface Row {
  event: CallEvent;
  text: string | null;
}

export const COLUMNS = ["time", "process", "call", "fd", "place", "bytes", "result", "duration", "toctou", "attrs"] as const;
export type Column = (typeof COLUMNS)[number];

export const HEADINGS: Record<Column, string> = {
  time: "time",
  process: "process",
  call: "call",
  fd: "socket",
  place: "to / from",
  bytes: "bytes",
  result: "result",
  duration: "duration",
  toctou: "toctou",
  attrs: "attrs",
};

export function cells(event: CallEvent): Record<Column, string> {
  return {
    time: clock(event.time),
    process: `${event.process.comm} ${event.process.pid}`,
    call: event.index === null ? event.call : `${event.call} [${event.index}]`,
    fd: through(event),
    place: place(event),
    bytes: bytes(event.msg?.bytes ?? event.sendfile?.count),
    result: event.error ?? (event.ret === null ? "–" : String(event.ret)),
    duration: duration(event.duration_ns),
    toctou: event.toctou === "changed" ? "⚠ changed" : event.toctou ?? "–",
    attrs: attributes(event),
  };
}

function attributes({ attrs }: CallEvent): string {
  return Object.entries(attrs ?? {}).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(" ");
}

/** Every term must occur somewhere, in any order; one with a minus before it must not. */
export function matches(row: Row, terms: string[]): boolean {
  if (terms.length === 0) return true;
  row.text ??= searchable(row.event);
  const { text } = row;
  return terms.every((term) => (term.length > 1 && term.startsWith("-") ? !text.includes(term.slice(1)) : text.includes(term)));
}

export function terms(filter: string): string[] {
  return filter.toLowerCase().split(/\s+/).filter(Boolean);
}

/** All values and the attributes' names; of how fields were read only what went wrong. */
function searchable(event: CallEvent): string {
  const { fields, msg, ...rest } = event;
  const parts = Object.values(cells(event));
  gather({ ...rest, msg: msg && { ...msg, payload: null } }, parts);
  for (const { status } of Object.values(fields)) if (status === "fault" || status === "truncated") parts.push(status);
  return parts.join("\n").toLowerCase();
}

function gather(value: unknown, into: string[]): void {
  if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) gather(inner, into);
  else if (value !== null && value !== undefined) into.push(String(value));
}
