import type { TableKind } from "../api/shapes";

/** The host sorts; these are its names. */
export type SortKey = "key" | "value" | "count" | "p50" | "p90" | "p99" | "max" | "set" | "error" | "per_second";
export type Order = "asc" | "desc";

export interface Sorting {
  by: SortKey;
  order: Order;
}

const FIRST: Record<TableKind, SortKey> = {
  counter: "value",
  histogram: "count",
  gauge: "value",
  topk: "value",
  distinct: "value",
  rate: "per_second",
};

export function firstSorting(kind: TableKind): Sorting {
  return { by: FIRST[kind], order: "desc" };
}

/** The same column again turns the order round; names begin with a, numbers with the largest. */
export function nextSorting(now: Sorting, by: SortKey): Sorting {
  if (now.by === by) return { by, order: now.order === "asc" ? "desc" : "asc" };
  return { by, order: by === "key" ? "asc" : "desc" };
}
