import type { Bucket, HistogramRow } from "../api/shapes";
import { h, svg } from "../dom/element";
import { count, quantity, share } from "../format/quantity";

const HEIGHT = 150;
const AXIS = 20;
const TOP = 16;
const MOST_BARS = 36;

interface Bin {
  from: number;
  to: number;
  count: number;
}

/** One histogram, on a logarithmic scale, since durations and sizes span decades. */
export function drawHistogram(row: HistogramRow, unit: string, title: string, width: number): HTMLElement {
  const facts: [string, string][] = [
    ["count", count(row.count)],
    ["mean", quantity(Math.round(row.mean), unit)],
    ["min", quantity(row.min, unit)],
    ["p50", quantity(row.p50, unit)],
    ["p90", quantity(row.p90, unit)],
    ["p99", quantity(row.p99, unit)],
    ["p99.9", quantity(row.p999, unit)],
    ["max", quantity(row.max, unit)],
  ];
  return h(
    "figure",
    { class: "histogram" },
    h("figcaption", null, h("b", null, title)),
    picture(row, unit, width),
    h("dl", { class: "figures" }, ...facts.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value)))),
  );
}

function picture(row: HistogramRow, unit: string, width: number): SVGSVGElement {
  const low = Math.max(1, Math.min(row.min, ...row.buckets.map((bucket) => bucket.from)));
  const high = Math.max(low + 1, row.max, ...row.buckets.map((bucket) => bucket.to));
  const place = (value: number) => (width * Math.log(Math.max(low, value) / low)) / Math.log(high / low);
  const bins = rebin(row.buckets, low, high);
  const tallest = Math.max(1, ...bins.map((bin) => bin.count));
  const floor = HEIGHT - AXIS;
  const bars = bins.map((bin) => {
    const height = bin.count === 0 ? 0 : Math.max(2, ((floor - TOP) * bin.count) / tallest);
    const x = place(bin.from);
    const text = `${quantity(bin.from, unit)} to ${quantity(bin.to, unit)}: ${count(bin.count)} (${share(bin.count, row.count)})`;
    return svg("rect", { class: "column", x, y: floor - height, width: Math.max(1, place(bin.to) - x - 1.5), height, rx: 1.5 }, svg("title", null, text));
  });
  return svg(
    "svg",
    { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": `histogram from ${quantity(row.min, unit)} to ${quantity(row.max, unit)}, half of all below ${quantity(row.p50, unit)}` },
    svg("line", { class: "axis", x1: 0, x2: width, y1: floor + 0.5, y2: floor + 0.5 }),
    ...bars,
    ...marks(row, place, width, floor),
    ...ticks(low, high, unit, place, width),
  );
}

/** The host's buckets are finer than a column on paper: each goes into the column of its middle. */
function rebin(buckets: Bucket[], low: number, high: number): Bin[] {
  const columns = Math.min(MOST_BARS, Math.max(6, buckets.length));
  const edge = (at: number) => low * (high / low) ** (at / columns);
  const bins = Array.from({ length: columns }, (_, at): Bin => ({ from: edge(at), to: edge(at + 1), count: 0 }));
  for (const { from, to, count: inBucket } of buckets) {
    const middle = Math.max(low, (from + to) / 2);
    const at = Math.floor((columns * Math.log(middle / low)) / Math.log(high / low));
    const bin = bins[Math.min(columns - 1, Math.max(0, at))];
    if (bin) bin.count += inBucket;
  }
  return bins;
}

function marks(row: HistogramRow, place: (value: number) => number, width: number, floor: number): SVGElement[] {
  let free = -Infinity;
  return ([["p50", row.p50], ["p90", row.p90], ["p99", row.p99]] as const).flatMap(([name, value]) => {
    const x = Math.min(width - 1, place(value));
    const line = svg("line", { class: "quantile", x1: x, x2: x, y1: TOP - 2, y2: floor });
    // Labels that would cover each other are left out; the figures below name all of them.
    const textX = Math.min(width - 14, Math.max(12, x));
    if (textX - free < 30) return [line];
    free = textX;
    return [line, svg("text", { class: "quantile", x: textX, y: TOP - 5, "text-anchor": "middle" }, name)];
  });
}

function ticks(low: number, high: number, unit: string, place: (value: number) => number, width: number): SVGElement[] {
  const wanted = Math.max(2, Math.floor(width / 90));
  return Array.from({ length: wanted + 1 }, (_, at) => {
    const value = low * (high / low) ** (at / wanted);
    const anchor = at === 0 ? "start" : at === wanted ? "end" : "middle";
    return svg("text", { class: "tick", x: place(value), y: HEIGHT - 5, "text-anchor": anchor }, quantity(Math.round(value), unit));
  });
}
