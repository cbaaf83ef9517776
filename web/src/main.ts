import "./style/tokens.css";
import "./style/base.css";
import "./style/shell.css";
import "./style/overview.css";
import "./style/scripts.css";
import "./style/events.css";
import "./style/tables.css";
import { takeTokenFromLink } from "./api/token";
import { h } from "./dom/element";
import { events } from "./events/view";
import { pollStatus, watchHost } from "./host/status_poll";
import { recordRates } from "./overview/rate_history";
import { overview } from "./overview/view";
import { scripts } from "./scripts/view";
import { isView, shell, type ViewName } from "./shell";
import { tables } from "./tables/view";
import type { View } from "./view";

const VIEWS: Record<ViewName, (root: HTMLElement, path: string[]) => View> = { overview, scripts, events, tables };

takeTokenFromLink();
const page = document.getElementById("page");
if (!page) throw new Error("index.html has no #page");
const { main, mark } = shell(page);
let current: { name: ViewName; view: View } | null = null;

function go(): void {
  // A link with a token may also be pasted into a tab that is already open.
  if (takeTokenFromLink()) document.dispatchEvent(new CustomEvent("weir:token"));
  const [name, ...path] = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
  const next = isView(name) ? name : "overview";
  if (current?.name === next) {
    current.view.goTo?.(path);
    return;
  }
  current?.view.leave();
  const root = h("div", { class: `view view-${next}` });
  main.replaceChildren(root);
  mark(next);
  current = { name: next, view: VIEWS[next](root, path) };
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
