import type { Script } from "../api/shapes";

/** What a script cost when it was looked at. */
export interface Cost {
  atSecond: number;
  p50: number | null;
  p99: number | null;
  share: number;
}

/** Ten minutes of looks at two seconds. */
const CAPACITY = 300;
const histories = new Map<string, Cost[]>();

export function recordCosts(scripts: Script[]): void {
  const atSecond = Date.now() / 1e3;
  for (const { name, p50_ns: p50, p99_ns: p99, core_share: share } of scripts) {
    const history = histories.get(name) ?? [];
    // Looked at twice at once, after a change for instance.
    if (atSecond - (history.at(-1)?.atSecond ?? 0) < 1) continue;
    history.push({ atSecond, p50, p99, share });
    if (history.length > CAPACITY) history.shift();
    histories.set(name, history);
  }
  for (const name of histories.keys()) if (!scripts.some((script) => script.name === name)) histories.delete(name);
}

export function costHistory(name: string): readonly Cost[] {
  return histories.get(name) ?? [];
}
