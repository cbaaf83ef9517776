import type { TableKind } from "../api/shapes";

/** The host sorts; these are its names. */
export type SortKey = "key" | "value" | "count" | "p50" | "p90" | "p99" | "max";
export type Order = "asc" | "desc";

export interface Sorting {
  by: SortKey;
  order: Order;
}

export const NUMBERS: Record<TableKind, readonly Exclude<SortKey, "key">[]> = {
  counter: ["value"],
  histogram: ["count", "p50", "p90", "p99", "max"],
};

export function firstSorting(kind: TableKind): Sorting {
  return { by: kind === "counter" ? "value" : "count", order: "desc" };
}

/** The same column again turns the order round; names begin with a, numbers with the largest. */
export function nextSorting(now: Sorting, by: SortKey): Sorting {
  if (now.by === by) return { by, order: now.order === "asc" ? "desc" : "asc" };
  return { by, order: by === "key" ? "asc" : "desc" };
}
