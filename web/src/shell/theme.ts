// Dark or light: as the system says, until the reader says otherwise. The colours go by `data-theme`.

export type Theme = "auto" | "light" | "dark";

const KEY = "weir.theme";
const THEMES: readonly Theme[] = ["auto", "light", "dark"];
const system = matchMedia("(prefers-color-scheme: dark)");

export function theme(): Theme {
  const kept = localStorage.getItem(KEY);
  return THEMES.find((one) => one === kept) ?? "auto";
}

/** From the system's to light, to dark, and round again. */
export function turnTheme(): Theme {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length] ?? "auto";
  localStorage.setItem(KEY, next);
  apply();
  return next;
}

/** Calls after each change; drawings on a canvas hold their colours. Returns how to stop. */
export function onTheme(listener: () => void): () => void {
  document.addEventListener("weir:theme", listener);
  return () => document.removeEventListener("weir:theme", listener);
}

export function keepTheme(): void {
  system.addEventListener("change", apply);
  apply();
}

function apply(): void {
  const chosen = theme();
  const now = chosen === "auto" ? (system.matches ? "dark" : "light") : chosen;
  if (document.documentElement.dataset["theme"] === now) return;
  document.documentElement.dataset["theme"] = now;
  document.dispatchEvent(new CustomEvent("weir:theme"));
}
