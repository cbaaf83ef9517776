import type { Shortcut } from "../shell/shortcuts";

/** For the help; they are taken below. */
export const KEYS: readonly Shortcut[] = [
  { key: "ArrowDown", shown: "↑ ↓", help: "in the list: an event on" },
  { key: "PageDown", shown: "Page ↑ ↓", help: "in the list: a page on" },
  { key: "Home", shown: "Home End", help: "in the list: the newest, the oldest; beyond it, older ones" },
  { key: "Enter", help: "in the list: every field of the event" },
  { key: "Escape", shown: "Esc", help: "closes the fields, then goes on live" },
];

interface Actions {
  list: HTMLElement;
  step: (by: number) => void;
  open: () => void;
  close: () => void;
  pageRows: () => number;
}

/** Arrows move, Enter opens, Esc closes. Esc works from the drawer too. Returns how to stop. */
export function takeKeys(root: HTMLElement, { list, step, open, close, pageRows }: Actions): () => void {
  const moves: Record<string, () => void> = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    PageDown: () => step(pageRows()),
    PageUp: () => step(-pageRows()),
    Home: () => step(-Infinity),
    End: () => step(Infinity),
    Enter: open,
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const target = event.target as Element;
    if (event.key === "Escape" && !target.closest("dialog, input, select, details.column-menu")) {
      event.preventDefault();
      close();
      return;
    }
    const move = moves[event.key];
    if (!move || target !== list) return;
    event.preventDefault();
    move();
  };
  root.ownerDocument.addEventListener("keydown", onKey);
  return () => root.ownerDocument.removeEventListener("keydown", onKey);
}
