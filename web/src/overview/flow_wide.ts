import { svg } from "../dom/element";
import { shortCount } from "../format/quantity";
import { type Flow, type Lane, spoken, type Stage, thickness } from "./flow";
import { drawOutlet, outletWidth } from "./flow_outlet";

// Left to right: the host's stages, then one lane a pipeline.

const MOST = 38;
const BAR = 7;
const ROW = 18;
const TITLE = 35;
const OUTLETS = 16;
const LANE_NAME = 24;
const MARGIN = 4;
const LAST_COLUMN = 112;
const PIPE_GAP = 5;
const CHARACTER_PX = 6.6;

interface Columns {
  x: (column: number) => number;
  step: number;
}

export function drawWide(flow: Flow, width: number): SVGSVGElement {
  const columns = flow.trunk.length + 3;
  const step = (width - MARGIN - LAST_COLUMN) / (columns - 1);
  const place = (from: number): Columns => ({ x: (column) => MARGIN + (from + column) * step, step });
  const heights = flow.lanes.map((lane) => LANE_NAME + stagesHeight(lane.stages, step));
  const lanesHeight = heights.reduce((sum, height) => sum + height, 0);
  const trunkHeight = LANE_NAME + stagesHeight(flow.trunk, step);
  const height = Math.max(trunkHeight, lanesHeight);
  // With one lane the stream is one straight line; with more it starts from the middle of them.
  const top = LANE_NAME + TITLE + MOST / 2;
  const trunkY = flow.lanes.length <= 1 ? top : Math.max(top, height / 2 - 30);

  const parts: SVGElement[] = drawStages(flow.trunk, flow.seen, place(0), trunkY);
  const mouth = { x: place(0).x(flow.trunk.length - 1) + BAR, y: trunkY };
  let y = top;
  flow.lanes.forEach((lane, at) => {
    parts.unshift(...drawLane(lane, flow.seen, place(flow.trunk.length), y, mouth));
    y += heights[at] ?? 0;
  });
  return svg("svg", { class: "flow wide", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": spoken(flow) }, ...parts);
}

function drawLane(lane: Lane, seen: number, columns: Columns, y: number, mouth: { x: number; y: number }): SVGElement[] {
  const first = lane.stages[0]?.entered ?? 0;
  const name = svg("text", { class: "lane-name", x: columns.x(0), y: y - MOST / 2 - TITLE - 6 }, "pipeline ", svg("tspan", { class: "name" }, lane.pipeline));
  const goal = svg("text", { class: "stage-title", x: columns.x(lane.stages.length - 1) + BAR + 8, y: y + 4 }, "→ this page");
  return [band(mouth.x, mouth.y, columns.x(0), y, thickness(first, seen, MOST), "seen"), name, goal, ...drawStages(lane.stages, seen, columns, y)];
}

function drawStages(stages: Stage[], seen: number, columns: Columns, y: number): SVGElement[] {
  const firstRows = firstRowOf(stages, columns.step);
  return stages.flatMap((stage, column) => {
    const x = columns.x(column);
    const next = stages[column + 1];
    const size = thickness(stage.entered, seen, MOST);
    const parts: SVGElement[] = [];
    if (next) parts.push(band(x + BAR, y, columns.x(column + 1), y, thickness(next.entered, seen, MOST), next.title === "kept" ? "kept" : "seen"));
    stage.outlets.forEach((outlet, at) => {
      const from = { x: x + BAR + 4 + (stage.outlets.length - 1 - at) * PIPE_GAP, y: y + size / 2 };
      const text = { x: x + textOffset(stage), y: y + MOST / 2 + OUTLETS + ((firstRows[column] ?? 0) + at) * ROW };
      parts.push(drawOutlet(outlet, seen, from, text));
    });
    parts.push(
      svg("rect", { class: `bar ${stage.title === "kept" ? "kept" : ""}`, x, y: y - Math.max(size, 8) / 2, width: BAR, height: Math.max(size, 8), rx: 2 }),
      svg("text", { class: "stage-title", x, y: y - MOST / 2 - 22 }, cut(stage.title, columns.step - 14), svg("title", null, stage.title)),
      svg("text", { class: "stage-count", x, y: y - MOST / 2 - 7 }, shortCount(stage.entered)),
    );
    return parts;
  });
}

function band(fromX: number, fromY: number, toX: number, toY: number, size: number, colour: "seen" | "kept"): SVGElement {
  const middle = (fromX + toX) / 2;
  return svg("path", { class: `band ${colour}`, "stroke-width": size, d: `M${fromX} ${fromY} C${middle} ${fromY} ${middle} ${toY} ${toX} ${toY}` });
}

function textOffset(stage: Stage): number {
  return BAR + 16 + stage.outlets.length * PIPE_GAP;
}

/** Rows stand side by side while they have room, else each stage's begin below those of the next, which no pipe then crosses. */
function firstRowOf(stages: Stage[], step: number): number[] {
  const crowded = stages.some((stage, at) => {
    const next = stages[at + 1];
    const room = step - textOffset(stage) + (next ? BAR + 4 : 0);
    return next !== undefined && next.outlets.length > 0 && stage.outlets.some((outlet) => outletWidth(outlet) > room);
  });
  if (!crowded) return stages.map(() => 0);
  return stages.map((_, at) => stages.slice(at + 1).reduce((rows, { outlets }) => rows + outlets.length, 0));
}

function stagesHeight(stages: Stage[], step: number): number {
  const firstRows = firstRowOf(stages, step);
  const rows = Math.max(0, ...stages.map((stage, at) => (firstRows[at] ?? 0) + stage.outlets.length));
  return TITLE + MOST + OUTLETS + ROW * rows;
}

function cut(text: string, width: number): string {
  const most = Math.floor(width / CHARACTER_PX);
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
