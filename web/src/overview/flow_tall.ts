import { svg } from "../dom/element";
import { shortCount } from "../format/quantity";
import { type Flow, spoken, type Stage, thickness } from "./flow";
import { drawOutlet } from "./flow_outlet";

// Top to bottom, for narrow screens: the stream at the left, its rows at the right.

const MOST = 34;
const CENTRE = 24;
const TEXT = 66;
const ROW = 20;
const GAP = 16;
const BAR = 6;

export function drawTall(flow: Flow, width: number): SVGSVGElement {
  const parts: SVGElement[] = [];
  let y = drawStages(parts, flow.trunk, flow.seen, 0);
  for (const lane of flow.lanes) {
    y += 26;
    parts.push(svg("text", { class: "lane-name", x: 6, y: y - 6 }, "pipeline ", svg("tspan", { class: "name" }, lane.pipeline)));
    y = drawStages(parts, lane.stages, flow.seen, y + 2);
  }
  return svg("svg", { class: "flow tall", width, height: y, viewBox: `0 0 ${width} ${y}`, role: "img", "aria-label": spoken(flow) }, ...parts);
}

/** Draws from `top` down and returns where it ended. */
function drawStages(parts: SVGElement[], stages: Stage[], seen: number, top: number): number {
  let y = top;
  stages.forEach((stage, at) => {
    const next = stages[at + 1];
    const height = 26 + stage.outlets.length * ROW + (next ? GAP : 4);
    const size = thickness(stage.entered, seen, MOST);
    if (next) {
      const d = `M${CENTRE} ${y + 10 + BAR} V${y + height + 10}`;
      parts.push(svg("path", { class: `band ${next.title === "kept" ? "kept" : "seen"}`, "stroke-width": thickness(next.entered, seen, MOST), d }));
    }
    stage.outlets.forEach((outlet, row) => {
      const from = { x: CENTRE + MOST / 2 + 1 + (stage.outlets.length - 1 - row) * 3, y: y + 10 + BAR };
      parts.push(drawOutlet(outlet, seen, from, { x: TEXT, y: y + 32 + row * ROW }, 3));
    });
    const wide = Math.max(size, 8) + (stage.outlets.length > 0 ? 10 : 4);
    parts.push(
      svg("rect", { class: `bar ${stage.title === "kept" ? "kept" : ""}`, x: CENTRE - wide / 2, y: y + 10, width: wide, height: BAR, rx: 2 }),
      svg("text", { class: "stage-title", x: TEXT, y: y + 17 }, stage.title, svg("tspan", { class: "stage-count", dx: 8 }, shortCount(stage.entered))),
    );
    y += height;
  });
  return y;
}
