const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** Local time of day; the API's nanoseconds are cut to milliseconds. */
export function clock(time: string): string {
  return `${CLOCK.format(new Date(time))}.${(/\.(\d{1,3})/.exec(time)?.[1] ?? "0").padEnd(3, "0")}`;
}

/** With the day where that is not today, then to the second where there is little room. */
export function dayAndClock(time: string, short = false): string {
  const day = new Date(time);
  if (day.toDateString() === new Date().toDateString()) return clock(time);
  return `${DAY.format(day)} ${short ? CLOCK.format(day) : clock(time)}`;
}

export function clockOfSecond(unixSeconds: number): string {
  return CLOCK.format(new Date(unixSeconds * 1e3));
}

export function moment(time: string): string {
  return DATE.format(new Date(time));
}

export function span(ms: number): string {
  const seconds = Math.floor(ms / 1e3);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });

export function momentOfSecond(unixSeconds: number): string {
  return SHORT.format(new Date(unixSeconds * 1e3));
}

/** Of a round length: `10 s`, `5 min`, `6 h`. */
export function step(seconds: number): string {
  if (seconds % 3_600 === 0) return `${seconds / 3_600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

/** As a `datetime-local` input wants it: the reader's own time, to the second. */
export function localInput(time: Date): string {
  const two = (part: number) => String(part).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}T${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
