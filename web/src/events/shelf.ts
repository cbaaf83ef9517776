import type { CallEvent } from "../api/shapes";
import type { Row } from "./row";

/** The newest events, bounded; an event that comes again after a reconnect is known by its seq. */
export interface Shelf {
  put: (events: CallEvent[]) => number;
  /** Oldest first. */
  rows: () => readonly Row[];
  clear: () => void;
}

export const CAPACITY = 1_000;
/** Cut in slices, since moving a thousand rows for every single event would cost more than showing them. */
const SLACK = 200;

export function shelf(): Shelf {
  let rows: Row[] = [];
  let known = new Set<number>();
  return {
    put(events) {
      const fresh = events.filter(({ seq }) => !known.has(seq));
      for (const event of fresh) {
        known.add(event.seq);
        rows.push({ event, text: null });
      }
      if (rows.length > CAPACITY + SLACK) {
        rows = rows.slice(-CAPACITY);
        known = new Set(rows.map((row) => row.event.seq));
      }
      return fresh.length;
    },
    rows: () => (rows.length > CAPACITY ? rows.slice(-CAPACITY) : rows),
    clear() {
      rows = [];
      known = new Set();
    },
  };
}
