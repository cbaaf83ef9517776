import type { CallEvent, FieldNote } from "../api/shapes";
import { duration } from "../format/quantity";
import { block } from "./blocks";

/** One line of the drawer: a field of the event with how it was read. */
export interface FieldLine {
  /** Its path in the JSON. */
  name: string;
  value: string;
  note: FieldNote | null;
  /** What shows the value better than text; it stands below. */
  block?: HTMLElement;
}

export interface FieldGroup {
  title: string;
  lines: FieldLine[];
}

const GROUPS: [string, string[]][] = [
  ["Call", ["seq", "time", "call", "index", "vlen", "compat", "cpu", "duration_ns", "ret", "error", "fd", "flags", "toctou"]],
  ["Process", ["process"]],
  ["Socket", ["socket"]],
  ["Message", ["msg"]],
  ["Sendfile", ["sendfile"]],
  ["What the kernel used", ["kernel"]],
  ["Attributes", ["attrs"]],
];
/** Shown with another field. */
const ELSEWHERE = new Set(["socket.peer", "socket.peer_process", "sendfile.out"]);

export function fieldGroups(event: CallEvent): FieldGroup[] {
  const parts = event as unknown as Record<string, unknown>;
  const placed = new Set(["fields", ...GROUPS.flatMap(([, names]) => names)]);
  const rest = Object.keys(parts).filter((name) => !placed.has(name));
  const used = new Set<string>();
  const groups = [...GROUPS, ["Other", rest] as [string, string[]]].map(([title, names]): FieldGroup => ({
    title,
    lines: names.filter((name) => name in parts).flatMap((name) => linesOf(name, parts[name], event, used)),
  }));
  // A note about a part that is not in the event is still told.
  const orphans = Object.entries(event.fields).filter(([name]) => !used.has(name)).map(([name, note]): FieldLine => ({ name, value: "–", note }));
  return [...groups, { title: "Also noted", lines: orphans }].filter((group) => group.lines.length > 0);
}

function linesOf(name: string, value: unknown, event: CallEvent, used: Set<string>): FieldLine[] {
  const notes = event.fields;
  const noted = nearest(name, notes);
  if (noted) used.add(noted);
  const note = noted ? notes[noted] ?? null : null;
  if (ELSEWHERE.has(name)) return [];
  const better = block(name, value, event);
  if (better) return [{ name, value: "", note, block: better }];
  if (isBranch(value)) return Object.entries(value).flatMap(([part, inner]) => linesOf(`${name}.${part}`, inner, event, used));
  return [{ name, value: leaf(name, value, event), note }];
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

function leaf(name: string, value: unknown, event: CallEvent): string {
  if (value === null || value === undefined) return "null";
  if (name === "duration_ns" && typeof value === "number") return `${value} (${duration(value)})`;
  if (name === "index") return `${value}, the first is 0`;
  if (name === "process.uid" && typeof event.process["user"] === "string") return `${value} (${event.process["user"]})`;
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value.length === 0 ? "none" : value.join(" | ");
  if (typeof value === "object" && Object.keys(value).length === 0) return "none";
  return typeof value === "string" ? value : JSON.stringify(value);
}
