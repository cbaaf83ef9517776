import type { ApiError } from "../api/client";
import { type Row } from "./row";
import { shelf } from "./shelf";
import { follow } from "./stream";

/** The events of one pipeline and filter as they come in. */
export interface Feed {
  start: (pipeline: string, filter: string) => void;
  stop: () => void;
  /** Oldest first. */
  rows: () => readonly Row[];
  missed: () => number;
  connected: () => boolean;
}

export interface FeedListener {
  /** How many came. */
  came: (count: number) => void;
  /** Connection or figures. */
  changed: () => void;
  refused: (error: ApiError) => void;
  /** What must not drown in what is not looked for. */
  stays: (row: Row) => boolean;
}

export function feed(listener: FeedListener): Feed {
  const kept = shelf();
  let missed = 0;
  let connected = false;
  let stopFollowing = () => {};
  return {
    start(pipeline, filter) {
      stopFollowing();
      kept.clear();
      missed = 0;
      connected = false;
      stopFollowing = follow(pipeline, filter, {
        events: (fresh) => listener.came(kept.put(fresh, listener.stays)),
        missed(count) {
          missed += count;
          listener.changed();
        },
        connected(yes) {
          connected = yes;
          listener.changed();
        },
        refused: listener.refused,
      });
    },
    stop: () => stopFollowing(),
    rows: kept.rows,
    missed: () => missed,
    connected: () => connected,
  };
}
