// Numbers as people read them. The API's units: ns, By (bytes), 1 (a plain number).

const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const COMPACT = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const NONE = "–";

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : WHOLE.format(value);
}

export function compact(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : COMPACT.format(value);
}

/** For drawings, where a figure has little room; beside them the exact one must be found too. */
export function shortCount(value: number): string {
  return value < 1e8 ? WHOLE.format(value) : `${WHOLE.format(value / 1e6)} M`;
}

export function rate(perSecond: number | null | undefined): string {
  if (perSecond === null || perSecond === undefined) return NONE;
  return perSecond < 100 && perSecond % 1 !== 0 ? perSecond.toFixed(1) : WHOLE.format(perSecond);
}

export function duration(ns: number | null | undefined): string {
  if (ns === null || ns === undefined) return NONE;
  if (ns < 1e3) return `${digits(ns)} ns`;
  if (ns < 1e6) return `${digits(ns / 1e3)} µs`;
  if (ns < 1e9) return `${digits(ns / 1e6)} ms`;
  return `${digits(ns / 1e9)} s`;
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let scaled = value;
  let unit = 0;
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? WHOLE.format(scaled) : digits(scaled)} ${units[unit]}`;
}

export function quantity(value: number | null | undefined, unit: string): string {
  if (unit === "ns") return duration(value);
  if (unit === "By") return bytes(value);
  if (unit === "1" || unit === "") return count(value);
  return `${count(value)} ${unit}`;
}

export function share(part: number, whole: number): string {
  if (whole === 0) return NONE;
  const percent = (100 * part) / whole;
  if (part > 0 && percent < 0.01) return "< 0.01 %";
  // Nearly all is not all, nor is a hundredth of a percent nothing.
  if (part < whole && percent >= 99.5) return `${Math.min(99.99, percent).toFixed(2)} %`;
  return `${percent >= 10 || percent === 0 ? percent.toFixed(0) : percent.toFixed(2)} %`;
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? trimmed(value.toFixed(1)) : trimmed(value.toFixed(2));
}

function trimmed(text: string): string {
  return text.replace(/\.?0+$/, "");
}
