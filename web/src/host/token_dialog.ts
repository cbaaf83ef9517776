import { forgetToken, keepToken, token } from "../api/token";
import { h } from "../dom/element";

/** Reading is open; only changes need the token. Resolves to whether there is one now. */
export async function ensureToken(refusal?: string): Promise<boolean> {
  if (token() && refusal === undefined) return true;
  return askForToken(refusal);
}

export function askForToken(refusal?: string): Promise<boolean> {
  const input = h("input", { id: "token-input", type: "password", autocomplete: "off", spellcheck: "false", required: true, placeholder: "token, or the whole link" });
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: "token-title" }, "Changing anything needs the token"),
    refusal ? h("p", { class: "notice bad", role: "alert" }, refusal) : null,
    h("p", null, "Loading a script is running code, so reading is open but changes are not. ", h("code", null, "weir run"), " made a token at its start:"),
    h(
      "ul",
      null,
      h("li", null, "it is in the link that ", h("code", null, "weir run"), " printed: ", h("code", null, `${location.origin}/#token=…`)),
      h("li", null, "it lies in the file ", h("code", null, "DATA_DIR/token"), ", where DATA_DIR is the folder given with ", h("code", null, "--data-dir")),
    ),
    h("label", { for: "token-input" }, "Token"),
    input,
    h("p", { class: "subdued" }, "It is kept in this tab until you close it."),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "submit", class: "primary", value: "keep" }, "Keep the token"),
      token() ? h("button", { type: "submit", value: "forget", formnovalidate: true }, "Forget the token") : null,
      h("button", { type: "submit", value: "cancel", formnovalidate: true }, "Cancel"),
    ),
  );
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": "token-title" }, form);
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "keep" && input.value.trim()) keepToken(input.value);
      if (dialog.returnValue === "forget") forgetToken();
      dialog.remove();
      document.dispatchEvent(new CustomEvent("weir:token"));
      resolve(dialog.returnValue === "keep" && token() !== null);
    });
  });
}
