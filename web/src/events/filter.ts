import { ApiError, read } from "../api/client";
import type { CallEvent } from "../api/shapes";
import { queryOf } from "./stream";

/** What the host says of a filter. */
export type Verdict = { fits: true } | { fits: false; message: string };

/** A host of before it could filter: the parameter is not one of its. */
const UNKNOWN = /unknown field `filter`/;

/** Asks the host, in whose language a filter is written. Null: it does not answer. */
export async function judge(pipeline: string, filter: string, signal: AbortSignal): Promise<Verdict | null> {
  if (filter === "") return { fits: true };
  const query = queryOf(pipeline, filter);
  query.set("limit", "1");
  try {
    await read<{ events: CallEvent[] }>(`/events?${query}`, signal);
    return { fits: true };
  } catch (error) {
    if (!(error instanceof ApiError)) return null;
    if (UNKNOWN.test(error.message)) return { fits: false, message: "This weir cannot filter events by an expression yet. Find, beside it, looks for words in the events that are here." };
    return { fits: false, message: error.message };
  }
}
