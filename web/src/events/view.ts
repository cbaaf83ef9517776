import { read } from "../api/client";
import type { Pipeline } from "../api/shapes";
import { h } from "../dom/element";
import { watchHost } from "../host/status_poll";
import type { View } from "../view";
import { drawer } from "./drawer";
import { takeKeys } from "./keys";
import { eventList } from "./list";
import { matches, type Row, terms } from "./row";
import { shelf } from "./shelf";
import { follow } from "./stream";
import { toolbar } from "./toolbar";

const DRAW_EVERY_MS = 100;
const PIPELINES_EVERY_MS = 5_000;

export function events(root: HTMLElement, path: string[]): View {
  const kept = shelf();
  let pipeline = path[0] ?? "";
  /** What the last drawing was made of, and what of it passed the filter, newest first. */
  let drawnFrom: readonly Row[] = [];
  let shown: readonly Row[] = [];
  /** What the list stood at when it was paused; null while it is live. */
  let frozen: readonly Row[] | null = null;
  /** Paused by a selection, so letting go of it goes on. */
  let held = false;
  let selected: number | null = null;
  let missed = 0;
  let waiting = 0;
  let connected = false;
  let stopFollowing = () => {};

  const list = eventList((seq) => {
    select(seq);
    openDrawer();
  });
  const detail = drawer(() => closeDrawer());
  const bar = toolbar({ pipeline: (name) => (location.hash = `#/events/${encodeURIComponent(name)}`), pause: () => (frozen ? resume() : pause()), filter: () => draw() });
  const empty = h("div", { class: "empty" });
  root.append(h("h1", { class: "sr-only" }, "Events"), bar.element, h("div", { class: "events-split" }, h("div", { class: "event-place" }, list.element, empty), detail.element));

  let drawn = 0;
  let frame = 0;
  const draw = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    drawn = performance.now();
    const all = frozen ?? kept.rows();
    drawnFrom = all;
    if (!frozen) waiting = 0;
    const wanted = terms(bar.filter.value);
    shown = all.filter((row) => matches(row, wanted)).reverse();
    list.show(shown, selected);
    bar.tell({ shown: shown.length, held: all.length, missed, changed: all.filter(({ event }) => event.toctou === "changed").length, waiting, paused: frozen !== null, connected });
    empty.hidden = shown.length > 0;
    if (shown.length === 0) empty.replaceChildren(...(all.length > 0 ? nothingMatches() : noEvents()));
  };
  const drawSoon = () => {
    if (frame) return;
    frame = requestAnimationFrame(function wait(now) {
      if (now - drawn >= DRAW_EVERY_MS) draw();
      else frame = requestAnimationFrame(wait);
    });
  };
  const pause = () => {
    // What the reader sees, not what came since: the row under the cursor must stay there.
    frozen ??= drawnFrom;
    draw();
  };
  const resume = () => {
    frozen = null;
    held = false;
    selected = null;
    detail.hide();
    list.element.scrollTop = 0;
    draw();
  };
  const select = (seq: number) => {
    // A selected event must not run away under the reader's hands.
    if (!frozen) {
      held = true;
      pause();
    }
    selected = seq;
    list.show(shown, selected);
    list.reveal(seq);
    if (!detail.element.hidden) openDrawer();
  };
  const openDrawer = () => {
    const row = shown.find(({ event }) => event.seq === selected);
    if (row) detail.show(row.event);
  };
  const closeDrawer = () => {
    if (!detail.element.hidden) detail.hide();
    else if (held) resume();
    else selected = null;
    list.element.focus({ preventScroll: true });
    draw();
  };
  const step = (by: number) => {
    const at = shown.findIndex(({ event }) => event.seq === selected);
    const next = shown[at < 0 && by !== Infinity ? 0 : Math.min(shown.length - 1, Math.max(0, at + by))];
    if (next) select(next.event.seq);
  };
  const stopKeys = takeKeys(root, { list: list.element, step, open: openDrawer, close: closeDrawer, pageRows: list.pageRows });

  const start = (name: string) => {
    stopFollowing();
    kept.clear();
    pipeline = name;
    missed = 0;
    connected = false;
    resume();
    stopFollowing = follow(name, {
      events(fresh) {
        const wanted = terms(bar.filter.value);
        waiting += kept.put(fresh, (row) => wanted.length > 0 && matches(row, wanted));
        drawSoon();
      },
      missed(count) {
        missed += count;
        drawSoon();
      },
      connected(yes) {
        connected = yes;
        drawSoon();
      },
    });
  };
  const offer = async () => {
    try {
      const { pipelines } = await read<{ pipelines: Pipeline[] }>("/pipelines");
      const known = pipelines.some(({ name }) => name === pipeline);
      const first = pipelines[0]?.name;
      if (!known && first !== undefined) start(first);
      bar.offer(pipelines, pipeline);
    } catch {
      // The banner tells that the host does not answer; the next turn tries again.
    }
  };
  let started: string | null = null;
  const stopWatching = watchHost(({ status }) => {
    if (!status) return;
    // A new run of the host counts its seq from the start: what is here belongs to the old run.
    if (started !== null && started !== status.started && pipeline) start(pipeline);
    started = status.started;
  });
  if (pipeline) start(pipeline);
  void offer();
  const timer = setInterval(() => void offer(), PIPELINES_EVERY_MS);
  draw();

  return {
    goTo([name]) {
      if (name && name !== pipeline) start(name);
    },
    leave() {
      clearInterval(timer);
      cancelAnimationFrame(frame);
      stopFollowing();
      stopWatching();
      stopKeys();
    },
  };
}

function noEvents(): HTMLElement[] {
  return [
    h("h2", null, "No events yet"),
    h("p", null, "The pipeline has kept nothing so far. In another terminal, this makes traffic that exercises every field:"),
    h("pre", null, h("code", null, "weir workload")),
  ];
}

function nothingMatches(): HTMLElement[] {
  return [h("h2", null, "Nothing matches the filter"), h("p", null, "Every word must occur somewhere in the event, and none that has a minus before it. New events are still looked at as they come.")];
}
