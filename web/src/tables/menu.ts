import type { Table, TableHead } from "../api/shapes";
import { h } from "../dom/element";
import { moment, span } from "../format/clock";
import { count } from "../format/quantity";

export interface Chosen {
  script: string;
  table: string;
}

export function hashOf({ script, table }: Chosen): string {
  return `#/tables/${encodeURIComponent(script)}/${encodeURIComponent(table)}`;
}

export function menuOf(heads: TableHead[], chosen: Chosen | null): HTMLElement[] {
  return heads.map(({ script, table, kind, rows }) => {
    const current = chosen?.script === script && chosen.table === table;
    return h("a", { href: hashOf({ script, table }), "aria-current": current ? "page" : null, "data-kind": kind }, h("span", null, h("span", { class: "subdued" }, `${script} / `), h("b", null, table)), h("span", { class: "subdued kind" }, `${kind} · ${count(rows)}`));
  });
}

export function headOf(table: Table): HTMLElement[] {
  const over = table.window_s === null ? "" : `over ${span(table.window_s * 1e3)}`;
  const then = table.at === undefined ? null : h("p", { class: "as-of" }, "Rows as of ", h("time", { datetime: table.at }, moment(table.at)), ", not now");
  return [h("h2", null, `${table.script} / ${table.table}`), h("p", { class: "subdued" }, [table.help, over, extent(table)].filter(Boolean).join(" · ")), ...(then ? [then] : [])];
}

function extent({ kind, rows, max_keys: most }: TableHead): string {
  if (kind === "topk") return `the heaviest ${count(Math.max(1, rows))} of all keys`;
  return `${count(rows)} ${rows === 1 ? "row" : "rows"}${most === null ? "" : ` of at most ${count(most)}`}`;
}

export function noTables(): HTMLElement {
  return h(
    "div",
    { class: "empty" },
    h("h2", null, "No tables yet"),
    h("p", null, "A table appears when an aggregating script opens one: a counter, a histogram, a gauge, the heaviest keys, a count of different items or a rate, by any labels. For instance:"),
    h("pre", null, h("code", null, "weir run -s 'service | latency' -s talkers")),
    h("p", null, "Or one of your own, in a line:"),
    h("pre", null, h("code", null, "weir run -e 'call == \"sendmsg\" | histogram(duration_ns) by process.comm'")),
  );
}

export function noRows({ at }: Table): HTMLElement {
  if (at !== undefined) return h("div", { class: "empty" }, h("p", null, "The table had no row then."));
  return h("div", { class: "empty" }, h("p", null, "No row yet: the script has added nothing. ", h("code", null, "weir workload"), " makes traffic."));
}
