import type { RowsByKind, TableKind } from "../api/shapes";
import { type Child, h } from "../dom/element";
import { moment, span } from "../format/clock";
import { count, quantity, rate, share } from "../format/quantity";
import type { SortKey } from "./sorting";

/** What a row is drawn against. */
export interface Scale {
  unit: string;
  /** The largest weight of a row, and the sum of all. */
  most: number;
  total: number;
}

export interface Column<R> {
  name: string;
  /** Null: the host has no such order. */
  by: SortKey | null;
  cell: (row: R, scale: Scale) => Child[];
}

export interface Layout<R> {
  /** What the bar is as long as. */
  weight: (row: R) => number;
  /** What the shares are parts of, if that is not the sum of the weights. */
  whole?: (rows: R[], other: R | null) => number;
  /** The first one has the bar. */
  columns: Column<R>[];
  /** What the row `other` is. */
  other: (maxKeys: number | null) => string;
}

const beyond = (maxKeys: number | null) => `keys beyond the cap of ${count(maxKeys)}, together`;

export const LAYOUTS: { [K in TableKind]: Layout<RowsByKind[K]> } = {
  counter: {
    weight: (row) => row.value,
    columns: [{ name: "value", by: "value", cell: ({ value }, { unit, most, total }) => [quantity(value, unit), shareOf(value, total), bar(value, most)] }],
    other: beyond,
  },
  histogram: {
    weight: (row) => row.count,
    columns: [
      { name: "count", by: "count", cell: (row, { most }) => [count(row.count), bar(row.count, most)] },
      ...(["p50", "p90", "p99", "max"] as const).map((name) => ({ name, by: name, cell: (row: RowsByKind["histogram"], { unit }: Scale) => [quantity(row[name], unit)] })),
    ],
    other: beyond,
  },
  gauge: {
    weight: (row) => row.value,
    columns: [
      { name: "value", by: "value", cell: ({ value }, { unit, most }) => [signed(value, unit), bar(value, most)] },
      { name: "set", by: "set", cell: ({ set }) => [h("time", { datetime: set, title: moment(set) }, ago(set))] },
    ],
    other: (maxKeys) => `the last value of all keys beyond the cap of ${count(maxKeys)}`,
  },
  topk: {
    weight: (row) => row.value,
    whole: (rows, other) => rows.reduce((sum, row) => sum + row.value - row.error, other?.value ?? 0),
    columns: [
      { name: "at most", by: "value", cell: ({ value, error }, { unit, most, total }) => [quantity(value, unit), shareOf(value, total), bar(value, most, error)] },
      { name: "at least", by: null, cell: ({ value, error }, { unit }) => [quantity(value - error, unit)] },
      { name: "error", by: "error", cell: ({ error }, { unit }) => [error === 0 ? exact() : quantity(error, unit)] },
    ],
    other: () => "all further keys, together",
  },
  distinct: {
    weight: (row) => row.value,
    columns: [
      { name: "value", by: "value", cell: ({ value }, { unit, most }) => [quantity(value, unit), bar(value, most)] },
      { name: "error", by: null, cell: ({ relative_error: error }) => [error === 0 ? exact() : `± ${(100 * error).toFixed(1)} %`] },
    ],
    other: (maxKeys) => `different items of all keys beyond the cap of ${count(maxKeys)}`,
  },
  rate: {
    weight: (row) => row.per_second,
    columns: [
      { name: "per second", by: "per_second", cell: ({ per_second }, { unit, most, total }) => [perSecond(per_second, unit), shareOf(per_second, total), bar(per_second, most)] },
      { name: "in the window", by: "value", cell: ({ value }, { unit }) => [quantity(value, unit)] },
    ],
    other: beyond,
  },
};

/** The end of the bar that is not certain is drawn faintly. */
function bar(value: number, most: number, error = 0): HTMLElement {
  const width = (part: number, whole: number) => `width: ${((100 * Math.max(0, part)) / Math.max(1e-9, whole)).toFixed(1)}%`;
  const unsure = error > 0 ? h("span", { class: "unsure", style: width(error, value) }) : null;
  return h("span", { class: "bar-track", "aria-hidden": "true" }, h("span", { class: "bar", style: width(value, most) }, unsure));
}

function shareOf(value: number, total: number): HTMLElement {
  return h("span", { class: "subdued share" }, share(value, total));
}

function exact(): HTMLElement {
  return h("span", { class: "subdued" }, "exact");
}

function signed(value: number, unit: string): string {
  return value < 0 ? `−${quantity(-value, unit)}` : quantity(value, unit);
}

function perSecond(value: number, unit: string): string {
  return unit === "1" || unit === "" ? `${rate(value)}/s` : `${quantity(value, unit)}/s`;
}

function ago(time: string): string {
  // The host's clock and the reader's may differ.
  return `${span(Math.max(0, Date.now() - Date.parse(time)))} ago`;
}
