import type { CallEvent, FieldNote } from "../api/shapes";
import { duration } from "../format/quantity";

/** One line of the drawer: a leaf of the event with how it was read. */
export interface FieldLine {
  name: string;
  value: string;
  note: FieldNote | null;
}

export interface FieldGroup {
  title: string;
  lines: FieldLine[];
}

const GROUPS: [string, (keyof CallEvent)[]][] = [
  ["Call", ["seq", "time", "call", "cpu", "duration_ns", "ret", "error", "fd", "flags", "toctou"]],
  ["Attributes", ["attrs"]],
  ["Message", ["msg"]],
  ["Process", ["process"]],
  ["Socket", ["socket"]],
];

export function fieldGroups(event: CallEvent): FieldGroup[] {
  const placed = new Set(GROUPS.flatMap(([, names]) => names as string[]));
  const rest = (Object.keys(event) as (keyof CallEvent)[]).filter((name) => name !== "fields" && !placed.has(name));
  const used = new Set<string>();
  const groups = [...GROUPS, ["Other", rest] as [string, (keyof CallEvent)[]]].map(([title, names]): FieldGroup => ({
    title,
    lines: names.flatMap((name) => linesOf(name, event[name], event.fields, used)),
  }));
  // A note about a part that is not in the event (not seen, for instance) is still told.
  const orphans = Object.entries(event.fields).filter(([name]) => !used.has(name)).map(([name, note]): FieldLine => ({ name, value: "–", note }));
  return [...groups, { title: "Also noted", lines: orphans }].filter((group) => group.lines.length > 0);
}

function linesOf(name: string, value: unknown, notes: CallEvent["fields"], used: Set<string>): FieldLine[] {
  if (isBranch(value)) return Object.entries(value).flatMap(([part, inner]) => linesOf(`${name}.${part}`, inner, notes, used));
  const noted = nearest(name, notes);
  if (noted) used.add(noted);
  return [{ name, value: leaf(name, value), note: noted ? notes[noted] ?? null : null }];
}

/** A note stands for a group of fields: msg.name speaks for msg.name.port. */
function nearest(name: string, notes: CallEvent["fields"]): string | null {
  for (let path = name; path; path = path.slice(0, Math.max(0, path.lastIndexOf(".")))) {
    if (notes[path]) return path;
  }
  return null;
}

function isBranch(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
}

function leaf(name: string, value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (name === "duration_ns" && typeof value === "number") return `${value} (${duration(value)})`;
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value.length === 0 ? "none" : value.join(" | ");
  if (typeof value === "object" && Object.keys(value).length === 0) return "none";
  return typeof value === "string" ? value : JSON.stringify(value);
}
