import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { h } from "../dom/element";
import { clockOfSecond, momentOfSecond } from "../format/clock";
import { onTheme } from "../shell/theme";

/** One line over time; nulls are gaps. */
export interface TimeLine {
  label: string;
  /** A custom property's name. */
  colour: string;
  dash?: number[];
  values: (number | null)[];
}

export interface TimeChart {
  element: HTMLElement;
  /** Seconds of the Unix epoch, one for each value. */
  draw: (seconds: number[], lines: TimeLine[]) => void;
  remove: () => void;
}

export const COLOURS = ["--seen", "--kept", "--kept-2", "--kept-3", "--kept-4"] as const;
const HEIGHT = 190;
const DAY = 86_400;

/** Lines over time, with a legend that has the figures of the place under the cursor, else the newest. */
export function timeChart(title: string, format: (value: number | null) => string): TimeChart {
  const canvas = h("div", { class: "chart-canvas", "aria-hidden": "true" });
  const legend = h("ul", { class: "chart-legend" });
  const when = h("span", { class: "subdued" });
  const element = h("figure", { class: "time-chart", "aria-label": title }, h("figcaption", null, h("b", null, title), when), legend, canvas);
  let plot: uPlot | null = null;
  let seconds: number[] = [];
  let lines: TimeLine[] = [];
  let drawn = "";

  const tell = (index: number | null) => {
    const at = index ?? seconds.length - 1;
    const time = seconds[at];
    when.textContent = time === undefined ? "" : index === null ? "newest" : momentOfSecond(time);
    lines.forEach((line, which) => {
      const slot = legend.children[which]?.querySelector("b");
      const value = index === null ? newest(line.values) : line.values[at] ?? null;
      if (slot) slot.textContent = format(value);
    });
  };
  const paint = () => {
    const data = [seconds, ...lines.map(({ values }) => values)] as uPlot.AlignedData;
    const signature = lines.map(({ label, colour }) => `${label}\t${colour}`).join("\n");
    if (plot && drawn === signature) {
      plot.setData(data);
    } else {
      drawn = signature;
      legend.replaceChildren(...lines.map(({ label, colour, dash }) => h("li", null, h("i", { class: dash ? "swatch dashed" : "swatch", style: `--stroke: var(${colour})` }), `${label} `, h("b", null, "–"))));
      plot?.destroy();
      plot = new uPlot(options(canvas.clientWidth || 600, lines, format, tell), data, canvas);
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
      seconds = at;
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

function options(width: number, lines: TimeLine[], format: (value: number | null) => string, onCursor: (index: number | null) => void): uPlot.Options {
  const axis = { stroke: colour("--ink-2"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: `11px ${colour("--sans")}` };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { x: { time: true }, y: { range: (_, min, max) => [Math.min(0, min ?? 0), Math.max((max ?? 0) * 1.12, 1)] } },
    axes: [
      { ...axis, space: 90, size: 28, values: (self, ticks) => ticks.map((tick) => ((self.scales["x"]?.max ?? 0) - (self.scales["x"]?.min ?? 0) > DAY ? momentOfSecond(tick) : clockOfSecond(tick))) },
      { ...axis, size: 66, values: (_, ticks) => ticks.map(format) },
    ],
    series: [{}, ...lines.map(({ label, colour: name, dash }) => ({ label, stroke: colour(name), width: 1.75, spanGaps: false, points: { size: 4 }, ...(dash ? { dash } : {}) }))],
    hooks: { setCursor: [(self) => onCursor(self.cursor.idx ?? null)] },
  };
}
