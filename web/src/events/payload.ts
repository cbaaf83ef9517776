import { h } from "../dom/element";
import { count } from "../format/quantity";

const NARROW = "(max-width: 760px)";

/** Offset, bytes in hex, and what of them is ASCII; below it the text, where it is one. */
export function payload(base64: string, whole: number | null): HTMLElement {
  const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
  if (bytes.length === 0) return h("p", { class: "subdued" }, "none");
  const text = readable(bytes);
  const said = whole !== null && whole > bytes.length ? `the first ${count(bytes.length)} of ${count(whole)} bytes` : bytes.length === 1 ? "1 byte" : `${count(bytes.length)} bytes`;
  return h(
    "div",
    { class: "payload" },
    h("p", { class: "subdued" }, said),
    h("pre", { class: "hex", tabindex: 0, "aria-label": "payload in hex" }, dump(bytes, matchMedia(NARROW).matches ? 8 : 16)),
    text ? h("pre", { class: "text", tabindex: 0, "aria-label": "payload as text" }, text) : null,
  );
}

/** Bytes that scripts were given, and that are not for the eyes of who looks at the page. */
export function hiddenPayload(length: number): HTMLElement {
  return h("p", { class: "payload hidden-payload" }, h("b", null, "hidden"), `: ${count(length)} bytes were read for scripts. `, h("code", null, "weir run --show-payload"), " shows them here.");
}

function dump(bytes: Uint8Array, perLine: number): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += perLine) {
    const part = Array.from(bytes.slice(at, at + perLine));
    const hex = part.map((one) => one.toString(16).padStart(2, "0")).join(" ");
    const ascii = part.map((one) => (one >= 0x20 && one < 0x7f ? String.fromCharCode(one) : "·")).join("");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${bytes.length > perLine ? hex.padEnd(perLine * 3 - 1) : hex}  ${ascii}`);
  }
  return lines.join("\n");
}

/** What is UTF-8 without control characters; a character that was cut at the end does not spoil it. */
function readable(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return text !== "" && !/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text) ? text : null;
  } catch {
    return null;
  }
}
