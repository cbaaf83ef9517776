import { ApiError, read } from "../api/client";
import { type Message, readEvents } from "../api/server_events";
import type { CallEvent } from "../api/shapes";

export interface StreamListener {
  events: (events: CallEvent[]) => void;
  missed: (count: number) => void;
  connected: (yes: boolean) => void;
  /** The host will not have it: the filter is wrong, the pipeline gone, the token missing. It is tried again. */
  refused: (error: ApiError) => void;
}

const FIRST_EVENTS = 200;
const RETRY_MS = 2_000;

/** The query by which one pipeline's events are asked for. */
export function queryOf(pipeline: string, filter: string): URLSearchParams {
  return new URLSearchParams({ pipeline, ...(filter === "" ? {} : { filter }) });
}

/**
 * Kept events of one pipeline: first those that the host already has, then live ones. After a lost connection it goes on
 * with those kept meanwhile. Returns how to stop.
 */
export function follow(pipeline: string, filter: string, listener: StreamListener): () => void {
  const abort = new AbortController();
  let lastId: string | null = null;
  let retryMs = RETRY_MS;
  /** Live events that come before the kept ones are there. */
  let early: CallEvent[] | null = null;

  const take = (messages: Message[]) => {
    const events = messages.filter(({ event }) => event === "event").map(({ data }) => JSON.parse(data) as CallEvent);
    for (const { event, data } of messages) if (event === "missed") listener.missed((JSON.parse(data) as { missed: number }).missed);
    if (early) early.push(...events);
    else if (events.length > 0) listener.events(events);
  };
  const readKept = async () => {
    let kept: CallEvent[] = [];
    try {
      const query = queryOf(pipeline, filter);
      query.set("limit", String(FIRST_EVENTS));
      const { events } = await read<{ events: CallEvent[] }>(`/events?${query}`, abort.signal);
      kept = events.reverse();
    } catch {
      // The stream shows soon enough whether the host answers.
    }
    if (abort.signal.aborted) return;
    listener.events(kept);
    listener.events(early ?? []);
    early = null;
  };
  const connect = async () => {
    // The stream first: an event between the two would be in neither.
    early = [];
    try {
      await readEvents(`/events/stream?${queryOf(pipeline, filter)}`, {
        signal: abort.signal,
        lastId,
        opened() {
          listener.connected(true);
          void readKept();
        },
        messages: take,
        id: (id) => (lastId = id),
        retry: (ms) => (retryMs = ms),
      });
    } catch (error) {
      if (!abort.signal.aborted && error instanceof ApiError) listener.refused(error);
    }
    if (!abort.signal.aborted) listener.connected(false);
  };
  const go = async () => {
    while (!abort.signal.aborted) {
      await connect();
      await new Promise((wake) => setTimeout(wake, retryMs));
    }
  };
  void go();
  return () => abort.abort();
}
