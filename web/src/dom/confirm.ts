import { h } from "./element";

/** Asks before something that cannot be undone. */
export function confirm(title: string, text: string, action: string): Promise<boolean> {
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: "confirm-title" }, title),
    h("p", null, text),
    h("div", { class: "actions" }, h("button", { type: "submit", class: "danger", value: "yes" }, action), h("button", { type: "submit", value: "no" }, "Cancel")),
  );
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": "confirm-title" }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
