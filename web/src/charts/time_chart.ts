import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { h } from "../dom/element";
import { clockOfSecond, momentOfSecond } from "../format/clock";
import { onTheme } from "../shell/theme";
import { hatch } from "./hatch";

/** One line over time; nulls are gaps. */
export interface TimeLine {
  label: string;
  /** A custom property's name. */
  colour: string;
  dash?: number[];
  values: (number | null)[];
}

/** Seconds of the Unix epoch, one for each value, and in which of these steps nothing is known. */
export interface Times {
  seconds: number[];
  gaps: boolean[];
  /** Marked by a line across. */
  mark: number | null;
}

export interface TimeChart {
  element: HTMLElement;
  draw: (times: Times, lines: TimeLine[]) => void;
  remove: () => void;
}

export const COLOURS = ["--seen", "--kept", "--kept-2", "--kept-3", "--kept-4"] as const;
const HEIGHT = 190;
const DAY = 86_400;
/** Between two lines across, of bytes. */
const POWERS_OF_TWO = Array.from({ length: 60 }, (_, at) => 2 ** at);
const NO_TIMES: Times = { seconds: [], gaps: [], mark: null };

/** Lines over time, with a legend that has the figures of the place under the cursor, else the newest. */
export function timeChart(title: string, format: (value: number | null) => string, unit: string, onPick: (second: number) => void): TimeChart {
  const canvas = h("div", { class: "chart-canvas", "aria-hidden": "true" });
  const legend = h("ul", { class: "chart-legend" });
  const when = h("span", { class: "subdued" });
  const element = h("figure", { class: "time-chart", "aria-label": title }, h("figcaption", null, h("b", null, title), when), legend, canvas);
  let plot: uPlot | null = null;
  let times = NO_TIMES;
  let lines: TimeLine[] = [];
  let drawn = "";

  const tell = (index: number | null) => {
    const at = index ?? times.seconds.length - 1;
    const time = times.seconds[at];
    when.textContent = time === undefined ? "" : index === null ? "newest" : `${momentOfSecond(time)}${times.gaps[at] ? " · nothing is known" : ""}`;
    lines.forEach((line, which) => {
      const slot = legend.children[which]?.querySelector("b");
      const value = index === null ? newest(line.values) : line.values[at] ?? null;
      if (slot) slot.textContent = format(value);
    });
  };
  const paint = () => {
    const data = [times.seconds, ...lines.map(({ values }) => values)] as uPlot.AlignedData;
    const signature = lines.map(({ label, colour }) => `${label}\t${colour}`).join("\n");
    if (plot && drawn === signature) {
      plot.setData(data);
    } else {
      drawn = signature;
      legend.replaceChildren(...lines.map(({ label, colour, dash }) => h("li", null, h("i", { class: dash ? "swatch dashed" : "swatch", style: `--stroke: var(${colour})` }), `${label} `, h("b", null, "–"))));
      plot?.destroy();
      plot = new uPlot({ ...options(canvas.clientWidth || 600, lines, format, unit), hooks: { setCursor: [(self) => tell(self.cursor.idx ?? null)], drawClear: [(self) => drawUnder(self, times)] } }, data, canvas);
      plot.over.addEventListener("click", () => {
        const time = times.seconds[plot?.cursor.idx ?? -1];
        if (time !== undefined) onPick(time);
      });
    }
    tell(plot.cursor.idx ?? null);
  };
  const resize = new ResizeObserver(() => plot?.setSize({ width: canvas.clientWidth, height: HEIGHT }));
  resize.observe(canvas);
  const stopTheme = onTheme(() => {
    drawn = "";
    if (plot) paint();
  });
  return {
    element,
    draw(at, next) {
      times = at;
      lines = next;
      paint();
    },
    remove() {
      resize.disconnect();
      stopTheme();
      plot?.destroy();
    },
  };
}

export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function newest(values: (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

/** Where nothing is known is hatched, so that it is no line at 0. */
function drawUnder(plot: uPlot, { seconds, gaps, mark }: Times): void {
  const { ctx: context, bbox: box } = plot;
  const place = (second: number) => Math.min(box.left + box.width, Math.max(box.left, plot.valToPos(second, "x", true)));
  const ratio = devicePixelRatio || 1;
  for (const [from, to] of stretches(gaps)) {
    // A step reaches to the next one.
    const left = place(seconds[from] ?? 0);
    const right = place(seconds[Math.min(seconds.length - 1, to)] ?? 0);
    hatch(context, left, box.top, right - left, box.height, colour("--line-strong"), ratio);
  }
  if (mark === null || mark < (seconds[0] ?? Infinity) || mark > (seconds.at(-1) ?? 0)) return;
  context.fillStyle = colour("--accent");
  context.fillRect(place(mark) - ratio, box.top, 2 * ratio, box.height);
}

/** Neighbours that are true, as pairs of the first one and the one behind the last. */
export function stretches(all: boolean[]): [number, number][] {
  const found: [number, number][] = [];
  all.forEach((is, at) => {
    const last = found.at(-1);
    if (is && last && last[1] === at) last[1] = at + 1;
    else if (is) found.push([at, at + 1]);
  });
  return found;
}

/** Where points are too close to be drawn, those between two gaps, of which no line tells; null: all. */
function alone({ data }: uPlot, series: number, all: boolean): number[] | null {
  if (all) return null;
  const values = data[series] ?? [];
  const none = (at: number) => (values[at] ?? null) === null;
  return Array.from(values.keys()).filter((at) => !none(at) && none(at - 1) && none(at + 1));
}

function options(width: number, lines: TimeLine[], format: (value: number | null) => string, unit: string): uPlot.Options {
  const axis = { stroke: colour("--ink-2"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: `11px ${colour("--sans")}` };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { x: { time: true }, y: { range: (_, min, max) => [Math.min(0, min ?? 0), Math.max((max ?? 0) * 1.12, 1)] } },
    axes: [
      { ...axis, space: 90, size: 28, values: (self, ticks) => ticks.map((tick) => ((self.scales["x"]?.max ?? 0) - (self.scales["x"]?.min ?? 0) > DAY ? momentOfSecond(tick) : clockOfSecond(tick))) },
      { ...axis, size: 66, ...(unit === "By" ? { incrs: POWERS_OF_TWO } : {}), values: (_, ticks) => ticks.map(format) },
    ],
    series: [{}, ...lines.map(({ label, colour: name, dash }) => ({ label, stroke: colour(name), width: 1.75, spanGaps: false, points: { size: 4, filter: alone }, ...(dash ? { dash } : {}) }))],
  };
}
