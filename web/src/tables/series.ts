import { ApiError, read } from "../api/client";
import type { Series, SeriesOfKey, TableHead } from "../api/shapes";
import { COLOURS, type TimeChart, timeChart, type TimeLine, type Times } from "../charts/time_chart";
import { h } from "../dom/element";
import { morph } from "../dom/morph";
import { step as stepText } from "../format/clock";
import { quantity, rate } from "../format/quantity";
import { type HeatMap, heatMap } from "./heat";
import type { Range } from "./range";
import { figuresTable } from "./series_table";

const EVERY_MS = 10_000;
const LINES = 5;

/** What is drawn: `key` is the row that was chosen, null: the largest. */
interface Wanted {
  head: TableHead;
  key: string[] | null;
  range: Range;
  /** The time that the rows are of, to be marked; null: now. */
  at: number | null;
}

export interface SeriesView {
  element: HTMLElement;
  show: (wanted: Wanted) => void;
  /** There is nothing to draw, for this reason. */
  tell: (why: string) => void;
  remove: () => void;
}

/** How a table went over time. `onPick` is told the end of a step that was clicked. */
export function seriesView(onPick: (second: number) => void): SeriesView {
  const note = h("div", { class: "series-note", role: "status" });
  const charts = h("div", { class: "series-charts" });
  const hatched = h("p", { class: "hatched subdued", hidden: true }, "Hatched: weir did not run then, or has no history of it.");
  const figures = h("div", { class: "scroll-x", tabindex: 0, role: "region", "aria-label": "figures over time" });
  const details = h("details", { class: "series-figures", hidden: true }, h("summary", null, "The figures as a table"), figures);
  const element = h("section", { class: "series", "aria-label": "over time" }, charts, hatched, details, note);
  let shown: Wanted | null = null;
  let latest: Series | null = null;
  let of = "";
  let chart: TimeChart | null = null;
  let heat: HeatMap | null = null;
  let abort = new AbortController();

  const clear = () => {
    chart?.remove();
    heat?.remove();
    chart = null;
    heat = null;
    latest = null;
    charts.replaceChildren();
    hatched.hidden = true;
    details.hidden = true;
  };
  const say = (...parts: (Node | string)[]) => {
    clear();
    note.replaceChildren(...parts);
  };
  const refresh = async () => {
    if (!shown) return;
    abort.abort();
    abort = new AbortController();
    const { signal } = abort;
    const { head, key, range } = shown;
    try {
      const series = await read<Series>(`/tables/${encodeURIComponent(head.script)}/${encodeURIComponent(head.table)}/series?${query(head, key, range)}`, signal);
      if (!signal.aborted) draw(series);
    } catch (error) {
      if (!signal.aborted && error instanceof ApiError) say(...without(error));
    }
  };
  const draw = (series: Series) => {
    if (!shown) return;
    const times = timesOf(series, shown.at);
    const lines = linesOf(series);
    if (!lines.some(({ values }) => values.some((value) => value !== null))) {
      const what = shown.key ? "There is no history of this row in this time yet" : "There is no history in this time yet";
      say(h("p", { class: "no-history subdued" }, `${what}: a step of ${stepText(series.step_s)} is drawn when it is over.`));
      return;
    }
    note.replaceChildren();
    latest = series;
    if (!chart) {
      chart = timeChart(titleOf(series), formatOf(series), series.unit, (second) => onPick(second + (latest?.step_s ?? 0)));
      charts.append(chart.element);
    }
    chart.draw(times, lines);
    hatched.hidden = !times.gaps.includes(true);
    details.hidden = false;
    drawFigures();
    const buckets = series.series[0]?.buckets;
    if (!buckets || buckets.bounds.length === 0) return;
    if (!heat) {
      heat = heatMap();
      charts.append(heat.element);
    }
    heat.draw(times, buckets, series.unit, labelOf(series.series[0]?.key ?? []));
  };
  const drawFigures = () => {
    // Hundreds of rows that nobody looks at are not made.
    if (latest && details.open) morph(figures, figuresTable(timesOf(latest, null), linesOf(latest), formatOf(latest)));
  };
  details.addEventListener("toggle", drawFigures);
  const timer = setInterval(() => void refresh(), EVERY_MS);
  return {
    element,
    show(wanted) {
      const { head, key, range, at } = wanted;
      const moved = shown?.at !== at;
      shown = wanted;
      const next = `${head.script}/${head.table}?${query(head, key, range)}`;
      if (next === of) {
        if (moved && latest) draw(latest);
        return;
      }
      of = next;
      say(h("p", { class: "subdued" }, "Reading the history…"));
      void refresh();
    },
    tell(why) {
      abort.abort();
      shown = null;
      if (of === why) return;
      of = why;
      say(h("p", { class: "no-history subdued" }, why));
    },
    remove() {
      clearInterval(timer);
      abort.abort();
      clear();
    },
  };
}

/** Of a histogram one key at a time: its quantiles and its heat. */
function query({ kind }: TableHead, key: string[] | null, { from, step }: Range): URLSearchParams {
  const search = new URLSearchParams({ from, step, limit: String(kind === "histogram" ? 1 : LINES) });
  if (key) search.set("key", JSON.stringify(key));
  if (kind === "histogram") search.set("heat", "true");
  return search;
}

/** Of each step its beginning, and whether nothing is known of it: then all rows have null. */
function timesOf({ times, series }: Series, mark: number | null): Times {
  return { seconds: times.map((time) => Date.parse(time) / 1e3), gaps: times.map((_, at) => series.every(({ values }) => (values[at] ?? null) === null)), mark };
}

function linesOf({ kind, series, step_s: step }: Series): TimeLine[] {
  const first = series[0];
  if (kind === "histogram" && first) {
    return (["p50", "p90", "p99"] as const).flatMap((name, at) => {
      const values = first[name];
      return values ? [{ label: name, colour: COLOURS[at] ?? "--seen", values }] : [];
    });
  }
  const scaled = (values: (number | null)[]) => (kind === "rate" ? values.map((value) => (value === null ? null : value / step)) : values);
  return series.map(({ key, values }: SeriesOfKey, at): TimeLine => ({ label: labelOf(key), colour: COLOURS[at % COLOURS.length] ?? "--seen", values: adds(kind) ? [...scaled(values).slice(0, -1), null] : values }));
}

/** Whether a value is what was added in its step: then the last one, which is not over yet, would look like a fall. */
function adds(kind: Series["kind"]): boolean {
  return kind !== "gauge" && kind !== "distinct";
}

function labelOf(key: string[]): string {
  return key.map((label) => label || "∅").join(" · ");
}

function titleOf({ kind, series, step_s }: Series): string {
  if (kind === "histogram") return `Quantiles of ${labelOf(series[0]?.key ?? [])}, every ${stepText(step_s)}`;
  if (kind === "rate") return `Per second, over ${stepText(step_s)} each`;
  if (!adds(kind)) return `Value, every ${stepText(step_s)}`;
  return `Added every ${stepText(step_s)}`;
}

function formatOf({ kind, unit }: Series): (value: number | null) => string {
  const number = (value: number | null) => (unit === "By" || unit === "ns" || kind === "histogram" ? quantity(value, unit) : rate(value));
  return kind === "rate" ? (value) => (value === null ? number(value) : `${number(value)}/s`) : number;
}

function without(error: ApiError): (Node | string)[] {
  if (error.status === 404) return [h("p", { class: "no-history subdued" }, `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`)];
  return [h("p", { class: "notice bad" }, error.message, " ", h("code", null, error.code))];
}
