import type { Load } from "../api/shapes";
import { h } from "../dom/element";
import { clock } from "../format/clock";
import { bytes } from "../format/quantity";
import { underWay } from "./poll";

const SAYS: Record<Load["state"], string> = {
  compiling: "compiling: everything that runs goes on",
  starting: "starting its first instance",
  loaded: "loaded",
  refused: "refused: what ran before runs on",
};

/** Loads under way, and those that were refused until another of that name went well. Built anew and morphed in. */
export function loadList(loads: Load[], seen: (load: Load) => boolean): HTMLElement | null {
  const shown = loads.filter((load) => underWay(load) || (load.state === "refused" && !seen(load)));
  if (shown.length === 0) return null;
  return h("ul", { class: "loads", "aria-label": "loads" }, shown.map(one));
}

/** Tells one load of a name from the next. */
export function loadId({ name, began }: Load): string {
  return `${name} ${began}`;
}

function one(load: Load): HTMLElement {
  const { name, state, size_bytes, took_ms, began, error, code } = load;
  const facts = h("p", null, h("b", null, name), ` ${bytes(size_bytes)} · `, h("span", { class: `load-state ${state}` }, SAYS[state]), h("span", { class: "subdued" }, ` · ${(took_ms / 1e3).toFixed(1)} s, since ${clock(began)}`));
  if (underWay(load)) return h("li", { "data-key": loadId(load) }, facts, h("div", { class: "progress", role: "progressbar", "aria-label": `load of ${name}`, "aria-valuetext": SAYS[state] }));
  return h(
    "li",
    { "data-key": loadId(load), class: "refused" },
    facts,
    h("p", { class: "notice bad" }, h("span", { class: "error-message" }, error ?? "no reason given"), " ", code ? h("code", { class: "error-code" }, code) : null),
    h("button", { type: "button", class: "quiet", "data-dismiss": loadId(load), "aria-label": `dismiss the refused load of ${name}` }, "Dismiss"),
  );
}
