import { ApiError, read } from "../api/client";
import type { Load, Pipeline, Script } from "../api/shapes";
import { recordCosts } from "./cost_history";

/** What the host runs and is about to run. */
export interface Loaded {
  scripts: Script[];
  pipelines: Pipeline[];
  loads: Load[];
}

type Listener = (loaded: Loaded) => void;

const EVERY_MS = 2_000;
/** While a load is under way. */
const SOON_MS = 400;
const listeners = new Set<Listener>();
let latest: Loaded | null = null;

/** Calls at once with what is known, then after each poll. Returns how to stop. */
export function watchScripts(listener: Listener): () => void {
  listeners.add(listener);
  if (latest) listener(latest);
  return () => listeners.delete(listener);
}

/** Goes on in every view, so that the cost has a history when one comes to look at it. */
export async function pollScripts(): Promise<never> {
  for (;;) {
    await refreshScripts();
    const busy = latest?.loads.some(underWay) ?? false;
    await new Promise((wake) => setTimeout(wake, busy ? SOON_MS : EVERY_MS));
  }
}


export async function refreshScripts(): Promise<void> {
  try {
    const [{ scripts }, { pipelines }, loads] = await Promise.all([read<{ scripts: Script[] }>("/scripts"), read<{ pipelines: Pipeline[] }>("/pipelines"), readLoads()]);
    latest = { scripts, pipelines, loads };
    recordCosts(scripts);
    for (const listener of listeners) listener(latest);
  } catch {
    // The banner tells that the host does not answer; the next turn tries again.
  }
}

export function underWay({ state }: Load): boolean {
  return state === "compiling" || state === "starting";
}

async function readLoads(): Promise<Load[]> {
  try {
    return (await read<{ loads: Load[] }>("/loads")).loads;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
}
