import type { Script, ScriptLimits } from "../api/shapes";
import { h } from "../dom/element";
import { bytes, count } from "../format/quantity";

interface Limit {
  name: keyof ScriptLimits;
  label: string;
  unit: string;
  least: number;
  most: number;
  /** As people read it. */
  read: (value: number) => string;
}

const LIMITS: readonly Limit[] = [
  { name: "batch_time_ms", label: "Time per batch", unit: "ms", least: 1, most: 60_000, read: (value) => `${count(value)} ms` },
  { name: "memory_bytes", label: "Memory", unit: "bytes", least: 65_536, most: 2 ** 32, read: bytes },
  { name: "output_bytes_per_second", label: "Output per second", unit: "bytes", least: 0, most: 2 ** 30, read: bytes },
  { name: "log_lines_per_second", label: "Log lines per second", unit: "lines", least: 0, most: 100_000, read: count },
  { name: "table_keys", label: "Rows of each table", unit: "rows", least: 1, most: 1_000_000, read: count },
];

export function limitsForm({ name, limits, memory_bytes }: Script): HTMLElement {
  return h(
    "details",
    { class: "limits-details", "data-details": `${name} limits` },
    h("summary", null, "Limits", h("span", { class: "subdued" }, ` ${count(limits.batch_time_ms)} ms per batch, ${bytes(limits.memory_bytes)}`)),
    h(
      "form",
      { class: "script-form limits", "data-form": "limits", "aria-label": `limits of ${name}` },
      LIMITS.map((limit) => {
        const id = `limit-${name}-${limit.name}`;
        const used = limit.name === "memory_bytes" ? ` · ${bytes(memory_bytes)} used` : "";
        return h(
          "div",
          { class: "field", "data-key": id },
          h("label", { for: id }, `${limit.label}, ${limit.unit}`),
          h("input", { id, type: "number", "data-limit": limit.name, value: limits[limit.name], min: limit.least, max: limit.most, step: 1, required: true, "aria-describedby": `${id}-help` }),
          h("p", { class: "subdued help", id: `${id}-help` }, `now ${limit.read(limits[limit.name])}${used}`),
        );
      }),
      h("div", { class: "actions" }, h("button", { type: "submit" }, "Apply")),
      h("p", { class: "subdued" }, "At once, and for versions to come."),
    ),
  );
}

export function limitChanges(form: HTMLFormElement, now: ScriptLimits): Partial<ScriptLimits> {
  const changes: Partial<ScriptLimits> = {};
  for (const { name } of LIMITS) {
    const value = Number(form.querySelector<HTMLInputElement>(`[data-limit="${name}"]`)?.value);
    if (Number.isFinite(value) && value !== now[name]) changes[name] = value;
  }
  return changes;
}
