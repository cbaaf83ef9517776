import { ApiError, read } from "../api/client";
import type { CallEvent } from "../api/shapes";
import type { Place } from "../view";

/** What a link into the view names. A number is an event, as no pipeline that is loaded by hand is called so. */
export interface Linked {
  pipeline: string | null;
  seq: number | null;
  filter: string | null;
}

export function linked({ path: [first, second], query }: Place): Linked {
  const filter = query.get("filter");
  if (first && isSeq(first) && !second) return { pipeline: null, seq: Number(first), filter };
  return { pipeline: first || null, seq: second && isSeq(second) ? Number(second) : null, filter };
}

export function hashOf(pipeline: string, seq: number | null, filter: string): string {
  const query = filter === "" ? "" : `?${new URLSearchParams({ filter })}`;
  return `#/events/${encodeURIComponent(pipeline)}${seq === null ? "" : `/${seq}`}${query}`;
}

/** The event of a link, in one of the pipelines, if one still keeps it. */
export async function fetchEvent(seq: number, pipelines: string[]): Promise<{ pipeline: string; event: CallEvent } | null> {
  for (const pipeline of pipelines) {
    const event = await one(seq, pipeline);
    if (event) return { pipeline, event };
  }
  return null;
}

async function one(seq: number, pipeline: string): Promise<CallEvent | null> {
  const query = new URLSearchParams({ pipeline, before: String(seq + 1), limit: "1" });
  try {
    const { events } = await read<{ events: CallEvent[] }>(`/events?${query}`);
    return events.find((event) => event.seq === seq) ?? null;
  } catch (error) {
    if (error instanceof ApiError) return null;
    throw error;
  }
}

function isSeq(text: string): boolean {
  return /^\d{1,15}$/.test(text);
}
