import { token } from "../api/token";
import { h } from "../dom/element";
import { watchHost } from "../host/status_poll";
import { askForToken } from "../host/token_dialog";
import { theme, turnTheme } from "./theme";

export const VIEWS = ["overview", "scripts", "events", "tables"] as const;
export type ViewName = (typeof VIEWS)[number];

export interface Shell {
  /** Where the view goes. */
  main: HTMLElement;
  mark: (view: ViewName) => void;
  /** On to the next colours. */
  turn: () => void;
}

/** What surrounds every view: the bar, the banner, the token's state. */
export function shell(root: HTMLElement, onHelp: () => void): Shell {
  const links = VIEWS.map((view) => h("a", { href: `#/${view}`, "data-view": view }, title(view)));
  const summary = h("span", { class: "host-summary subdued" });
  const access = h("button", { type: "button", class: "quiet access", onclick: () => void askForToken() });
  const colours = h("button", { type: "button", class: "quiet round", onclick: () => turn() });
  const help = h("button", { type: "button", class: "quiet round", "aria-label": "keyboard help", title: "Keyboard (?)", onclick: onHelp }, "?");
  const bannerText = h("span", null);
  const unlock = h("button", { type: "button", hidden: true, onclick: () => void askForToken() }, "Enter the token");
  const banner = h("div", { class: "banner", role: "alert", hidden: true }, bannerText, unlock);
  const main = h("main", { id: "view", tabindex: -1 });
  root.append(
    h("a", { class: "skip", href: "#view", onclick: skipTo(main) }, "Skip to the content"),
    h(
      "header",
      { class: "bar" },
      h("a", { class: "brand", href: "#/overview", "aria-label": "Weir" }, h("img", { src: "/icon.svg", alt: "", width: 26, height: 26 }), "Weir"),
      h("nav", { "aria-label": "views" }, links),
      h("div", { class: "bar-end" }, summary, access, colours, help),
    ),
    banner,
    main,
  );

  const tellAccess = () => {
    const can = token() !== null;
    access.textContent = can ? "can change" : "read only";
    access.title = can ? "The token is in this tab" : "Changes need the token: click to see where it is";
    access.classList.toggle("open", can);
  };
  document.addEventListener("weir:token", tellAccess);
  tellAccess();
  const turn = () => tellTheme(turnTheme());
  const tellTheme = (now: ReturnType<typeof theme>) => {
    colours.textContent = { auto: "◐", light: "☀", dark: "☾" }[now];
    colours.title = `Colours: ${now === "auto" ? "as the system's" : now} (t)`;
    colours.setAttribute("aria-label", `colours: ${now}`);
  };
  tellTheme(theme());
  watchHost(({ status, failure, locked }) => {
    banner.hidden = failure === null;
    unlock.hidden = !locked;
    const lost = `Weir does not answer: ${failure}. Is weir run still running? Trying again every second${status ? "; what is shown is from before" : ""}.`;
    const text = failure === null ? "" : locked ? "Reading needs the token as well: this weir runs with --auth all." : lost;
    // Set once, or a screen reader would repeat it every second.
    if (bannerText.textContent !== text) bannerText.textContent = text;
    summary.textContent = status ? `${status.backend.name} · ${status.kernel}` : "";
    document.documentElement.classList.toggle("unreachable", failure !== null);
  });
  return {
    main,
    turn,
    mark(view) {
      document.title = `${title(view)} · Weir`;
      for (const link of links) {
        if (link.dataset["view"] === view) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
    },
  };
}

export function isView(name: string | undefined): name is ViewName {
  return (VIEWS as readonly (string | undefined)[]).includes(name);
}

export function title(view: ViewName): string {
  return view.charAt(0).toUpperCase() + view.slice(1);
}

/** The hash belongs to the views, so the skip link moves the focus itself. */
function skipTo(main: HTMLElement) {
  return (event: MouseEvent) => {
    event.preventDefault();
    main.focus();
  };
}
