import type { CallEvent } from "../api/shapes";
import { h } from "../dom/element";
import { dayAndClock } from "../format/clock";
import { differences } from "./blocks";
import { type FieldGroup, type FieldLine, fieldGroups } from "./field_tree";
import { legend, noteBadges } from "./notes";
import { place } from "./place";

/** Of fields that are shown together. */
const TITLES: Record<string, string> = { "socket.local": "both ends", "sendfile.in": "from, to", kernel: "beside the caller's" };

export interface Drawer {
  element: HTMLElement;
  /** The link leads to the event by its seq. */
  show: (event: CallEvent, link: string) => void;
  hide: () => void;
}

export function drawer(on: { close: () => void; step: (by: number) => void }): Drawer {
  const title = h("h2", { id: "drawer-title" });
  const subtitle = h("p", { class: "subdued drawer-subtitle" });
  const permalink = h("a", { class: "permalink", title: "A link to this event, while weir keeps it" }, "link");
  const newer = h("button", { type: "button", class: "quiet", "aria-label": "newer event", title: "Newer (k)", onclick: () => on.step(-1) }, "↑");
  const older = h("button", { type: "button", class: "quiet", "aria-label": "older event", title: "Older (j)", onclick: () => on.step(1) }, "↓");
  const close = h("button", { type: "button", class: "quiet", "aria-label": "close", title: "Close (Esc)", onclick: on.close }, "✕");
  const content = h("div", { class: "drawer-content" });
  const raw = h("pre", { tabindex: 0, "aria-label": "raw JSON" });
  const copy = h("button", { type: "button" }, "Copy");
  const json = h("details", { class: "raw-json" }, h("summary", null, "Raw JSON"), copy, raw);
  const element = h("aside", { class: "drawer", hidden: true, "aria-labelledby": "drawer-title" }, h("header", null, h("div", null, title, subtitle), h("div", { class: "drawer-tools" }, permalink, newer, older, close)), legend(), content, json);
  copy.addEventListener("click", () => {
    const said = (text: string) => {
      copy.textContent = text;
      setTimeout(() => (copy.textContent = "Copy"), 1_500);
    };
    navigator.clipboard.writeText(raw.textContent).then(() => said("Copied"), () => said("The browser refused"));
  });
  return {
    element,
    show(event, link) {
      permalink.href = link;
      title.textContent = `Event ${event.seq}`;
      subtitle.textContent = `${event.process.comm} ${event.process.pid} · ${event.call}${event.index === null ? "" : ` [${event.index}]`} · ${place(event)} · ${dayAndClock(event.time)}`;
      content.replaceChildren(...[alarm(event), ...fieldGroups(event).map(group)].filter((part) => part !== null));
      element.scrollTop = 0;
      element.classList.toggle("changed", event.toctou === "changed");
      raw.textContent = JSON.stringify(event, null, 2);
      element.hidden = false;
    },
    hide() {
      element.hidden = true;
    },
  };
}

function group({ title, lines }: FieldGroup): HTMLElement {
  return h(
    "table",
    { class: "fields" },
    h("caption", null, title),
    h("colgroup", null, h("col", { class: "col-name" }), h("col", null), h("col", { class: "col-note" })),
    h("thead", { class: "sr-only" }, h("tr", null, ...["field", "value", "how it was read"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", null, lines.map(fieldRows)),
  );
}

function fieldRows({ name, value, note, block }: FieldLine): HTMLElement[] {
  const short = name.replace(/^(process|msg|socket|sendfile|attrs)\./, "");
  const badges = note ? h("td", { class: "note" }, noteBadges(name, note)) : null;
  if (block) {
    // What has fields of its own in it names them itself.
    const own = block.querySelector(`[data-field="${name}"]`) ? null : name;
    const title = TITLES[name] ?? short;
    const head = h("th", { scope: "row", colspan: badges ? 2 : 3 }, title);
    return [h("tr", { "data-field": own, class: "above" }, head, badges), h("tr", { class: "block", "data-block": name }, h("td", { colspan: 3 }, block))];
  }
  const empty = value === "null" || value === "none" || value === "–";
  return [h("tr", { "data-field": name }, h("th", { scope: "row" }, short), h("td", { class: empty ? "value subdued" : "value", colspan: note ? null : 2 }, value), badges)];
}

/** A visible alarm: what the caller showed is not what the kernel used. */
function alarm(event: CallEvent): HTMLElement | null {
  if (event.toctou !== "changed") return null;
  const what = differences(event).join(", ");
  return h("p", { class: "notice bad alarm", role: "alert" }, h("b", null, "⚠ The message changed while the call ran"), `: the kernel used another ${what || "message"} than the caller showed at entry.`);
}
