import { ApiError, read } from "../api/client";
import type { HistogramRow, Table, TableHead } from "../api/shapes";
import { h } from "../dom/element";
import { morph } from "../dom/morph";
import { errorNotice } from "../dom/notice";
import { span } from "../format/clock";
import { count } from "../format/quantity";
import type { View } from "../view";
import { drawHistogram } from "./histogram";
import { rowId, rowTable } from "./rows";
import { firstSorting, nextSorting, type Sorting, type SortKey } from "./sorting";

const EVERY_MS = 2_000;
const LIMIT = 100;
/** Of the panel and of the drawing's own ground, left and right. */
const PADDING = 58;

export function tables(root: HTMLElement, path: string[]): View {
  let heads: TableHead[] | null = null;
  let chosen: { script: string; table: string } | null = named(path);
  let shown: Table | null = null;
  let failure: unknown = null;
  let sorting: Sorting | null = null;
  let selected: string | null = null;

  const menu = h("nav", { class: "table-menu", "aria-label": "tables" });
  const content = h("section", { class: "panel table-content", "aria-live": "off" });
  const place = h("div", { class: "tables-split" }, menu, content);
  root.append(h("h1", { class: "sr-only" }, "Tables"), place);

  const draw = () => {
    if (!heads) return;
    place.classList.toggle("bare", heads.length === 0);
    morph(menu, ...menuOf(heads, chosen));
    if (heads.length === 0) morph(content, noTables());
    else if (failure) morph(content, errorNotice(failure));
    else if (shown && sorting) morph(content, ...contentOf(shown, sorting, selected, content.clientWidth - PADDING));
  };
  const refresh = async () => {
    try {
      heads = (await read<{ tables: TableHead[] }>("/tables")).tables;
      const head = heads.find((one) => one.script === chosen?.script && one.table === chosen.table) ?? (chosen ? undefined : heads[0]);
      if (head) {
        chosen = { script: head.script, table: head.table };
        sorting ??= firstSorting(head.kind);
      }
      if (chosen) await readRows(chosen, sorting ?? { by: "key", order: "asc" });
    } catch (error) {
      // Only an answer is shown here: for a host that does not answer there is the banner.
      if (error instanceof ApiError) failure = error;
    }
    draw();
  };
  const readRows = async (what: { script: string; table: string }, how: Sorting) => {
    const query = new URLSearchParams({ sort: how.by, order: how.order, limit: String(LIMIT) });
    const table = await read<Table>(`/tables/${encodeURIComponent(what.script)}/${encodeURIComponent(what.table)}?${query}`);
    // Meanwhile another table or order may have been chosen; its own answer is on the way.
    if (chosen !== what || (sorting && sorting !== how)) return;
    shown = table;
    failure = null;
  };

  content.addEventListener("click", (event) => {
    const target = event.target as Element;
    const by = target.closest<HTMLElement>("[data-sort]")?.dataset["sort"];
    const row = target.closest<HTMLElement>("[data-row]")?.dataset["row"];
    if (by && sorting) {
      sorting = nextSorting(sorting, by as SortKey);
      void refresh();
    } else if (row) {
      selected = row;
      draw();
    }
  });
  const resize = new ResizeObserver(draw);
  resize.observe(content);
  void refresh();
  const timer = setInterval(() => void refresh(), EVERY_MS);
  return {
    goTo(next) {
      chosen = named(next);
      shown = null;
      sorting = null;
      selected = null;
      failure = null;
      void refresh();
    },
    leave() {
      clearInterval(timer);
      resize.disconnect();
    },
  };
}

function named([script, table]: string[]): { script: string; table: string } | null {
  return script && table ? { script, table } : null;
}

function menuOf(heads: TableHead[], chosen: { script: string; table: string } | null): HTMLElement[] {
  return heads.map(({ script, table, kind, rows }) => {
    const current = chosen?.script === script && chosen.table === table;
    const href = `#/tables/${encodeURIComponent(script)}/${encodeURIComponent(table)}`;
    return h("a", { href, "aria-current": current ? "page" : null, "data-kind": kind }, h("span", null, h("span", { class: "subdued" }, `${script} / `), h("b", null, table)), h("span", { class: "subdued kind" }, `${kind} · ${count(rows)}`));
  });
}

function contentOf(table: Table, sorting: Sorting, selected: string | null, width: number): HTMLElement[] {
  const head = [
    h("h2", null, `${table.script} / ${table.table}`),
    h("p", { class: "subdued" }, [table.help, table.window_s === null ? "" : `over ${span(table.window_s * 1e3)}`, extent(table)].filter(Boolean).join(" · ")),
  ];
  if (table.row_list.length === 0) return [...head, h("div", { class: "empty" }, h("p", null, "No row yet: the script has added nothing. ", h("code", null, "weir workload"), " makes traffic."))];
  const parts = [...head];
  if (table.kind === "histogram") {
    const row = selectedRow(table.row_list, table.other, selected);
    if (row) {
      parts.push(h("div", { class: "histogram-place" }, drawHistogram(row.row, table.unit, row.title, Math.max(200, width))));
      selected = row.id;
    }
  }
  return [...parts, rowTable(table, sorting, selected)];
}

function extent({ kind, rows, max_keys: most }: TableHead): string {
  if (kind === "topk") return `the heaviest ${count(Math.max(1, rows))} of all keys`;
  return `${count(rows)} ${rows === 1 ? "row" : "rows"} of at most ${count(most)}`;
}

/** The reader's choice while it is there, else the first row, so that the drawing is never empty. */
function selectedRow(rows: HistogramRow[], other: HistogramRow | null, selected: string | null): { id: string; title: string; row: HistogramRow } | null {
  if (selected === "other" && other) return { id: "other", title: "other", row: other };
  const row = rows.find((one) => rowId(one.key) === selected) ?? rows[0];
  return row ? { id: rowId(row.key), title: row.key.join(" · "), row } : null;
}

function noTables(): HTMLElement {
  return h(
    "div",
    { class: "empty" },
    h("h2", null, "No tables yet"),
    h("p", null, "A table appears when an aggregating script opens one: a counter, a histogram, a gauge, the heaviest keys, a count of different items or a rate, by any labels. For instance:"),
    h("pre", null, h("code", null, "weir run -s 'service | latency' -s talkers")),
  );
}
