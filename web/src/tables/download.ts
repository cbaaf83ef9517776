import type { Table } from "../api/shapes";
import { h } from "../dom/element";

// All rows of a table as a file, made here: the API's own answer, or lines for a spreadsheet.

const ORDER = ["value", "per_second", "count", "sum", "min", "max", "mean", "p50", "p90", "p99", "p999", "error", "relative_error", "set", "window_s"];

export type FileKind = "csv" | "json";

export function save(table: Table, kind: FileKind): void {
  const text = kind === "csv" ? csv(table) : `${JSON.stringify(table, null, 2)}\n`;
  const url = URL.createObjectURL(new Blob([text], { type: kind === "csv" ? "text/csv" : "application/json" }));
  const link = h("a", { href: url, download: `${table.script}.${table.table}.${kind}`.replaceAll(/[^\w.-]+/g, "_"), hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function csv({ labels, row_list: rows, other }: Table): string {
  const all = [...rows, ...(other ? [other] : [])] as unknown as { key: string[]; [part: string]: unknown }[];
  const parts = [...new Set(all.flatMap((row) => Object.keys(row)))].filter((name) => name !== "key" && name !== "buckets").sort((a, b) => place(a) - place(b));
  const names = labels.length > 0 ? labels : ["key"];
  const lines = all.map((row) => [...names.map((_, at) => label(row.key[at] ?? "")), ...parts.map((name) => cell(String(row[name] ?? "")))]);
  return [[...names, ...parts].map(cell), ...lines].map((line) => `${line.join(",")}\r\n`).join("");
}

/** What is not known yet goes last. */
function place(name: string): number {
  const at = ORDER.indexOf(name);
  return at < 0 ? ORDER.length : at;
}

/** Names of processes and the like are anybody's to choose: none may be a spreadsheet's formula. */
function label(text: string): string {
  return cell(/^[=+\-@\t\r]/.test(text) && text !== "-" ? `'${text}` : text);
}

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
