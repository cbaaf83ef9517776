import { ApiError, read } from "../api/client";
import type { CallEvent } from "../api/shapes";
import { h } from "../dom/element";
import { hostView } from "../host/status_poll";
import { moment } from "../format/clock";
import { count } from "../format/quantity";
import type { Row } from "./row";
import { queryOf } from "./stream";

// What the pipeline kept before the events that are here: from the host's memory, and behind that from its store.

const PAGE = 200;
/** The list is no archive: a filter leads further back. */
export const MOST = 20_000;

interface Page {
  events: CallEvent[];
  next_before: number | null;
}

export interface Older {
  element: HTMLElement;
  /** Fetches a page before what is here, unless one is on its way or there is none. */
  more: () => Promise<void>;
  /** Begins anew, with another pipeline, filter or list. */
  reset: () => void;
}

interface Asked {
  pipeline: () => string;
  filter: () => string;
  /** Before the first page: the list must stand still. Returns what it then has. */
  hold: () => readonly Row[];
  /** Older ones, oldest first. */
  came: (rows: Row[]) => void;
}

export function older(asked: Asked): Older {
  const button = h("button", { type: "button" }, "Older events");
  const text = h("span", { role: "status" });
  const element = h("div", { class: "older" }, button, text);
  /** Where the next page begins; undefined: not asked yet. */
  let next: number | null | undefined;
  let brought = 0;
  let oldest: string | null = null;
  let trouble: string | null = null;
  let abort: AbortController | null = null;

  const say = () => {
    const all = next === null || brought >= MOST;
    button.disabled = abort !== null || all;
    text.textContent = trouble ?? (abort ? looking() : next === null ? nothingOlder(asked.pipeline()) : brought >= MOST ? `${count(brought)} older events are here, and no more are held: a filter leads further back.` : here());
  };
  const looking = () => (typeof next === "number" ? `Looking before event ${next}…` : "Looking…");
  const here = () => (oldest === null ? "" : `${count(brought)} older events, back to ${moment(oldest)}.`);
  const fetchPages = async (signal: AbortSignal) => {
    // A page with a filter may have none although there are some further back.
    for (let found = 0; found === 0 && next !== null; ) {
      const query = queryOf(asked.pipeline(), asked.filter());
      query.set("limit", String(PAGE));
      if (next !== undefined) query.set("before", String(next));
      const { events, next_before: before } = await read<Page>(`/events?${query}`, signal);
      if (signal.aborted) return;
      next = before;
      found = events.length;
      brought += found;
      oldest = events.at(-1)?.time ?? oldest;
      if (found > 0) asked.came(events.reverse().map((event) => ({ event, text: null })));
      else say();
    }
  };
  const more = async () => {
    if (abort || next === null || brought >= MOST) return;
    if (next === undefined) next = firstOf(asked.hold());
    abort = new AbortController();
    const { signal } = abort;
    trouble = null;
    say();
    try {
      await fetchPages(signal);
    } catch (error) {
      if (!signal.aborted) trouble = error instanceof ApiError ? `${error.message} (${error.code})` : "Weir does not answer; try again.";
    }
    if (signal.aborted) return;
    abort = null;
    say();
  };
  button.addEventListener("click", () => void more());
  return {
    element,
    more,
    reset() {
      abort?.abort();
      abort = null;
      next = undefined;
      brought = 0;
      oldest = null;
      trouble = null;
      say();
    },
  };
}

/** After a reconnect the first one need not be the oldest. */
function firstOf(rows: readonly Row[]): number | undefined {
  return rows.length === 0 ? undefined : rows.reduce((least, { event }) => Math.min(least, event.seq), Infinity);
}

/** The host does not say of a pipeline whether it is stored; but where nothing is, that is the remedy. */
function nothingOlder(pipeline: string): string {
  const stored = hostView().status?.store?.events ?? 0;
  return `There are no older events: these are all that weir has of ${pipeline}.${stored === 0 ? ` More are kept with --store-events ${pipeline}.` : ""}`;
}
