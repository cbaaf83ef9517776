import { svg } from "../dom/element";
import { count, shortCount } from "../format/quantity";
import type { Outlet } from "./flow";
import { thickness } from "./flow";

const CHARACTER_PX = 7.3;

/** An estimate, since nothing can be measured before it is on the page. */
export function outletWidth({ row, count: calls }: Outlet): number {
  return (row.length + shortCount(calls).length + 1) * CHARACTER_PX;
}

/** One ledger row beside its stage: a pipe from the stream and the figure at its end. Zero is subdued, never hidden. */
export function drawOutlet(outlet: Outlet, seen: number, from: { x: number; y: number }, text: { x: number; y: number }, most = 8): SVGGElement {
  const flows = outlet.count > 0;
  const bend = Math.min(6, Math.max(0, text.x - 6 - from.x));
  const width = flows ? Math.min(most, thickness(outlet.count, seen, 30)) : 1;
  const pipe = `M${from.x} ${from.y} V${text.y - bend} Q${from.x} ${text.y} ${from.x + bend} ${text.y} H${text.x - 5}`;
  return svg(
    "g",
    { class: `outlet ${outlet.kind} ${flows ? "flows" : "dry"}` },
    svg("title", null, `${outlet.row} ${count(outlet.count)}: ${outlet.meaning}`),
    svg("path", { class: "pipe", d: pipe, "stroke-width": width }),
    svg("text", { x: text.x, y: text.y + 4 }, svg("tspan", { class: "row-name" }, outlet.row), svg("tspan", { class: "row-count", dx: 6 }, shortCount(outlet.count))),
  );
}
