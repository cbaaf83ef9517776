import type { CallEvent } from "../api/shapes";
import { h } from "../dom/element";
import { clock } from "../format/clock";
import { cells } from "./row";
import { type FieldLine, fieldGroups } from "./field_tree";

const TAGS: Record<string, string> = {
  K: "from kernel memory",
  U: "from user memory",
  TOCTOU: "the user could have changed it between read and use",
  OPT: "the caller may leave it out",
};
const STATUSES: Record<string, string> = {
  ok: "read",
  absent: "the caller left it out",
  fault: "the memory could not be read",
  truncated: "longer than what is read",
  not_seen: "this backend cannot see it",
};

export interface Drawer {
  element: HTMLElement;
  show: (event: CallEvent) => void;
  hide: () => void;
}

export function drawer(onClose: () => void): Drawer {
  const title = h("h2", { id: "drawer-title" });
  const subtitle = h("p", { class: "subdued drawer-subtitle" });
  const close = h("button", { type: "button", class: "quiet", "aria-label": "close", title: "Close (Esc)", onclick: onClose }, "✕");
  const content = h("div", { class: "drawer-content" });
  const raw = h("pre", { tabindex: 0, "aria-label": "raw JSON" });
  const copy = h("button", { type: "button" }, "Copy");
  const json = h("details", { class: "raw-json" }, h("summary", null, "Raw JSON"), copy, raw);
  const element = h("aside", { class: "drawer", hidden: true, "aria-labelledby": "drawer-title" }, h("header", null, h("div", null, title, subtitle), close), content, json, legend());
  copy.addEventListener("click", () => {
    const said = (text: string) => {
      copy.textContent = text;
      setTimeout(() => (copy.textContent = "Copy"), 1_500);
    };
    navigator.clipboard.writeText(raw.textContent).then(() => said("Copied"), () => said("The browser refused"));
  });
  return {
    element,
    show(event) {
      const short = cells(event);
      title.textContent = `Event ${event.seq}`;
      subtitle.textContent = `${short.process} · ${event.call} · ${short.destination} · ${clock(event.time)}`;
      content.replaceChildren(...fieldGroups(event).map(({ title: name, lines }) => group(name, lines)));
      raw.textContent = JSON.stringify(event, null, 2);
      element.hidden = false;
    },
    hide() {
      element.hidden = true;
    },
  };
}

function group(name: string, lines: FieldLine[]): HTMLElement {
  return h(
    "table",
    { class: "fields" },
    h("caption", null, name),
    h("thead", { class: "sr-only" }, h("tr", null, ...["field", "value", "tags and status"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", null, lines.map(fieldRow)),
  );
}

function fieldRow({ name, value, note }: FieldLine): HTMLElement {
  const empty = value === "null" || value === "none" || value === "–";
  return h(
    "tr",
    { "data-field": name },
    h("th", { scope: "row" }, name.replace(/^(process|msg|socket|attrs)\./, "")),
    h("td", { class: empty ? "value subdued" : "value", colspan: note ? null : 2 }, value),
    note ? h("td", { class: "note" }, [...note.tags.map(tag), status(note.status)]) : null,
  );
}

function tag(name: string): HTMLElement {
  return h("span", { class: "tag", title: TAGS[name] ?? name }, name);
}

function status(name: string): HTMLElement {
  return h("span", { class: `status ${name}`, title: STATUSES[name] ?? name }, name);
}

function legend(): HTMLElement {
  const entries = [...Object.entries(TAGS).map(([name, text]) => [tag(name), text]), ...Object.entries(STATUSES).map(([name, text]) => [status(name), text])];
  return h("details", { class: "legend" }, h("summary", null, "What tags and status mean"), h("dl", null, ...entries.map(([mark, text]) => h("div", null, h("dt", null, mark), h("dd", null, text)))));
}
