import { colour } from "../charts/time_chart";
import type { SeriesOfKey } from "../api/shapes";
import { h } from "../dom/element";
import { momentOfSecond } from "../format/clock";
import { count, quantity } from "../format/quantity";
import { onTheme } from "../shell/theme";

// Time from left to right, size or duration upwards, on a logarithmic scale; the darker, the more.

type Buckets = NonNullable<SeriesOfKey["buckets"]>;

export interface HeatMap {
  element: HTMLElement;
  draw: (seconds: number[], buckets: Buckets, unit: string, title: string) => void;
  remove: () => void;
}

/** The buckets of all times, in as many rows as can be told apart. */
export interface Grid {
  low: number;
  high: number;
  /** By time, then from the least value up. */
  cells: number[][];
  most: number;
}

const HEIGHT = 150;
const LEFT = 66;
const MOST_ROWS = 36;

export function heatMap(): HeatMap {
  const canvas = h("canvas", { role: "img", height: HEIGHT });
  const title = h("b", null);
  const under = h("span", { class: "subdued" });
  const scale = h("div", { class: "heat-scale", "aria-hidden": "true" });
  const element = h("figure", { class: "heat" }, h("figcaption", null, title, under), h("div", { class: "heat-place" }, scale, canvas));
  let latest: { seconds: number[]; grid: Grid; unit: string } | null = null;

  const paint = () => {
    if (!latest) return;
    const { seconds, grid, unit } = latest;
    const width = Math.max(120, canvas.parentElement?.clientWidth ?? 600) - LEFT;
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(HEIGHT * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${HEIGHT}px`;
    const context = canvas.getContext("2d");
    if (!context) return;
    context.scale(ratio, ratio);
    context.fillStyle = colour("--sunken");
    context.fillRect(0, 0, width, HEIGHT);
    context.fillStyle = colour("--seen");
    const rows = grid.cells[0]?.length ?? 1;
    grid.cells.forEach((column, at) =>
      column.forEach((cell, row) => {
        if (cell === 0) return;
        // The eye tells few from none better than many from more.
        context.globalAlpha = 0.12 + 0.88 * Math.sqrt(cell / grid.most);
        const x = (at * width) / seconds.length;
        const y = HEIGHT - ((row + 1) * HEIGHT) / rows;
        context.fillRect(x, y, width / seconds.length + 0.5, HEIGHT / rows + 0.5);
      }),
    );
    context.globalAlpha = 1;
    scale.replaceChildren(...[1, 0.75, 0.5, 0.25, 0].map((part) => h("span", null, quantity(Math.round(edge(grid, part)), unit))));
  };
  canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    if (!latest) return;
    const { seconds, grid, unit } = latest;
    const at = Math.min(seconds.length - 1, Math.max(0, Math.floor((offsetX / canvas.clientWidth) * seconds.length)));
    const rows = grid.cells[0]?.length ?? 1;
    const row = Math.min(rows - 1, Math.max(0, Math.floor((1 - offsetY / HEIGHT) * rows)));
    under.textContent = `${momentOfSecond(seconds[at] ?? 0)} · ${quantity(Math.round(edge(grid, row / rows)), unit)} to ${quantity(Math.round(edge(grid, (row + 1) / rows)), unit)}: ${count(grid.cells[at]?.[row])}`;
  });
  canvas.addEventListener("pointerleave", () => (under.textContent = ""));
  const resize = new ResizeObserver(paint);
  resize.observe(element);
  const stopTheme = onTheme(paint);
  return {
    element,
    draw(seconds, buckets, unit, of) {
      const grid = gridOf(buckets, seconds.length);
      latest = { seconds, grid, unit };
      title.textContent = `Heat map of ${of}`;
      canvas.setAttribute("aria-label", described(grid, unit));
      paint();
    },
    remove() {
      resize.disconnect();
      stopTheme();
    },
  };
}

/** `bounds` are where buckets begin, with or without the end of the last one. */
export function gridOf({ bounds, counts }: Buckets, times: number): Grid {
  const used = bounds.filter((_, at) => counts.some((column) => (column?.[at] ?? 0) > 0));
  const low = Math.max(1, used[0] ?? 1);
  const last = bounds.indexOf(used.at(-1) ?? low);
  const high = Math.max(low * 2, bounds[last + 1] ?? (bounds[last] ?? low) * 1.02);
  const rows = Math.min(MOST_ROWS, Math.max(6, used.length));
  const cells = Array.from({ length: times }, (_, at) => {
    const column = new Array<number>(rows).fill(0);
    counts[at]?.forEach((cell, bucket) => {
      if (cell === 0) return;
      const from = Math.max(low, bounds[bucket] ?? low);
      const row = Math.min(rows - 1, Math.max(0, Math.floor((rows * Math.log(from / low)) / Math.log(high / low))));
      column[row] = (column[row] ?? 0) + cell;
    });
    return column;
  });
  return { low, high, cells, most: Math.max(1, ...cells.flat()) };
}

function edge({ low, high }: Grid, part: number): number {
  return low * (high / low) ** part;
}

function described(grid: Grid, unit: string): string {
  const rows = grid.cells[0]?.length ?? 0;
  const sums = Array.from({ length: rows }, (_, row) => grid.cells.reduce((sum, column) => sum + (column[row] ?? 0), 0));
  const fullest = sums.indexOf(Math.max(...sums));
  return `heat map over time, from ${quantity(Math.round(grid.low), unit)} to ${quantity(Math.round(grid.high), unit)}; most are from ${quantity(Math.round(edge(grid, fullest / rows)), unit)} to ${quantity(Math.round(edge(grid, (fullest + 1) / rows)), unit)}`;
}
