/** One of the page's four views while it is shown. */
export interface View {
  /** The hash changed within the view. */
  goTo?: (path: string[]) => void;
  leave: () => void;
}
