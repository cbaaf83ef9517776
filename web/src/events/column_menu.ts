import { h } from "../dom/element";
import { chooseColumns, chosenColumns, COLUMNS, columnsFor } from "./columns";

/** A box to tick for each column. */
export function columnMenu(width: () => number, onChange: () => void): HTMLElement {
  const boxes = COLUMNS.map(({ name, heading }) => h("input", { type: "checkbox", value: name, "aria-label": `column ${heading}` }));
  const auto = h("button", { type: "button", class: "quiet" }, "As many as fit");
  const element = h(
    "details",
    { class: "column-menu" },
    h("summary", { class: "button" }, "Columns"),
    h("div", { class: "menu", role: "group", "aria-label": "columns" }, COLUMNS.map(({ heading }, at) => h("label", null, boxes[at], ` ${heading}`)), auto),
  );
  const tell = () => {
    const shown = columnsFor(width(), chosenColumns()).map(({ name }) => name);
    for (const box of boxes) box.checked = shown.includes(box.value);
  };
  element.addEventListener("toggle", tell);
  element.addEventListener("change", () => {
    const names = boxes.filter((box) => box.checked).map((box) => box.value);
    chooseColumns(names.length > 0 ? names : null);
    tell();
    onChange();
  });
  auto.addEventListener("click", () => {
    chooseColumns(null);
    tell();
    onChange();
  });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !element.open) return;
    event.stopPropagation();
    element.open = false;
    element.querySelector("summary")?.focus();
  });
  // A menu goes away when one turns to something else.
  document.addEventListener("pointerdown", ({ target }) => {
    if (element.open && !(target instanceof Node && element.contains(target))) element.open = false;
  });
  return element;
}
