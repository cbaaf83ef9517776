import type { Script } from "../api/shapes";
import { h, svg } from "../dom/element";
import { span } from "../format/clock";
import { duration } from "../format/quantity";
import { type Cost, costHistory } from "./cost_history";

// Two small pictures of the same minutes: nanoseconds per event, and the share of a processor.

const WIDTH = 340;
const HEIGHT = 56;
const PAD = 3;

export function costChart({ name, p50_ns, p99_ns, core_share }: Script): HTMLElement {
  const history = costHistory(name);
  const first = history[0];
  const last = history.at(-1);
  const over = first && last && last.atSecond > first.atSecond ? `the last ${span((last.atSecond - first.atSecond) * 1e3)}` : "from now on";
  const most = Math.max(1, ...history.map(({ p99, p50 }) => p99 ?? p50 ?? 0));
  const mostShare = Math.max(0.001, ...history.map(({ share }) => share));
  return h(
    "figure",
    { class: "cost", "aria-label": `cost of ${name}` },
    h("figcaption", null, h("span", { class: "line-p50" }, "p50 ", h("b", null, duration(p50_ns))), h("span", { class: "line-p99" }, "p99 ", h("b", null, duration(p99_ns))), h("span", { class: "subdued" }, `per event; drawn up to ${duration(most)}, ${over}`)),
    picture(`nanoseconds per event, up to ${duration(most)}`, [path("p99", history, ({ p99 }) => p99, most), path("p50", history, ({ p50 }) => p50, most)]),
    h("p", { class: "figcaption" }, h("span", { class: "line-share" }, "core share ", h("b", null, percent(core_share))), h("span", { class: "subdued" }, `of one processor; drawn up to ${percent(mostShare)}`)),
    picture(`share of one processor, up to ${percent(mostShare)}`, [path("share", history, ({ share }) => share, mostShare)]),
  );
}

export function percent(share: number): string {
  const value = 100 * share;
  return value > 0 && value < 0.01 ? "< 0.01 %" : `${value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2)} %`;
}

function picture(label: string, lines: SVGElement[]): SVGSVGElement {
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, class: "spark" },
    svg("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT - 0.5, y2: HEIGHT - 0.5 }),
    svg("line", { class: "top", x1: 0, x2: WIDTH, y1: PAD, y2: PAD }),
    ...lines,
  );
}

/** Newest at the right; where there was no figure the line is broken. */
function path(kind: string, history: readonly Cost[], value: (cost: Cost) => number | null, most: number): SVGPathElement {
  const begin = history[0]?.atSecond ?? 0;
  const length = Math.max(60, (history.at(-1)?.atSecond ?? 0) - begin);
  const end = history.at(-1)?.atSecond ?? 0;
  let open = false;
  const d = history.map((cost) => {
    const at = value(cost);
    if (at === null) {
      open = false;
      return "";
    }
    const x = WIDTH - ((end - cost.atSecond) / length) * WIDTH;
    const y = HEIGHT - 1 - (at / most) * (HEIGHT - 1 - PAD);
    const step = `${open ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    open = true;
    return step;
  });
  return svg("path", { class: `line ${kind}`, d: d.join("") || "M0 0" });
}
