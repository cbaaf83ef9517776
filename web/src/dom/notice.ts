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
  return h("p", { class: "notice bad", role: "alert" }, h("span", { class: "error-message" }, message), " ", code);
}
