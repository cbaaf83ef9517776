import { h } from "../dom/element";
import { localInput } from "../format/clock";

/** How far back a series goes, and how much time one point of it is. */
export interface Range {
  name: string;
  from: string;
  step: string;
}

export const RANGES: readonly Range[] = [
  { name: "5 minutes", from: "-5m", step: "10s" },
  { name: "15 minutes", from: "-15m", step: "10s" },
  { name: "1 hour", from: "-1h", step: "1m" },
  { name: "6 hours", from: "-6h", step: "5m" },
  { name: "24 hours", from: "-24h", step: "10m" },
  { name: "7 days", from: "-168h", step: "1h" },
  { name: "30 days", from: "-720h", step: "6h" },
];
const FIRST = "-15m";

export interface RangePicker {
  element: HTMLElement;
  range: () => Range;
  /** The moment that the rows are of, as RFC 3339; null: now. */
  at: () => string | null;
  /** Takes a second of the Unix epoch as that moment. */
  goTo: (second: number) => void;
}

export function rangePicker(onChange: () => void): RangePicker {
  const select = h("select", { id: "series-range" }, RANGES.map(({ name, from }) => h("option", { value: from, selected: from === FIRST }, `last ${name}`)));
  const at = h("input", { id: "table-at", type: "datetime-local", step: 1 });
  const now = h("button", { type: "button", class: "quiet", hidden: true }, "Now");
  const setAt = (value: string) => {
    at.value = value;
    now.hidden = value === "";
    onChange();
  };
  select.addEventListener("change", onChange);
  at.addEventListener("change", () => setAt(at.value));
  now.addEventListener("click", () => setAt(""));
  return {
    element: h("div", { class: "range" }, h("div", { class: "field" }, h("label", { for: "series-range" }, "Time range"), select), h("div", { class: "field" }, h("label", { for: "table-at" }, "Rows as of"), at), now),
    range: () => RANGES.find(({ from }) => from === select.value) ?? { name: "15 minutes", from: FIRST, step: "10s" },
    at: () => (at.value === "" || Number.isNaN(Date.parse(at.value)) ? null : new Date(at.value).toISOString()),
    goTo: (second) => setAt(localInput(new Date(second * 1e3))),
  };
}
