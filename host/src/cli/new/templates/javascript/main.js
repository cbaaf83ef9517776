// Keeps what root sends, and counts it by process.

import { Table, script } from "./weir/weir.js";

let calls;

export const guest = script({
  about: {
    name: "SCRIPT_NAME",
    version: "0.1.0",
    summary: "Keeps what root sends",
    role: "filter",
    language: "javascript",
    tables: [{ name: "calls", kind: "counter", help: "Calls of root" }],
  },

  start() {
    calls = new Table("counter", "calls", { labels: ["process"], unit: "1", help: "Calls of root" });
  },

  event(it) {
    if (it.uid !== 0) return false;
    calls.add(1, it.comm_text);
    return true;
  },
});
