import type { CounterRow, HistogramRow, Table } from "../api/shapes";
import { h } from "../dom/element";
import { count, quantity, share } from "../format/quantity";
import { NUMBERS, type SortKey, type Sorting } from "./sorting";

type Row = CounterRow | HistogramRow;

/** Built anew each refresh and morphed in: headers carry data-sort, histogram rows data-row. */
export function rowTable(table: Table, sorting: Sorting, selected: string | null): HTMLElement {
  const rows: Row[] = table.row_list;
  const most = Math.max(1, ...rows.map(weight), table.other ? weight(table.other) : 0);
  const total = rows.reduce((sum, row) => sum + weight(row), table.other ? weight(table.other) : 0);
  const draw = (row: Row, other: boolean) => tableRow(table, row, { most, total, other, selected: selected === rowId(row.key) });
  return h(
    "div",
    { class: "scroll-x", tabindex: 0, role: "region", "aria-label": `rows of ${table.script} ${table.table}` },
    h(
      "table",
      { class: `rows ${table.kind}` },
      h("thead", null, h("tr", null, header(table.labels.join(" · ") || "key", "key", sorting), NUMBERS[table.kind].map((name) => header(name, name, sorting)))),
      h("tbody", null, rows.map((row) => draw(row, false)), table.other ? draw(table.other, true) : null),
    ),
  );
}

export function rowId(key: string[]): string {
  return JSON.stringify(key);
}

/** What the bar behind a row is as long as: the value, or for histograms the count. */
function weight(row: Row): number {
  return "value" in row ? row.value : row.count;
}

function header(text: string, by: SortKey, sorting: Sorting): HTMLElement {
  const active = sorting.by === by;
  const arrow = active ? (sorting.order === "asc" ? "↑" : "↓") : "";
  return h(
    "th",
    { scope: "col", class: by === "key" ? "" : "number", "aria-sort": active ? (sorting.order === "asc" ? "ascending" : "descending") : null },
    h("button", { type: "button", class: "sort", "data-sort": by }, text, h("span", { class: "arrow", "aria-hidden": "true" }, arrow)),
  );
}

function tableRow(table: Table, row: Row, { most, total, other, selected }: { most: number; total: number; other: boolean; selected: boolean }): HTMLElement {
  const name = other ? "other" : row.key.map((label) => label || "∅").join(" · ");
  const bar = h("span", { class: "bar-track", "aria-hidden": "true" }, h("span", { class: "bar", style: `width: ${((100 * Math.max(0, weight(row))) / most).toFixed(1)}%` }));
  const title = other ? `keys beyond the cap of ${count(table.max_keys)}, together` : name;
  const label = h("span", { class: "key-text", title }, name);
  const id = other ? "other" : rowId(row.key);
  const histogram = "p50" in row;
  return h(
    "tr",
    { "data-key": id, "data-row": histogram ? id : null, class: `${selected ? "selected" : ""} ${other ? "other" : ""}`.trim() },
    h("th", { scope: "row" }, histogram ? h("button", { type: "button", class: "key", "aria-pressed": String(selected) }, label) : label),
    histogram
      ? [h("td", { class: "number with-bar" }, count(row.count), bar), ...[row.p50, row.p90, row.p99, row.max].map((value) => h("td", { class: "number" }, quantity(value, table.unit)))]
      : h("td", { class: "number with-bar" }, quantity(row.value, table.unit), h("span", { class: "subdued share" }, share(row.value, total)), bar),
  );
}
