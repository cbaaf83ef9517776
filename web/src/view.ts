import type { Shortcut } from "./shell/shortcuts";

/** Where in a view: what follows its name in the hash. */
export interface Place {
  path: string[];
  query: URLSearchParams;
}

/** One of the page's four views while it is shown. */
export interface View {
  /** The hash changed within the view. */
  goTo?: (place: Place) => void;
  shortcuts?: Shortcut[];
  leave: () => void;
}
