// The token comes in the link's fragment, which a browser never sends, and lives as long as the tab.

const KEY = "weir.token";

/** Takes `#token=…` out of the address bar, so that a shared or bookmarked link holds no secret. */
export function takeTokenFromLink(): boolean {
  const match = /^#token=([^&]+)/.exec(location.hash);
  if (!match?.[1]) return false;
  keepToken(decodeURIComponent(match[1]));
  history.replaceState(null, "", `${location.pathname}${location.search}#/overview`);
  return true;
}

export function token(): string | null {
  return sessionStorage.getItem(KEY);
}

/** Accepts the bare token or the whole link, since both are what people have at hand. */
export function keepToken(text: string): void {
  const trimmed = text.trim();
  sessionStorage.setItem(KEY, /#token=(\S+)$/.exec(trimmed)?.[1] ?? trimmed);
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
}
