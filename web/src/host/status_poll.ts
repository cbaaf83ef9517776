import { ApiError, read } from "../api/client";
import type { Status } from "../api/shapes";

/** What the page knows about the host; `failure` is null while it answers. */
export interface HostView {
  status: Status | null;
  failure: string | null;
  /** It answers, but not without the token. */
  locked: boolean;
}

type Listener = (view: HostView) => void;

const EVERY_MS = 1_000;
const listeners = new Set<Listener>();
let latest: HostView = { status: null, failure: null, locked: false };

export function hostView(): HostView {
  return latest;
}

/** Calls at once with what is known, then after each poll. Returns how to stop. */
export function watchHost(listener: Listener): () => void {
  listeners.add(listener);
  listener(latest);
  return () => listeners.delete(listener);
}

/** One poll for the whole page: the banner, the overview and the stream all go by it. */
export async function pollStatus(): Promise<never> {
  for (;;) {
    const begun = performance.now();
    try {
      latest = { status: await read<Status>("/status"), failure: null, locked: false };
    } catch (error) {
      latest = { status: latest.status, failure: reason(error), locked: error instanceof ApiError && error.status === 401 };
    }
    for (const listener of listeners) listener(latest);
    await new Promise((wake) => setTimeout(wake, Math.max(100, EVERY_MS - (performance.now() - begun))));
  }
}

function reason(error: unknown): string {
  if (error instanceof ApiError) return `${error.message} (${error.code})`;
  return `no answer from ${location.host}`;
}
