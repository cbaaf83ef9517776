import type { Checked, Description, Script } from "../api/shapes";
import { h } from "../dom/element";
import { bytes, count } from "../format/quantity";

/** One thing that a version says of itself, before and after. */
export interface Difference {
  name: string;
  /** Null: there was none. */
  before: string | null;
  /** Null: there is none any more. */
  after: string | null;
}

/** What is other about a module than about the script that it would take the place of. */
export function differences(old: Script, next: Checked): Difference[] {
  const before = facts(old.describe, old);
  const after = facts(next.describe, next);
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.map((name) => ({ name, before: before.get(name) ?? null, after: after.get(name) ?? null })).filter((one) => one.before !== one.after);
}

export function diffTable(old: Script, next: Checked): HTMLElement {
  const changes = differences(old, next);
  const rows = changes.map(({ name, before, after }) => {
    const kind = before === null ? "added" : after === null ? "removed" : "changed";
    return h(
      "tr",
      { class: kind, "data-diff": name },
      h("th", { scope: "row" }, name),
      h("td", null, before === null ? h("span", { class: "subdued" }, "–") : h("del", null, before)),
      h("td", null, after === null ? h("span", { class: "subdued" }, "–") : h("ins", null, after)),
    );
  });
  const same = old.sha256 === next.sha256 ? "It is the same module, byte for byte." : "It says the same of itself; its code is another.";
  if (rows.length === 0) return h("p", { class: "diff-same subdued" }, same);
  return h(
    "div",
    { class: "scroll-x", tabindex: 0, role: "region", "aria-label": "what changes" },
    h("table", { class: "diff" }, h("caption", null, `What changes: ${changes.length}`), h("thead", null, h("tr", null, h("th", { scope: "col" }, "describe"), h("th", { scope: "col" }, "now"), h("th", { scope: "col" }, "then"))), h("tbody", null, rows)),
  );
}

/** What a new script is, without one to hold it against. */
export function aboutTable({ describe, form, size_bytes, sha256 }: Checked): HTMLElement {
  const rows = [...facts(describe, { form, size_bytes, sha256 })].map(([name, value]) => h("tr", { "data-diff": name }, h("th", { scope: "row" }, name), h("td", null, value)));
  return h("table", { class: "diff about" }, h("caption", null, "What it says of itself"), h("tbody", null, rows));
}

function facts({ name, version, summary, role, language, params, tables, wants, state_version }: Description, { form, size_bytes, sha256 }: { form: string; size_bytes: number; sha256: string }): Map<string, string> {
  const { calls, payload, ...conditions } = wants;
  const lines: [string, string][] = [
    ["name", name],
    ["version", version],
    ["summary", summary],
    ["role", role ?? ""],
    ["language", language],
    ["form", form],
    ["size", bytes(size_bytes)],
    ["sha256", sha256.slice(0, 16)],
    ["wants calls", calls.join(", ")],
    ["wants payload", payload > 0 ? bytes(payload) : ""],
    ...Object.entries(conditions).map(([condition, value]): [string, string] => [`wants ${condition}`, JSON.stringify(value)]),
    ["state version", state_version > 0 ? count(state_version) : ""],
    ...params.map((param): [string, string] => [`param ${param.name}`, [param.type, param.values ? param.values.join(" | ") : "", param.default === "" ? "" : `= ${param.default}`].filter(Boolean).join(" ")]),
    ...tables.map((table): [string, string] => [`table ${table.name}`, table.kind]),
  ];
  return new Map(lines.filter(([, value]) => value !== ""));
}
