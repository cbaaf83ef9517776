import type { RowsByKind, Table, TableKind, TableOf } from "../api/shapes";
import { h } from "../dom/element";
import { type Layout, LAYOUTS, type Scale } from "./columns";
import type { SortKey, Sorting } from "./sorting";

const MOST_ROWS = 300;

/** Built anew each refresh and morphed in: headers carry data-sort, rows data-row. */
export function rowTable(table: Table, sorting: Sorting, selected: string | null, search: string): HTMLElement {
  return draw(table, LAYOUTS[table.kind] as Layout<RowsByKind[TableKind]>, sorting, selected, search);
}

/** Whether each word occurs in one of the labels. */
export function fits(key: string[], search: string): boolean {
  const text = key.join(" ").toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

export function rowId(key: string[]): string {
  return JSON.stringify(key);
}

function draw<K extends TableKind>(table: TableOf<K>, layout: Layout<RowsByKind[K]>, sorting: Sorting, selected: string | null, search: string): HTMLElement {
  const { row_list: rows, other } = table;
  const found = rows.filter(({ key }) => fits(key, search));
  const all = other ? [...rows, other] : rows;
  const scale: Scale = {
    unit: table.unit,
    most: Math.max(...all.map(layout.weight)),
    total: layout.whole?.(rows, other) ?? all.reduce((sum, row) => sum + layout.weight(row), 0),
  };
  const cells = (row: RowsByKind[K]) => layout.columns.map(({ cell }, at) => h("td", { class: at === 0 ? "number with-bar" : "number" }, cell(row, scale)));
  const drawn = found.slice(0, MOST_ROWS).map((row) => {
    const name = row.key.map((label) => label || "∅").join(" · ");
    return tableRow({ id: rowId(row.key), name, title: name, other: false, selected, chooses: true }, cells(row));
  });
  if (other && search === "") drawn.push(tableRow({ id: "other", name: "other", title: layout.other(table.max_keys), other: true, selected, chooses: table.kind === "histogram" }, cells(other)));
  return h(
    "div",
    { class: "scroll-x", tabindex: 0, role: "region", "aria-label": `rows of ${table.script} ${table.table}` },
    found.length === 0 ? h("p", { class: "subdued no-row" }, "No row has these words in its labels.") : null,
    found.length > MOST_ROWS ? h("p", { class: "subdued" }, `The first ${MOST_ROWS} of ${found.length} rows; the files have all.`) : null,
    h(
      "table",
      { class: `rows ${table.kind}` },
      h("thead", null, h("tr", null, header(table.labels.join(" · ") || "key", "key", sorting), layout.columns.map(({ name, by }) => header(name, by, sorting)))),
      h("tbody", null, drawn),
    ),
  );
}

function header(text: string, by: SortKey | null, sorting: Sorting): HTMLElement {
  const props = { scope: "col", class: by === "key" ? "" : "number" };
  if (!by) return h("th", props, text);
  const active = sorting.by === by;
  const arrow = active ? (sorting.order === "asc" ? "↑" : "↓") : "";
  return h(
    "th",
    { ...props, "aria-sort": active ? (sorting.order === "asc" ? "ascending" : "descending") : null },
    h("button", { type: "button", class: "sort", "data-sort": by }, text, h("span", { class: "arrow", "aria-hidden": "true" }, arrow)),
  );
}

interface Shown {
  id: string;
  name: string;
  title: string;
  other: boolean;
  selected: string | null;
  /** Whether a click shows more of the row. */
  chooses: boolean;
}

function tableRow({ id, name, title, other, selected, chooses }: Shown, cells: HTMLElement[]): HTMLElement {
  const label = h("span", { class: "key-text", title }, name);
  const chosen = selected === id;
  return h(
    "tr",
    { "data-key": id, "data-row": chooses ? id : null, class: `${chosen ? "selected" : ""} ${other ? "other" : ""}`.trim() },
    h("th", { scope: "row" }, chooses ? h("button", { type: "button", class: "key", "aria-pressed": String(chosen) }, label) : label),
    cells,
  );
}
