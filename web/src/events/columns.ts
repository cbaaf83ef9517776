import type { CallEvent } from "../api/shapes";
import { dayAndClock } from "../format/clock";
import { bytes, duration } from "../format/quantity";
import { place, through } from "./place";

/** One column of the list. */
export interface Column {
  name: string;
  heading: string;
  /** The least width in pixels; `grow` says how much of what is left over it takes. */
  least: number;
  grow: number;
  /** What goes first when there is little room: the largest. */
  rank: number;
  number?: boolean;
  /** The text may be longer than its room. */
  titled?: boolean;
  cell: (event: CallEvent) => string;
}

export const COLUMNS: readonly Column[] = [
  { name: "seq", heading: "seq", least: 76, grow: 0, rank: 20, number: true, cell: ({ seq }) => String(seq) },
  { name: "time", heading: "time", least: 112, grow: 0, rank: 7, cell: ({ time }) => dayAndClock(time, true) },
  { name: "process", heading: "process", least: 96, grow: 1, rank: 0, titled: true, cell: ({ process }) => `${process.comm} ${process.pid}` },
  { name: "user", heading: "user", least: 70, grow: 0.3, rank: 22, titled: true, cell: ({ process }) => (typeof process["user"] === "string" ? process["user"] : String(process.uid)) },
  { name: "exe", heading: "program", least: 120, grow: 1, rank: 23, titled: true, cell: ({ process }) => process.exe ?? "–" },
  { name: "container", heading: "container", least: 90, grow: 0.5, rank: 21, titled: true, cell: ({ process }) => containerOf(process["container"]) },
  { name: "call", heading: "call", least: 88, grow: 0, rank: 5, titled: true, cell: ({ call, index }) => (index === null ? call : `${call} [${index}]`) },
  { name: "fd", heading: "socket", least: 104, grow: 0, rank: 9, titled: true, cell: through },
  { name: "local", heading: "own end", least: 110, grow: 1, rank: 24, titled: true, cell: ({ socket }) => socket?.local ?? "–" },
  { name: "place", heading: "to / from", least: 96, grow: 1.6, rank: 1, titled: true, cell: place },
  { name: "bytes", heading: "bytes", least: 64, grow: 0, rank: 6, number: true, cell: ({ msg, sendfile }) => bytes(msg?.bytes ?? sendfile?.count) },
  { name: "result", heading: "result", least: 84, grow: 0, rank: 2, number: true, titled: true, cell: ({ error, ret }) => error ?? (ret === null ? "–" : String(ret)) },
  { name: "duration", heading: "duration", least: 68, grow: 0, rank: 4, number: true, cell: ({ duration_ns }) => duration(duration_ns) },
  { name: "toctou", heading: "toctou", least: 86, grow: 0, rank: 3, cell: ({ toctou }) => (toctou === "changed" ? "⚠ changed" : toctou ?? "–") },
  { name: "flags", heading: "flags", least: 110, grow: 0.6, rank: 25, titled: true, cell: ({ flags }) => flags?.join(" ") || "–" },
  { name: "cpu", heading: "cpu", least: 40, grow: 0, rank: 26, number: true, cell: ({ cpu }) => String(cpu) },
  { name: "attrs", heading: "attrs", least: 70, grow: 0.8, rank: 8, titled: true, cell: attributes },
];

const FIRST = ["time", "process", "call", "fd", "place", "bytes", "result", "duration", "toctou", "attrs"];
const KEY = "weir.event-columns";
const GAP = 10;
const PADDING = 26;

/** What the reader has chosen, or null: as many of the usual ones as there is room for. */
export function chosenColumns(): string[] | null {
  const kept = localStorage.getItem(KEY);
  const names = kept?.split(" ").filter((name) => COLUMNS.some((column) => column.name === name));
  return names && names.length > 0 ? names : null;
}

export function chooseColumns(names: string[] | null): void {
  if (names === null) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, names.join(" "));
}

/** Which columns a list of this width shows. Those that were chosen are all shown: then the list scrolls sideways. */
export function columnsFor(width: number, chosen: string[] | null): Column[] {
  const wanted = chosen ?? FIRST;
  const columns = COLUMNS.filter(({ name }) => wanted.includes(name));
  if (chosen) return columns;
  const byRank = [...columns].sort((a, b) => a.rank - b.rank);
  let room = width - PADDING;
  const fit = byRank.filter(({ least }, at) => {
    room -= least + GAP;
    // Something is always shown.
    return at < 2 || room >= 0;
  });
  return columns.filter((column) => fit.includes(column));
}

/** As a grid's template, and the least width of a row. */
export function templateOf(columns: Column[]): { template: string; least: number } {
  return {
    template: columns.map(({ least, grow }) => (grow > 0 ? `minmax(${least}px, ${grow}fr)` : `${least}px`)).join(" "),
    least: columns.reduce((sum, { least }) => sum + least + GAP, PADDING),
  };
}

function attributes({ attrs }: CallEvent): string {
  return Object.entries(attrs ?? {}).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(" ");
}

function containerOf(container: unknown): string {
  const { id, pod } = (container ?? {}) as { id?: string; pod?: string | null };
  return pod ?? id?.slice(0, 12) ?? "–";
}
