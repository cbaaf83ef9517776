import { hatch } from "../charts/hatch";
import { colour, stretches, type Times } from "../charts/time_chart";
import type { SeriesOfKey } from "../api/shapes";
import { h } from "../dom/element";
import { momentOfSecond } from "../format/clock";
import { count, quantity } from "../format/quantity";
import { onTheme } from "../shell/theme";

// Time from left to right, size or duration upwards, on a logarithmic scale; the darker, the more.

type Buckets = NonNullable<SeriesOfKey["buckets"]>;

export interface HeatMap {
  element: HTMLElement;
  draw: (times: Times, buckets: Buckets, unit: string, title: string) => void;
  remove: () => void;
}

/** The buckets of all times, neighbours put together where there are more than can be told apart. */
export interface Grid {
  /** Where rows begin, and the end of the last one. */
  edges: number[];
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
  let latest: { times: Times; grid: Grid; unit: string } | null = null;

  const paint = () => {
    if (!latest) return;
    const { times, grid, unit } = latest;
    const { length } = times.seconds;
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
    const place = (at: number) => Math.round((at * width) / length);
    for (const [from, to] of stretches(times.gaps)) hatch(context, place(from), 0, place(to) - place(from), HEIGHT, colour("--line-strong"), 1);
    context.fillStyle = colour("--seen");
    const rows = rowsOf(grid);
    grid.cells.forEach((column, at) =>
      column.forEach((cell, row) => {
        if (cell === 0) return;
        // The eye tells few from none better than many from more.
        context.globalAlpha = 0.12 + 0.88 * Math.sqrt(cell / grid.most);
        const [bottom, top] = [row, row + 1].map((one) => HEIGHT - Math.round((one * HEIGHT) / rows)) as [number, number];
        context.fillRect(place(at), top, place(at + 1) - place(at), bottom - top);
      }),
    );
    context.globalAlpha = 1;
    scale.replaceChildren(...[1, 0.75, 0.5, 0.25, 0].map((part) => h("span", null, quantity(grid.edges[Math.round(part * rows)] ?? 0, unit))));
  };
  canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    if (!latest) return;
    const { times, grid, unit } = latest;
    const { seconds, gaps } = times;
    const at = Math.min(seconds.length - 1, Math.max(0, Math.floor((offsetX / canvas.clientWidth) * seconds.length)));
    const rows = rowsOf(grid);
    const row = Math.min(rows - 1, Math.max(0, Math.floor((1 - offsetY / HEIGHT) * rows)));
    const when = momentOfSecond(seconds[at] ?? 0);
    under.textContent = gaps[at] ? `${when} · nothing is known` : `${when} · ${between(grid, row, unit)}: ${count(grid.cells[at]?.[row])}`;
  });
  canvas.addEventListener("pointerleave", () => (under.textContent = ""));
  const resize = new ResizeObserver(paint);
  resize.observe(element);
  const stopTheme = onTheme(paint);
  return {
    element,
    draw(times, buckets, unit, of) {
      const grid = gridOf(buckets, times.seconds.length);
      latest = { times, grid, unit };
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

/** `bounds` are where buckets begin, and where the last one ends. */
export function gridOf({ bounds, counts }: Buckets, times: number): Grid {
  const used = bounds.map((_, at) => at).filter((at) => counts.some((column) => (column?.[at] ?? 0) > 0));
  const first = used[0] ?? 0;
  const last = used.at(-1) ?? 0;
  const together = Math.max(1, Math.ceil((last + 1 - first) / MOST_ROWS));
  const rows = Math.ceil((last + 1 - first) / together);
  const edges = Array.from({ length: rows + 1 }, (_, row) => bounds[Math.min(last + 1, first + row * together)] ?? (bounds.at(-1) ?? 1) * 1.1);
  const cells = Array.from({ length: times }, (_, at) => {
    const column = new Array<number>(rows).fill(0);
    counts[at]?.forEach((cell, bucket) => {
      const row = Math.floor((bucket - first) / together);
      if (cell > 0 && row >= 0 && row < rows) column[row] = (column[row] ?? 0) + cell;
    });
    return column;
  });
  return { edges, cells, most: Math.max(1, ...cells.flat()) };
}

function rowsOf({ edges }: Grid): number {
  return Math.max(1, edges.length - 1);
}

function between({ edges }: Grid, row: number, unit: string): string {
  return `${quantity(Math.round(edges[row] ?? 0), unit)} to ${quantity(Math.round(edges[row + 1] ?? 0), unit)}`;
}

function described(grid: Grid, unit: string): string {
  const sums = Array.from({ length: rowsOf(grid) }, (_, row) => grid.cells.reduce((sum, column) => sum + (column[row] ?? 0), 0));
  const fullest = sums.indexOf(Math.max(...sums));
  const all = `${quantity(Math.round(grid.edges[0] ?? 0), unit)} to ${quantity(Math.round(grid.edges.at(-1) ?? 0), unit)}`;
  return `heat map over time, from ${all}; most are from ${between(grid, fullest, unit)}`;
}
