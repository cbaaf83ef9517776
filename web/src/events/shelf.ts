import type { CallEvent } from "../api/shapes";
import type { Row } from "./row";

/** The newest events, bounded; an event that comes again after a reconnect is known by its seq. */
export interface Shelf {
  /** What `stays` says is kept for longer: what is looked for must not drown in what is not. */
  put: (events: CallEvent[], stays: (row: Row) => boolean) => number;
  /** Oldest first. */
  rows: () => readonly Row[];
  clear: () => void;
}

export const CAPACITY = 3_000;
/** Cut in slices, since moving thousands of rows for every single event would cost more than showing them. */
const SLACK = 500;

export function shelf(): Shelf {
  let older: Row[] = [];
  let rows: Row[] = [];
  let known = new Set<number>();
  return {
    put(events, stays) {
      const fresh = events.filter(({ seq }) => !known.has(seq));
      for (const event of fresh) {
        known.add(event.seq);
        rows.push({ event, text: null });
      }
      if (rows.length > CAPACITY + SLACK) {
        const cut = rows.length - CAPACITY;
        older = [...older, ...rows.slice(0, cut)].filter(stays).slice(-CAPACITY);
        rows = rows.slice(cut);
        known = new Set([...older, ...rows].map((row) => row.event.seq));
      }
      return fresh.length;
    },
    rows: () => [...older, ...rows.slice(-CAPACITY)],
    clear() {
      older = [];
      rows = [];
      known = new Set();
    },
  };
}
