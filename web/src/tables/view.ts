import { ApiError, read } from "../api/client";
import type { HistogramRow, Table, TableHead } from "../api/shapes";
import { h } from "../dom/element";
import { morph } from "../dom/morph";
import { errorNotice } from "../dom/notice";
import { hostView, watchHost } from "../host/status_poll";
import type { Place, View } from "../view";
import { type FileKind, save } from "./download";
import { drawHistogram } from "./histogram";
import { type Chosen, hashOf, headOf, menuOf, noRows, noTables } from "./menu";
import { rangePicker } from "./range";
import { rowId, rowTable } from "./rows";
import { seriesView } from "./series";
import { firstSorting, nextSorting, type Sorting, type SortKey } from "./sorting";

const EVERY_MS = 2_000;
const LIMIT = 100;
/** While one searches, and in files: more than any table may have. */
const ALL = 1_000_000;
/** Of the panel and of the drawing's own ground, left and right. */
const PADDING = 58;

export function tables(root: HTMLElement, place: Place): View {
  let heads: TableHead[] | null = null;
  let chosen: Chosen | null = named(place);
  let shown: Table | null = null;
  /** What was asked for last. */
  let answered = "";
  let failure: unknown = null;
  let sorting: Sorting | null = null;
  let selected: string | null = null;

  const menu = h("nav", { class: "table-menu", "aria-label": "tables" });
  const search = h("input", { id: "table-search", type: "search", autocomplete: "off", spellcheck: "false", "data-search": true, placeholder: "words in the labels" });
  const picker = rangePicker(() => void refresh());
  const series = seriesView(picker.goTo);
  const files = (["csv", "json"] as const).map((kind) => h("button", { type: "button", onclick: () => void download(kind), title: `All rows as ${kind.toUpperCase()}` }, kind.toUpperCase()));
  const head = h("div", { class: "table-head" });
  const tools = h(
    "div",
    { class: "table-tools", role: "group", "aria-label": "table" },
    picker.element,
    h("div", { class: "field grow" }, h("label", { for: "table-search" }, "Search"), search),
    h("div", { class: "field" }, h("span", { class: "label" }, "Download"), h("div", { class: "actions" }, files)),
  );
  const picture = h("div", { class: "picture" });
  const rows = h("div", { class: "rows-place" });
  const trouble = h("div", { class: "trouble" });
  const content = h("section", { class: "panel table-content", "aria-live": "off", "aria-label": "table" }, head, tools, series.element, picture, trouble, rows);
  const split = h("div", { class: "tables-split" }, menu, content);
  root.append(h("h1", { class: "sr-only" }, "Tables"), split);

  const draw = () => {
    if (!heads) return;
    const bare = heads.length === 0;
    split.classList.toggle("bare", bare);
    morph(menu, ...menuOf(heads, chosen));
    morph(trouble, ...(failure === null ? [] : [errorNotice(failure)]));
    const table = shown;
    const kept = stores();
    const filled = !bare && table !== null && table.row_list.length > 0;
    // Where rows of another time are asked for and there are none, the way back must stay.
    tools.hidden = bare || (table === null && picker.at() === null);
    picker.element.hidden = kept === false;
    series.element.hidden = !filled && table?.at === undefined;
    morph(head, ...(bare ? [noTables()] : table ? headOf(table) : []));
    if (!table || !sorting || bare) {
      morph(picture);
      morph(rows);
      return;
    }
    const row = table.kind === "histogram" ? selectedRow(table.row_list, table.other, selected) : null;
    // The first row stays the one that is drawn when another comes before it.
    if (row) selected ??= row.id;
    const marked = row?.id ?? selected;
    const key = table.row_list.find((one) => rowId(one.key) === marked)?.key ?? null;
    if (kept === null) series.tell("");
    else if (!kept) series.tell("No history is kept: weir runs with --no-store. The rows are as of now.");
    else if (marked === "other") series.tell("History has the row other only as a part of the whole: choose one of the rows to see it over time.");
    else series.show({ head: table, key, range: picker.range(), at: table.at === undefined ? null : Date.parse(table.at) / 1e3 });
    morph(picture, ...(row ? [h("div", { class: "histogram-place" }, drawHistogram(row.row, table.unit, row.title, Math.max(200, content.clientWidth - PADDING)))] : []));
    morph(rows, failure !== null && table.at !== undefined ? h("div", null) : table.row_list.length === 0 ? noRows(table) : rowTable(table, sorting, marked, search.value.trim()));
  };
  const refresh = async () => {
    try {
      heads = (await read<{ tables: TableHead[] }>("/tables")).tables;
      const found = heads.find((one) => one.script === chosen?.script && one.table === chosen.table) ?? (chosen ? undefined : heads[0]);
      if (found) {
        if (!chosen) chosen = { script: found.script, table: found.table };
        sorting ??= firstSorting(found.kind);
      }
      if (chosen) await readRows(chosen, sorting ?? { by: "key", order: "asc" });
    } catch (error) {
      // Only an answer is shown here: for a host that does not answer there is the banner.
      if (error instanceof ApiError) {
        failure = error;
        // Rows of now are not those of the time that was asked for.
        const at = picker.at();
        if (at !== null && shown) shown = { ...shown, at, rows: 0, row_list: [], other: null };
      }
    }
    draw();
  };
  const readRows = async (what: Chosen, how: Sorting) => {
    const asked = path(what, how, search.value.trim() === "" ? LIMIT : ALL);
    // What was does not change.
    if (shown?.at !== undefined && asked === answered) return;
    answered = asked;
    const table = await read<Table>(asked);
    // Meanwhile another table or order may have been chosen; its own answer is on the way.
    if (chosen !== what || (sorting && sorting !== how)) return;
    shown = table;
    failure = null;
  };
  const path = ({ script, table }: Chosen, { by, order }: Sorting, limit: number) => {
    const query = new URLSearchParams({ sort: by, order, limit: String(limit) });
    const at = picker.at();
    if (at !== null) query.set("at", at);
    return `/tables/${encodeURIComponent(script)}/${encodeURIComponent(table)}?${query}`;
  };
  const download = async (kind: FileKind) => {
    if (!chosen || !sorting) return;
    try {
      save(await read<Table>(path(chosen, sorting, ALL)), kind);
    } catch (error) {
      failure = error;
      draw();
    }
  };
  const step = (by: number) => {
    if (!heads || heads.length === 0) return;
    const at = heads.findIndex((one) => one.script === chosen?.script && one.table === chosen.table);
    const next = heads[(at + by + heads.length) % heads.length];
    if (next) location.hash = hashOf(next);
  };

  search.addEventListener("input", () => {
    draw();
    void refresh();
  });
  rows.addEventListener("click", (event) => {
    const target = event.target as Element;
    const by = target.closest<HTMLElement>("[data-sort]")?.dataset["sort"];
    const row = target.closest<HTMLElement>("[data-row]")?.dataset["row"];
    if (by && sorting) {
      sorting = nextSorting(sorting, by as SortKey);
      void refresh();
    } else if (row) {
      // Once more lets go of it: then the largest are drawn again.
      selected = selected === row && shown?.kind !== "histogram" ? null : row;
      draw();
    }
  });
  const resize = new ResizeObserver(draw);
  resize.observe(content);
  let stored = stores();
  const stopWatching = watchHost(() => {
    if (stored !== stores()) draw();
    stored = stores();
  });
  void refresh();
  const timer = setInterval(() => void refresh(), EVERY_MS);
  return {
    goTo(next) {
      chosen = named(next);
      shown = null;
      sorting = null;
      selected = null;
      failure = null;
      search.value = "";
      void refresh();
    },
    shortcuts: [
      { key: "j", help: "the next table", run: () => step(1) },
      { key: "k", help: "the table before", run: () => step(-1) },
    ],
    leave() {
      clearInterval(timer);
      resize.disconnect();
      stopWatching();
      series.remove();
    },
  };
}

/** Whether there is a history to ask for; null: the host has not said yet. */
function stores(): boolean | null {
  const { status } = hostView();
  return status && status.store !== null;
}

function named({ path: [script, table] }: Place): Chosen | null {
  return script && table ? { script, table } : null;
}

/** The reader's choice while it is there, else the first row, so that the drawing is never empty. */
function selectedRow(rows: HistogramRow[], other: HistogramRow | null, selected: string | null): { id: string; title: string; row: HistogramRow } | null {
  if (selected === "other" && other) return { id: "other", title: "other", row: other };
  const row = rows.find((one) => rowId(one.key) === selected) ?? rows[0];
  return row ? { id: rowId(row.key), title: row.key.join(" · "), row } : null;
}
