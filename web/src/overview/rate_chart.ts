import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { h } from "../dom/element";
import { clockOfSecond } from "../format/clock";
import { compact, rate } from "../format/quantity";
import { onTheme } from "../shell/theme";
import { type Rates, rateHistory } from "./rate_history";

interface Line {
  label: string;
  colour: string;
  title?: string;
  dash?: number[];
  value: (rates: Rates) => number | null;
}

const KEPT_COLOURS = ["--kept", "--kept-2", "--kept-3", "--kept-4"];
const HEIGHT = 165;
const WINDOW_SECONDS = { least: 60, most: 300 };

export interface RateChart {
  element: HTMLElement;
  draw: (pipelines: string[]) => void;
  remove: () => void;
}

export function rateChart(): RateChart {
  const canvas = h("div", { class: "rate-canvas", "aria-hidden": "true" });
  const legend = h("ul", { class: "rate-legend", "aria-label": "calls per second" });
  const when = h("span", { class: "rate-when subdued" }, "now");
  const element = h("div", { class: "rate-chart" }, h("div", { class: "rate-head" }, h("h2", { id: "rates-title" }, "Calls per second"), when), legend, canvas);
  let plot: uPlot | null = null;
  let drawn: string | null = null;
  let lines: Line[] = [];

  const showValues = (index: number | null) => {
    const rates = rateHistory()[index ?? rateHistory().length - 1];
    when.textContent = index === null || !rates ? "now" : clockOfSecond(rates.atSecond);
    lines.forEach((line, at) => {
      const slot = legend.children[at]?.querySelector("b");
      if (slot) slot.textContent = rates ? rate(line.value(rates)) : "–";
    });
  };
  const resize = new ResizeObserver(() => plot?.setSize({ width: canvas.clientWidth, height: HEIGHT }));
  const repaint = () => {
    drawn = null;
  };
  resize.observe(canvas);
  const stopTheme = onTheme(repaint);

  return {
    element,
    draw(pipelines) {
      const signature = pipelines.join("\n");
      if (drawn !== signature) {
        drawn = signature;
        lines = linesOf(pipelines);
        legend.replaceChildren(...lines.map(legendItem));
        plot?.destroy();
        plot = new uPlot(options(canvas.clientWidth || 600, lines, showValues), columns(lines), canvas);
      } else {
        plot?.setData(columns(lines));
      }
      showValues(plot?.cursor.idx ?? null);
    },
    remove() {
      resize.disconnect();
      stopTheme();
      plot?.destroy();
    },
  };
}

function linesOf(pipelines: string[]): Line[] {
  const kept = pipelines.map((name, at): Line => ({
    label: pipelines.length === 1 ? "kept" : `kept · ${name}`,
    colour: KEPT_COLOURS[at % KEPT_COLOURS.length] ?? "--kept",
    // Beyond four pipelines the colours come again, dashed.
    ...(at >= KEPT_COLOURS.length ? { dash: [6, 4] } : {}),
    value: (rates) => rates.kept[name] ?? null,
  }));
  return [
    { label: "seen", colour: "--seen", value: (rates) => rates.seen },
    ...kept,
    { label: pipelines.length === 1 ? "lost" : "lost, all pipelines", title: "a call that two pipelines lose counts twice", colour: "--loss", value: (rates) => rates.lost },
  ];
}

function legendItem({ label, colour, title }: Line): HTMLElement {
  const swatch = h("i", { class: "swatch", style: `--stroke: var(${colour})` });
  return h("li", { title: title ?? null }, swatch, label, " ", h("b", null, "–"), h("span", { class: "subdued" }, "/s"));
}

function columns(lines: Line[]): uPlot.AlignedData {
  const history = rateHistory();
  return [history.map((rates) => rates.atSecond), ...lines.map((line) => history.map(line.value))];
}

function options(width: number, lines: Line[], onCursor: (index: number | null) => void): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--ink-2"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: `11px ${style.getPropertyValue("--sans")}`,
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { x: { time: true, range: timeRange }, y: { range: (_, __, max) => [0, Math.max(10, (max ?? 0) * 1.15)] } },
    axes: [
      { ...axis, space: 90, size: 28, values: (_, ticks) => ticks.map(clockOfSecond) },
      { ...axis, size: 46, values: (_, ticks) => ticks.map(compact) },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: colour(line.colour),
        // Seen is the broader stream, so that it shows beside a pipeline that keeps everything.
        width: line.colour === "--seen" ? 4 : 1.75,
        points: { show: false },
        ...(line.colour === "--seen" ? { fill: colour("--seen-wash") } : {}),
        ...(line.dash ? { dash: line.dash } : {}),
      })),
    ],
    hooks: { setCursor: [(self) => onCursor(self.cursor.idx ?? null)] },
  };
}

function timeRange(_: uPlot, from: number | null, to: number | null): [number, number] {
  const end = to ?? Date.now() / 1e3;
  const span = Math.min(WINDOW_SECONDS.most, Math.max(WINDOW_SECONDS.least, end - (from ?? end)));
  return [end - span, end];
}
