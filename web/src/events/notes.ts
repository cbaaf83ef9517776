import type { FieldNote } from "../api/shapes";
import { h } from "../dom/element";

// How a field was read: its tags, its status and when. Each has its line in the legend and in its tooltip.

const TAGS: Record<string, string> = {
  K: "read from kernel memory",
  U: "read from the caller's memory",
  TOCTOU: "the caller could have changed it between this look and the kernel's",
  OPT: "may be left out",
};
const STATUSES: Record<string, string> = {
  ok: "read whole",
  absent: "left out",
  fault: "the memory could not be read",
  truncated: "longer than what is read: this is its beginning",
  not_seen: "not looked at: this backend cannot, or nobody asked",
};
const TIMES: Record<string, string> = {
  entry: "read when the call entered the kernel",
  exit: "read when the call returned",
  "in use": "read when the kernel itself used it",
  host: "looked up by the host, after the call",
};

/** `name` is the field's own path: it tells when what has no time of its own was read. */
export function noteBadges(name: string, note: FieldNote): HTMLElement[] {
  const between = name.startsWith("process") ? "host" : "in use";
  const when = note.status === "not_seen" ? null : note.read ?? (note.status === "ok" ? between : null);
  return [...note.tags.map(tag), status(note.status), ...(when ? [time(when)] : [])];
}

function tag(name: string): HTMLElement {
  return h("span", { class: "tag", title: TAGS[name] ?? name }, name);
}

function status(name: string): HTMLElement {
  return h("span", { class: `status ${name}`, title: STATUSES[name] ?? name }, name);
}

function time(name: string): HTMLElement {
  return h("span", { class: "when", title: TIMES[name] ?? name }, name);
}

export function legend(): HTMLElement {
  const lines = (make: (name: string) => HTMLElement, meanings: Record<string, string>) =>
    Object.entries(meanings).map(([name, meaning]) => h("div", null, h("dt", null, make(name)), h("dd", null, meaning)));
  return h(
    "details",
    { class: "legend" },
    h("summary", null, "What the marks mean"),
    h("dl", null, lines(tag, TAGS), lines(status, STATUSES), lines(time, TIMES)),
  );
}
