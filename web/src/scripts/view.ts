import { read } from "../api/client";
import type { LogPage, Pipeline, Script } from "../api/shapes";
import { confirm } from "../dom/confirm";
import { h } from "../dom/element";
import { morph } from "../dom/morph";
import { errorNotice } from "../dom/notice";
import { makeChange } from "../host/change";
import type { View } from "../view";
import { scriptCard } from "./card";
import { takeDrops } from "./drop";
import { upload } from "./upload";

const EVERY_MS = 2_000;

export function scripts(root: HTMLElement): View {
  const logs = new Map<string, LogPage>();
  const openLogs = new Set<string>();
  const failures = new Map<string, unknown>();
  let loaded: Script[] | null = null;

  const uploader = upload(() => void refresh());
  const list = h("div", { class: "cards" });
  root.append(h("h1", { class: "sr-only" }, "Scripts"), uploader.element, list);

  const draw = () => {
    if (!loaded) return;
    morph(list, ...(loaded.length === 0 ? [noScripts()] : loaded.map(card)));
  };
  const card = (script: Script) => {
    const failure = failures.get(script.name);
    return scriptCard(script, logs.get(script.name), failure === undefined ? undefined : errorNotice(failure));
  };
  const refresh = async () => {
    try {
      const [{ scripts }, { pipelines }] = await Promise.all([read<{ scripts: Script[] }>("/scripts"), read<{ pipelines: Pipeline[] }>("/pipelines")]);
      loaded = scripts;
      uploader.know(scripts, pipelines.map((pipeline) => pipeline.name));
      await Promise.all(scripts.filter(({ name }) => openLogs.has(name)).map(readLog));
      draw();
    } catch {
      // The banner tells that the host does not answer; the next turn tries again.
    }
  };
  const readLog = async ({ name }: { name: string }) => {
    logs.set(name, await read<LogPage>(`/scripts/${encodeURIComponent(name)}/logs?limit=200`));
  };
  const act = async (name: string, action: string) => {
    const path = `/scripts/${encodeURIComponent(name)}`;
    failures.delete(name);
    try {
      if (action === "delete") {
        if (!(await confirm(`Delete ${name}?`, "It leaves its pipelines at once. To have it back, load its .wasm again.", "Delete"))) return;
        await makeChange(path, { method: "DELETE" });
      } else {
        await makeChange(path, { method: "PATCH", body: JSON.stringify({ enabled: action === "enable" }), contentType: "application/json" });
      }
    } catch (error) {
      failures.set(name, error);
    }
    await refresh();
  };

  list.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-action]");
    const name = button?.closest<HTMLElement>("[data-script]")?.dataset["script"];
    if (button && name) void act(name, button.dataset["action"] ?? "");
  });
  // toggle does not bubble, so it is caught on its way down.
  list.addEventListener(
    "toggle",
    (event) => {
      const details = event.target as HTMLDetailsElement;
      const name = details.dataset["log"];
      if (!name) return;
      if (details.open) openLogs.add(name);
      else openLogs.delete(name);
      if (details.open) void readLog({ name }).then(draw, () => undefined);
    },
    true,
  );
  const stopDrops = takeDrops(root, uploader.take);
  void refresh();
  const timer = setInterval(() => void refresh(), EVERY_MS);
  return {
    leave() {
      clearInterval(timer);
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
  );
}
