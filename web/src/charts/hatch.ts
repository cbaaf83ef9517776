const APART = 7;

/** Strokes from the lower left to the upper right, for an area of which nothing is known. */
export function hatch(context: CanvasRenderingContext2D, left: number, top: number, width: number, height: number, stroke: string, ratio: number): void {
  if (width <= 0) return;
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.beginPath();
  // By the canvas, not by the area, so that neighbours fit together.
  const apart = APART * ratio;
  for (let at = Math.floor((left - height) / apart) * apart; at < left + width; at += apart) {
    context.moveTo(at, top + height);
    context.lineTo(at + height, top);
  }
  context.strokeStyle = stroke;
  context.lineWidth = ratio;
  context.globalAlpha = 0.45;
  context.stroke();
  context.restore();
}
