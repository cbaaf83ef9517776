import "./style/tokens.css";
import "./style/base.css";
import "./style/shell.css";
import "./style/overview.css";
import "./style/scripts.css";
import "./style/script_card.css";
import "./style/events.css";
import "./style/drawer.css";
import "./style/tables.css";
import "./style/charts.css";
import { takeTokenFromLink } from "./api/token";
import { h } from "./dom/element";
import { events } from "./events/view";
import { pollStatus, watchHost } from "./host/status_poll";
import { recordRates } from "./overview/rate_history";
import { overview } from "./overview/view";
import { pollScripts } from "./scripts/poll";
import { scripts } from "./scripts/view";
import { isView, shell, title, type ViewName, VIEWS } from "./shell/shell";
import { type Shortcut, takeShortcuts } from "./shell/shortcuts";
import { keepTheme } from "./shell/theme";
import { tables } from "./tables/view";
import type { Place, View } from "./view";

const MAKE: Record<ViewName, (root: HTMLElement, place: Place) => View> = { overview, scripts, events, tables };

takeTokenFromLink();
keepTheme();
const page = document.getElementById("page");
if (!page) throw new Error("index.html has no #page");
let current: { name: ViewName; view: View } | null = null;
const everywhere: Shortcut[] = [
  ...VIEWS.map((name, at): Shortcut => ({ key: String(at + 1), help: title(name), run: () => (location.hash = `#/${name}`) })),
  { key: "/", help: "to the filter or search", run: () => page.querySelector<HTMLElement>("main [data-search]")?.focus() },
  { key: "t", help: "colours: the system's, light, dark", run: () => turn() },
];
const showHelp = takeShortcuts(everywhere, () => current?.view.shortcuts ?? [], () => title(current?.name ?? "overview"));
const { main, mark, turn } = shell(page, showHelp);

function go(): void {
  // A link with a token may also be pasted into a tab that is already open.
  if (takeTokenFromLink()) document.dispatchEvent(new CustomEvent("weir:token"));
  const [path = "", query] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const [name, ...rest] = path.split("/").map(decoded);
  const place = { path: rest, query: new URLSearchParams(query) };
  const next = isView(name) ? name : "overview";
  if (current?.name === next) {
    current.view.goTo?.(place);
    return;
  }
  current?.view.leave();
  const root = h("div", { class: `view view-${next}` });
  main.replaceChildren(root);
  mark(next);
  current = { name: next, view: MAKE[next](root, place) };
}

/** A hand-written hash need not be well-formed. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

watchHost(({ status, failure }) => {
  if (status && failure === null) recordRates(status);
});
addEventListener("hashchange", go);
go();
void pollStatus();
void pollScripts();
