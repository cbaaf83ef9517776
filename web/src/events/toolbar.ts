import type { Pipeline } from "../api/shapes";
import { h } from "../dom/element";
import { count } from "../format/quantity";

export interface Figures {
  shown: number;
  held: number;
  missed: number;
  /** Of those held, how many are not what the caller showed. */
  changed: number;
  waiting: number;
  paused: boolean;
  connected: boolean;
}

/** What the list shows in such an event's row, so that these alone are found. */
const CHANGED = "⚠";
const TYPING_MS = 300;

export interface Toolbar {
  element: HTMLElement;
  /** In the language of expressions: the host filters. */
  filter: HTMLInputElement;
  /** Words, in what is here. */
  find: HTMLInputElement;
  offer: (pipelines: Pipeline[], chosen: string) => void;
  tell: (figures: Figures) => void;
  /** What is wrong with the filter; null: nothing. */
  complain: (message: string | null) => void;
}

interface Heard {
  pipeline: (name: string) => void;
  pause: () => void;
  filter: () => void;
  find: () => void;
}

export function toolbar(columns: HTMLElement, on: Heard): Toolbar {
  const pipelines = h("select", { id: "event-pipeline" });
  const filter = h("input", { id: "event-filter", type: "search", class: "expression", autocomplete: "off", autocapitalize: "off", spellcheck: "false", "data-search": true, "aria-describedby": "filter-error filter-help", placeholder: 'call == "sendmsg" && error != null' });
  const find = h("input", { id: "event-find", type: "search", autocomplete: "off", spellcheck: "false", placeholder: "words; -word: without it" });
  const wrong = h("pre", { id: "filter-error", class: "filter-error", role: "alert", hidden: true });
  const help = h("p", { id: "filter-help", class: "sr-only" }, "A condition in the language of expressions, by which the host filters; docs/expressions.md has its names.");
  const pause = h("button", { type: "button", class: "pause", "aria-pressed": "false" }, "Pause");
  const shown = h("span", { class: "shown" });
  const waiting = h("span", { class: "waiting" });
  const missed = h("span", { class: "missed", title: "kept by the pipeline, but not sent to this page because it could not keep up" });
  const changed = h("button", { type: "button", class: "changed-count", hidden: true, title: "Show only events whose message changed between the caller's call and the kernel's use of it" });
  const live = h("span", { class: "live" });
  const element = h(
    "div",
    { class: "toolbar", role: "search", "aria-label": "events" },
    h("div", { class: "field of-pipeline" }, h("label", { for: "event-pipeline" }, "Pipeline"), pipelines),
    h("div", { class: "field grow" }, h("label", { for: "event-filter" }, "Filter"), filter, help),
    h("div", { class: "field of-find" }, h("label", { for: "event-find" }, "Find"), find),
    pause,
    columns,
    wrong,
    h("p", { class: "figures-line" }, live, shown, missed, waiting, changed),
  );
  let timer: ReturnType<typeof setTimeout> | undefined;
  pipelines.addEventListener("change", () => on.pipeline(pipelines.value));
  filter.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(on.filter, TYPING_MS);
  });
  find.addEventListener("input", on.find);
  pause.addEventListener("click", on.pause);
  changed.addEventListener("click", () => {
    find.value = CHANGED;
    on.find();
  });
  let offered = "";
  return {
    element,
    filter,
    find,
    offer(list, chosen) {
      const names = list.map((pipeline) => pipeline.name).join("\n");
      if (names !== offered) {
        offered = names;
        pipelines.replaceChildren(...list.map(({ name, scripts }) => h("option", { value: name }, scripts.join(" | ") === name || scripts.length === 0 ? name : `${name} (${scripts.join(" | ")})`)));
      }
      pipelines.value = chosen;
    },
    tell({ shown: visible, held, missed: lost, changed: other, waiting: later, paused, connected }) {
      shown.textContent = visible === held ? `${count(held)} events` : `${count(visible)} of ${count(held)} events`;
      missed.textContent = `${count(lost)} missed`;
      missed.classList.toggle("some", lost > 0);
      changed.hidden = other === 0;
      changed.textContent = `⚠ ${count(other)} changed between call and use`;
      waiting.textContent = paused ? `${count(later)} new since the pause` : "";
      live.textContent = !connected ? "connecting" : paused ? "paused" : "live";
      live.className = `live ${!connected ? "off" : paused ? "paused" : "on"}`;
      pause.textContent = paused ? "Resume" : "Pause";
      pause.setAttribute("aria-pressed", String(paused));
    },
    complain(message) {
      wrong.hidden = message === null;
      if (wrong.textContent !== (message ?? "")) wrong.textContent = message ?? "";
      filter.setAttribute("aria-invalid", String(message !== null));
    },
  };
}
