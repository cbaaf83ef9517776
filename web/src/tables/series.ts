import { ApiError, read } from "../api/client";
import type { Series, SeriesOfKey, TableHead } from "../api/shapes";
import { COLOURS, type TimeChart, timeChart, type TimeLine } from "../charts/time_chart";
import { h } from "../dom/element";
import { quantity, rate } from "../format/quantity";
import { type HeatMap, heatMap } from "./heat";
import type { Range } from "./range";

const EVERY_MS = 10_000;
const LINES = 5;

export interface SeriesView {
  element: HTMLElement;
  /** `key` is the row that was chosen; null: the largest. */
  show: (head: TableHead, key: string[] | null, range: Range) => void;
  remove: () => void;
}

/** How a table went over time, where the host keeps a history. */
export function seriesView(): SeriesView {
  const note = h("div", { class: "series-note", role: "status" });
  const charts = h("div", { class: "series-charts" });
  const element = h("section", { class: "series", "aria-label": "over time" }, charts, note);
  let shown: { head: TableHead; key: string[] | null; range: Range } | null = null;
  let of = "";
  let chart: TimeChart | null = null;
  let heat: HeatMap | null = null;
  let abort = new AbortController();

  const clear = () => {
    chart?.remove();
    heat?.remove();
    chart = null;
    heat = null;
    charts.replaceChildren();
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
      if (!signal.aborted) draw(series, key);
    } catch (error) {
      if (!signal.aborted && error instanceof ApiError) say(...without(error));
    }
  };
  const draw = (series: Series, key: string[] | null) => {
    const seconds = series.times.map((time) => Date.parse(time) / 1e3);
    const lines = linesOf(series);
    if (lines.length === 0 || seconds.length === 0) {
      say(h("p", { class: "subdued" }, key ? "There is no history of this row in this time yet: a point is written every 10 seconds." : "There is no history in this time yet: a point is written every 10 seconds."));
      return;
    }
    note.replaceChildren();
    if (!chart) {
      chart = timeChart(titleOf(series), (value) => formatOf(series)(value));
      charts.append(chart.element);
    }
    chart.draw(seconds, lines);
    const buckets = series.kind === "histogram" ? series.series[0]?.buckets : undefined;
    if (!buckets) return;
    if (!heat) {
      heat = heatMap();
      charts.append(heat.element);
    }
    heat.draw(seconds, buckets, series.unit, labelOf(series.series[0]?.key ?? []));
  };
  const timer = setInterval(() => void refresh(), EVERY_MS);
  return {
    element,
    show(head, key, range) {
      shown = { head, key, range };
      const next = `${head.script}/${head.table}?${query(head, key, range)}`;
      if (next === of) return;
      of = next;
      say(h("p", { class: "subdued" }, "Reading the history…"));
      void refresh();
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

function linesOf({ kind, series }: Series): TimeLine[] {
  const first = series[0];
  if (kind === "histogram" && first) {
    return (["p50", "p90", "p99"] as const).flatMap((name, at) => {
      const values = first[name];
      return values ? [{ label: name, colour: COLOURS[at] ?? "--seen", values }] : [];
    });
  }
  return series.map(({ key, values }: SeriesOfKey, at): TimeLine => ({ label: labelOf(key), colour: COLOURS[at % COLOURS.length] ?? "--seen", values: adds(kind) ? [...values.slice(0, -1), null] : values, ...(at >= COLOURS.length ? { dash: [6, 4] } : {}) }));
}

/** Whether a value is what was added in its step: then the last one, which is not over yet, would look like a fall. */
function adds(kind: Series["kind"]): boolean {
  return kind !== "gauge" && kind !== "distinct";
}

function labelOf(key: string[]): string {
  return key.map((label) => label || "∅").join(" · ");
}

function titleOf({ kind, series, step_s: step }: Series): string {
  if (kind === "histogram") return `Quantiles of ${labelOf(series[0]?.key ?? [])}`;
  if (!adds(kind)) return "Value";
  return `Added every ${step} s`;
}

function formatOf({ kind, unit }: Series): (value: number | null) => string {
  if (kind === "histogram" || unit === "By" || unit === "ns") return (value) => quantity(value, unit);
  return (value) => rate(value);
}

function without(error: ApiError): (Node | string)[] {
  if (error.status === 404 && error.code !== "not_found") return [h("p", { class: "no-history subdued" }, `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`)];
  // The host's word for an address that it does not have, so of a weir that cannot keep a history.
  if (error.status === 404) return [h("p", { class: "no-history subdued" }, "This weir keeps no history of its tables, so there is nothing to draw over time. The rows below are as of now.")];
  return [h("p", { class: "notice bad" }, error.message, " ", h("code", null, error.code))];
}
