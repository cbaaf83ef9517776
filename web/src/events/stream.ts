import { read, streamUrl } from "../api/client";
import type { CallEvent } from "../api/shapes";

export interface StreamListener {
  events: (events: CallEvent[]) => void;
  missed: (count: number) => void;
  connected: (yes: boolean) => void;
}

const FIRST_EVENTS = 200;
const RETRY_MS = 2_000;

/** Kept events of one pipeline: first those that the host already has, then live ones. Returns how to stop. */
export function follow(pipeline: string, listener: StreamListener): () => void {
  let source: EventSource | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  /** Live events that come before the kept ones are there. */
  let early: CallEvent[] | null = [];

  const open = () => {
    const stream = new EventSource(streamUrl(pipeline));
    source = stream;
    stream.addEventListener("open", () => listener.connected(true));
    stream.addEventListener("event", ({ data }: MessageEvent<string>) => {
      const event = JSON.parse(data) as CallEvent;
      if (early) early.push(event);
      else listener.events([event]);
    });
    stream.addEventListener("missed", ({ data }: MessageEvent<string>) => listener.missed((JSON.parse(data) as { missed: number }).missed));
    stream.addEventListener("error", () => {
      listener.connected(false);
      // The browser itself connects again after a lost connection, but gives up after an error status.
      if (stream.readyState !== EventSource.CLOSED || stopped) return;
      retry = setTimeout(open, RETRY_MS);
    });
  };
  const start = async () => {
    // The stream first: an event between the two would be in neither.
    open();
    let kept: CallEvent[] = [];
    try {
      const { events } = await read<{ events: CallEvent[] }>(`/events?pipeline=${encodeURIComponent(pipeline)}&limit=${FIRST_EVENTS}`);
      kept = events.reverse();
    } catch {
      // The stream shows soon enough whether the host answers.
    }
    if (stopped) return;
    listener.events(kept);
    listener.events(early ?? []);
    early = null;
  };
  void start();
  return () => {
    stopped = true;
    clearTimeout(retry);
    source?.close();
  };
}
