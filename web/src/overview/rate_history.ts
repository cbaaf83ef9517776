import type { Status } from "../api/shapes";
import { lost } from "../ledger/rows";

/** Calls per second between two polls. `kept` is per pipeline, since each pipeline is offered every call. */
export interface Rates {
  atSecond: number;
  seen: number;
  lost: number;
  kept: Record<string, number>;
}

interface Sample {
  started: string;
  uptimeMs: number;
  seen: number;
  lost: number;
  kept: Record<string, number>;
}

const CAPACITY = 300;
const history: Rates[] = [];
let previous: Sample | null = null;

/** Lives outside the view, so that the chart is whole when one comes back to it. */
export function recordRates(status: Status): void {
  const sample = sampleOf(status);
  if (previous && previous.started !== sample.started) history.length = 0;
  if (previous && previous.started === sample.started) {
    const seconds = (sample.uptimeMs - previous.uptimeMs) / 1e3;
    if (seconds <= 0) return;
    history.push(ratesBetween(previous, sample, seconds));
    if (history.length > CAPACITY) history.shift();
  }
  previous = sample;
}

export function rateHistory(): readonly Rates[] {
  return history;
}

function sampleOf({ started, uptime_ms, ledger }: Status): Sample {
  const kept = Object.fromEntries(ledger.pipelines.map((pipeline) => [pipeline.name, pipeline.kept]));
  return { started, uptimeMs: uptime_ms, seen: ledger.seen, lost: lost(ledger), kept };
}

function ratesBetween(from: Sample, to: Sample, seconds: number): Rates {
  // A pipeline that was unloaded and loaded again counts from zero: a rate is never negative.
  const perSecond = (now: number, before: number) => Math.max(0, now - before) / seconds;
  return {
    atSecond: Date.now() / 1e3,
    seen: perSecond(to.seen, from.seen),
    lost: perSecond(to.lost, from.lost),
    kept: Object.fromEntries(Object.entries(to.kept).map(([name, now]) => [name, perSecond(now, from.kept[name] ?? now)])),
  };
}
