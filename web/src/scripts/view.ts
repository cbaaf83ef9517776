import { read } from "../api/client";
import type { EmittedPage, LogPage, Script } from "../api/shapes";
import { h } from "../dom/element";
import { morph } from "../dom/morph";
import { errorNotice, goodNotice } from "../dom/notice";
import type { Place, View } from "../view";
import { scriptCard } from "./card";
import { applyLimits, applyParams, defaultParams, remove, reorder, turn } from "./changes";
import { takeDrops } from "./drop";
import { loadId, loadList } from "./loads";
import { moved, pipelineList } from "./pipelines";
import { type Loaded, refreshScripts, watchScripts } from "./poll";
import { upload } from "./upload";

const RESULTS = 100;
const LOG_LINES = 200;
/** Of this tab: a refused load that was read is not shown again. */
const dismissed = new Set<string>();

export function scripts(root: HTMLElement, place: Place): View {
  const logs = new Map<string, LogPage>();
  const results = new Map<string, EmittedPage>();
  const open = { log: new Set<string>(), emitted: new Set<string>() };
  /** What came of the last change of a script, or of the pipelines. */
  const outcomes = new Map<string, () => HTMLElement>();
  let reordering: unknown = null;
  let loaded: Loaded | null = null;
  let linked = place.path[0] ?? null;

  const uploader = upload(() => void refreshScripts());
  const loads = h("div", { class: "loads-place", "aria-live": "polite" });
  const pipelines = h("div", { class: "pipelines-place" });
  const list = h("div", { class: "cards" });
  root.append(h("h1", { class: "sr-only" }, "Scripts"), uploader.element, loads, pipelines, list);

  const draw = () => {
    if (!loaded) return;
    const pending = loadList(loaded.loads, (load) => dismissed.has(loadId(load)));
    morph(loads, ...(pending ? [pending] : []));
    morph(pipelines, pipelineList(loaded.pipelines, reordering === null ? null : errorNotice(reordering)));
    morph(list, ...(loaded.scripts.length === 0 ? [noScripts()] : loaded.scripts.map(card)));
    goToLinked();
  };
  const card = (script: Script) => scriptCard(script, { log: logs.get(script.name), emitted: results.get(script.name) }, outcomes.get(script.name)?.(), script.name === linked);
  let arrived: string | null = null;
  const goToLinked = () => {
    if (linked === null || linked === arrived) return;
    const element = list.querySelector(`[data-script="${CSS.escape(linked)}"]`);
    if (!element) return;
    arrived = linked;
    element.scrollIntoView({ block: "start" });
  };
  const readOpen = async ({ name }: Script) => {
    const path = `/scripts/${encodeURIComponent(name)}`;
    if (open.log.has(name)) logs.set(name, await read<LogPage>(`${path}/logs?limit=${LOG_LINES}`));
    if (open.emitted.has(name)) results.set(name, await read<EmittedPage>(`${path}/emitted?limit=${RESULTS}`));
  };
  const readAll = async (of: Script[]) => {
    await Promise.all(of.map(readOpen)).then(draw, () => undefined);
  };
  const make = async (name: string, change: () => Promise<string | null>) => {
    outcomes.delete(name);
    try {
      const text = await change();
      if (text !== null) outcomes.set(name, () => goodNotice(text));
    } catch (error) {
      outcomes.set(name, () => errorNotice(error));
    }
    await refreshScripts();
    draw();
  };
  const scriptOf = (element: Element) => {
    const name = element.closest<HTMLElement>("[data-script]")?.dataset["script"];
    return loaded?.scripts.find((script) => script.name === name);
  };

  list.addEventListener("click", ({ target }) => {
    const button = (target as Element).closest<HTMLElement>("[data-action]");
    const script = button && scriptOf(button);
    if (!button || !script) return;
    const form = button.closest("form");
    const actions: Record<string, () => void> = {
      enable: () => void make(script.name, () => turn(script, true)),
      disable: () => void make(script.name, () => turn(script, false)),
      delete: () => void make(script.name, () => remove(script)),
      swap: () => uploader.choose(script.name),
      defaults: () => form && defaultParams(script, form),
    };
    actions[button.dataset["action"] ?? ""]?.();
  });
  list.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const script = scriptOf(form);
    if (!script) return;
    void make(script.name, () => (form.dataset["form"] === "limits" ? applyLimits(script, form) : applyParams(script, form)));
  });
  // toggle does not bubble, so it is caught on its way down.
  list.addEventListener(
    "toggle",
    (event) => {
      const details = event.target as HTMLDetailsElement;
      const script = scriptOf(details);
      for (const kind of ["log", "emitted"] as const) {
        if (!script || !(kind in details.dataset)) continue;
        if (details.open) open[kind].add(script.name);
        else open[kind].delete(script.name);
        if (details.open) void readAll([script]);
      }
    },
    true,
  );
  pipelines.addEventListener("click", ({ target }) => {
    const button = (target as Element).closest<HTMLElement>("[data-move]");
    const name = button?.closest<HTMLElement>("[data-pipeline]")?.dataset["pipeline"];
    const pipeline = loaded?.pipelines.find((one) => one.name === name);
    if (!button || !pipeline) return;
    reordering = null;
    const order = moved(pipeline.scripts, button.dataset["of"] ?? "", Number(button.dataset["move"]));
    reorder(pipeline.name, order)
      .catch((error: unknown) => (reordering = error))
      .then(refreshScripts)
      .then(() => {
        draw();
        // The script moved away from under its button: the focus goes with it.
        const again = Array.from(pipelines.querySelectorAll<HTMLButtonElement>(`[data-pipeline="${CSS.escape(pipeline.name)}"] [data-of]`)).filter((one) => one.dataset["of"] === button.dataset["of"]);
        (again.find((one) => one.dataset["move"] === button.dataset["move"]) ?? again[0])?.focus();
      }, () => undefined);
  });
  loads.addEventListener("click", ({ target }) => {
    const id = (target as Element).closest<HTMLElement>("[data-dismiss]")?.dataset["dismiss"];
    if (!id) return;
    dismissed.add(id);
    draw();
  });
  const stopDrops = takeDrops(root, (file, target) => uploader.take(file, target ? scriptOf(target)?.name : undefined));
  const stopWatching = watchScripts((now) => {
    loaded = now;
    uploader.know(now);
    draw();
    void readAll(now.scripts.filter(({ name }) => open.log.has(name) || open.emitted.has(name)));
  });
  void refreshScripts();
  return {
    goTo({ path }) {
      linked = path[0] ?? null;
      arrived = null;
      draw();
    },
    shortcuts: [{ key: "l", help: "choose a .wasm to load", run: () => root.querySelector<HTMLElement>("#wasm-file")?.click() }],
    leave() {
      stopWatching();
      stopDrops();
    },
  };
}

function noScripts(): HTMLElement {
  return h(
    "div",
    { class: "empty" },
    h("h2", null, "No script is loaded"),
    h("p", null, "Every event is kept as it is. A script filters, enriches or aggregates: drop a .wasm on this page, or start with one."),
    h("pre", null, h("code", null, "weir run -s 'service | latency' -s errors")),
    h("p", null, "One line will do as well:"),
    h("pre", null, h("code", null, "weir run -e 'error != null | count by process.comm, error'")),
  );
}
