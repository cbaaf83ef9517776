import { h } from "../dom/element";

/** One key, while nothing is typed into. */
export interface Shortcut {
  key: string;
  /** As the help shows the key, if not as it is. */
  shown?: string;
  help: string;
  /** Left out: the key is somebody else's, and only told of here. */
  run?: () => void;
}

/** What can be typed, of the whole page and of the view that is shown. Returns how to show the help. */
export function takeShortcuts(everywhere: Shortcut[], ofView: () => Shortcut[], viewName: () => string): () => void {
  const help = () => showHelp([["Everywhere", everywhere], [viewName(), ofView()]]);
  everywhere.push({ key: "?", help: "this list", run: help });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || typing(event.target)) return;
    const shortcut = [...ofView(), ...everywhere].find(({ key, run }) => run && key === event.key);
    if (!shortcut?.run) return;
    event.preventDefault();
    shortcut.run();
  });
  return help;
}

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest("dialog[open]")) return true;
  return target.matches("textarea, select, input:not([type=checkbox]):not([type=radio]):not([type=file])");
}

function showHelp(groups: [string, Shortcut[]][]): void {
  if (document.querySelector("dialog[open]")) return;
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: "help-title" }, "Keyboard"),
    groups
      .filter(([, shortcuts]) => shortcuts.length > 0)
      .map(([title, shortcuts]) => [h("h3", null, title), h("dl", { class: "keys" }, shortcuts.map(({ key, shown, help }) => h("div", null, h("dt", null, h("kbd", null, shown ?? key)), h("dd", null, help))))]),
    h("div", { class: "actions" }, h("button", { type: "submit", class: "primary" }, "Close")),
  );
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": "help-title" }, form);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
}
