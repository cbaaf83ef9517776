import { h } from "../dom/element";
import { chosenColumns, type Column, columnsFor, templateOf } from "./columns";
import type { Row } from "./row";

// Only the rows in sight exist, and they are used again: a thousand events a second cost the same as ten.

const ROW_PX = 28;
const OVERSCAN = 6;

export interface EventList {
  element: HTMLElement;
  /** Newest first. */
  show: (rows: readonly Row[], selected: number | null) => void;
  reveal: (seq: number) => void;
  pageRows: () => number;
  /** The choice of columns has changed. */
  relayout: () => void;
}

/** `onEnd`: the reader has scrolled down to the last row. */
export function eventList(onPick: (seq: number) => void, onEnd: () => void): EventList {
  const head = h("div", { class: "event-row head", role: "row", "aria-rowindex": 1 });
  const body = h("div", { class: "event-body", role: "rowgroup" });
  const element = h("div", { class: "event-list", role: "grid", tabindex: 0, "aria-label": "events, newest first", "aria-readonly": "true" }, h("div", { role: "rowgroup", class: "event-head" }, head), body);
  let columns: Column[] = [];
  let pool: HTMLElement[] = [];
  let shown: readonly Row[] = [];
  let selected: number | null = null;
  /** Where the list stood last, so that a reader who scrolls down is told from a list that moves by itself. */
  let top = 0;
  let height = 0;

  const layOut = () => {
    const next = columnsFor(element.clientWidth, chosenColumns());
    if (next.map(({ name }) => name).join() !== columns.map(({ name }) => name).join()) {
      columns = next;
      const { template, least } = templateOf(columns);
      element.style.setProperty("--columns", template);
      element.style.setProperty("--least", `${least}px`);
      head.replaceChildren(...columns.map(({ name, heading, number }) => h("span", { class: number ? `${name} number` : name, role: "columnheader" }, heading)));
      element.setAttribute("aria-colcount", String(columns.length));
      pool = [];
      body.replaceChildren();
    }
    // What is told below the list may take of its height: the selected row stays in sight.
    const sight = [top, top + height] as const;
    height = element.clientHeight;
    draw();
    const place = shown.findIndex(({ event }) => event.seq === selected) * ROW_PX;
    if (selected !== null && place >= sight[0] && place < sight[1]) reveal(selected);
  };
  const draw = () => {
    const first = Math.max(0, Math.floor(element.scrollTop / ROW_PX) - OVERSCAN);
    const last = Math.min(shown.length, first + Math.ceil(element.clientHeight / ROW_PX) + 2 * OVERSCAN);
    while (pool.length < last - first) {
      const slot = emptyRow(columns);
      pool.push(slot);
      body.append(slot);
    }
    pool.forEach((slot, at) => {
      const row = at < last - first ? shown[first + at] : undefined;
      slot.hidden = row === undefined;
      if (row) fillRow(slot, columns, row, first + at, row.event.seq === selected);
    });
    body.style.height = `${shown.length * ROW_PX}px`;
    element.setAttribute("aria-rowcount", String(shown.length + 1));
    const active = selected !== null && pool.some((slot) => !slot.hidden && slot.id === `event-${selected}`);
    if (active) element.setAttribute("aria-activedescendant", `event-${selected}`);
    else element.removeAttribute("aria-activedescendant");
  };

  const reveal = (seq: number) => {
    const index = shown.findIndex((row) => row.event.seq === seq);
    if (index < 0) return;
    const place = index * ROW_PX;
    const room = element.clientHeight - head.offsetHeight - ROW_PX;
    if (place < element.scrollTop) element.scrollTop = place;
    else if (place > element.scrollTop + room) element.scrollTop = place - room;
    top = element.scrollTop;
    draw();
  };

  const scrolled = () => {
    const down = element.scrollTop > top;
    top = element.scrollTop;
    draw();
    if (down && top + element.clientHeight > element.scrollHeight - ROW_PX) onEnd();
  };
  element.addEventListener("scroll", scrolled, { passive: true });
  body.addEventListener("click", (event) => {
    const seq = (event.target as Element).closest<HTMLElement>(".event-row")?.dataset["seq"];
    if (seq) onPick(Number(seq));
  });
  new ResizeObserver(layOut).observe(element);

  return {
    element,
    relayout: layOut,
    show(rows, nowSelected) {
      // Who has scrolled down is reading: keep the same events in place while newer ones come in above.
      const newest = shown[0]?.event.seq;
      if (element.scrollTop > ROW_PX && newest !== undefined && rows[0]?.event.seq !== newest) {
        const moved = rows.findIndex((row) => row.event.seq === newest);
        body.style.height = `${rows.length * ROW_PX}px`;
        if (moved > 0) element.scrollTop += moved * ROW_PX;
        top = element.scrollTop;
      }
      shown = rows;
      selected = nowSelected;
      draw();
    },
    reveal,
    pageRows: () => Math.max(1, Math.floor(element.clientHeight / ROW_PX) - 2),
  };
}

function emptyRow(columns: Column[]): HTMLElement {
  return h("div", { class: "event-row", role: "row" }, ...columns.map(({ name, number }) => h("span", { class: number ? `${name} number` : name, role: "gridcell" })));
}

function fillRow(slot: HTMLElement, columns: Column[], { event }: Row, index: number, isSelected: boolean): void {
  slot.style.transform = `translateY(${index * ROW_PX}px)`;
  slot.setAttribute("aria-rowindex", String(index + 2));
  slot.setAttribute("aria-selected", String(isSelected));
  if (slot.dataset["seq"] === String(event.seq)) return;
  slot.dataset["seq"] = String(event.seq);
  slot.id = `event-${event.seq}`;
  slot.classList.toggle("failed", event.error !== null);
  slot.classList.toggle("changed", event.toctou === "changed");
  columns.forEach(({ cell, titled }, at) => {
    const element = slot.children[at];
    if (!element) return;
    const text = cell(event);
    element.textContent = text;
    if (titled) element.setAttribute("title", text);
  });
}
