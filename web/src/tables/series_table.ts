import type { TimeLine, Times } from "../charts/time_chart";
import { h } from "../dom/element";
import { momentOfSecond } from "../format/clock";

/** What a chart draws, for who does not see it or wants the figures: the newest first. */
export function figuresTable({ seconds, gaps }: Times, lines: TimeLine[], format: (value: number | null) => string): HTMLElement {
  const head = h("tr", null, h("th", { scope: "col" }, "from"), lines.map(({ label }) => h("th", { scope: "col", class: "number" }, label)));
  const row = (second: number, at: number) => {
    const time = h("th", { scope: "row" }, h("time", { datetime: new Date(second * 1e3).toISOString() }, momentOfSecond(second)));
    if (gaps[at]) return h("tr", { class: "gap" }, time, h("td", { colspan: lines.length, class: "subdued" }, "nothing is known"));
    return h("tr", null, time, lines.map(({ values }) => h("td", { class: "number" }, format(values[at] ?? null))));
  };
  return h("table", { "aria-label": "figures over time" }, h("thead", null, head), h("tbody", null, seconds.map(row).reverse()));
}
