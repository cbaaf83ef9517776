import type { Pipeline } from "../api/shapes";
import { h } from "../dom/element";
import { count } from "../format/quantity";

/** Scripts in the order in which an event meets them. Built anew and morphed in; moves are told by data-move. */
export function pipelineList(pipelines: Pipeline[], failure: Node | null): HTMLElement {
  return h(
    "section",
    { class: "panel pipelines", "aria-labelledby": "pipelines-title" },
    h("h2", { id: "pipelines-title" }, "Pipelines"),
    h("p", { class: "subdued" }, "An event passes the scripts of a pipeline in this order, until one drops it."),
    failure,
    pipelines.map(one),
  );
}

/** The scripts with one of them a place further or nearer. */
export function moved(scripts: string[], name: string, by: number): string[] {
  const from = scripts.indexOf(name);
  const to = from + by;
  if (from < 0 || to < 0 || to >= scripts.length) return scripts;
  const rest = scripts.filter((one) => one !== name);
  rest.splice(to, 0, name);
  return rest;
}

function one({ name, scripts, kept_events, kept_capacity }: Pipeline): HTMLElement {
  const last = scripts.length - 1;
  const steps = scripts.map((script, at) =>
    h(
      "li",
      { "data-key": script },
      at > 0 ? move(name, script, -1) : null,
      h("a", { href: `#/scripts/${encodeURIComponent(script)}` }, script),
      at < last ? move(name, script, 1) : null,
    ),
  );
  return h(
    "div",
    { class: "pipeline", "data-key": name, "data-pipeline": name },
    h("h3", null, name),
    steps.length > 0 ? h("ol", { class: "steps", "aria-label": `scripts of ${name}, in order` }, steps) : h("p", { class: "subdued" }, "no script: every event is kept"),
    h("a", { class: "subdued", href: `#/events/${encodeURIComponent(name)}` }, `${count(kept_events)} of ${count(kept_capacity)} events kept`),
  );
}

function move(pipeline: string, script: string, by: number): HTMLElement {
  const label = `move ${script} ${by < 0 ? "earlier" : "later"} in ${pipeline}`;
  return h("button", { type: "button", class: "quiet move", "data-move": by, "data-of": script, "aria-label": label, title: label }, by < 0 ? "←" : "→");
}
