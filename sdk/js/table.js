// A table of the host's, and what a batch adds to it: gathered here, and handed over in one call for all tables.

import { tableAdd, tableOpen } from "weir:script/host@1.0.0";

const tables = [];

// Kinds: "counter", "histogram", "gauge", "top-k", "distinct", "rate".
export class Table {
  #handle;
  #kind;
  #sums = new Map();
  #rows = [];

  // Options: { labels: ["process"], unit: "ns", help: "one line" }.
  constructor(kind, name, options) {
    this.#handle = tableOpen(kind, name, JSON.stringify(options));
    this.#kind = kind;
    tables.push(this);
  }

  // Adds a whole number to the row of these labels, strings, as many as the table has.
  add(value, ...labels) {
    // A NUL within one would begin another label.
    const key = labels.map((label) => (label.includes("\0") ? label.replaceAll("\0", "@") : label)).join("\0");
    // Each value of a histogram counts by itself.
    if (this.#kind === "histogram" || this.#kind === "distinct") this.#rows.push({ table: this.#handle, key, value });
    else if (this.#kind === "gauge") this.#sums.set(key, value);
    else this.#sum(key, value);
  }

  #sum(key, value) {
    const before = this.#sums.get(key) ?? 0;
    const exact = Math.abs(before + value) <= Number.MAX_SAFE_INTEGER;
    // The host takes no number that may not be exact: this one goes by itself.
    if (!exact) this.#rows.push({ table: this.#handle, key, value: before });
    this.#sums.set(key, exact ? before + value : value);
  }

  drain(to) {
    for (const row of this.#rows) to.push(row);
    for (const [key, value] of this.#sums) to.push({ table: this.#handle, key, value });
    this.#rows = [];
    this.#sums.clear();
  }
}

// Hands over what was added to all tables.
export function flushTables() {
  const rows = [];
  for (const table of tables) table.drain(rows);
  if (rows.length > 0) tableAdd(rows);
}
