import { ApiError } from "../api/client";
import { h } from "./element";

/** What went well is told politely; what went wrong interrupts. */
export function goodNotice(text: string): HTMLElement {
  return h("p", { class: "notice good", role: "status" }, text);
}

/** The API's message and code, word for word: they name the object and the remedy. */
export function errorNotice(error: unknown): HTMLElement {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof ApiError ? h("code", { class: "error-code" }, error.code) : null;
  // Of an expression the second and third line mark the place, so each character has its own column.
  const marked = message.includes("\n");
  return h("div", { class: "notice bad", role: "alert" }, h("span", { class: marked ? "error-message marked" : "error-message" }, message), " ", code);
}
