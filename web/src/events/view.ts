import { read } from "../api/client";
import type { Pipeline } from "../api/shapes";
import { h } from "../dom/element";
import { watchHost } from "../host/status_poll";
import type { Place, View } from "../view";
import { columnMenu } from "./column_menu";
import { drawer } from "./drawer";
import { eventGone, noEvents, nothingMatches } from "./empty";
import { feed } from "./feed";
import { judge } from "./filter";
import { KEYS, takeKeys } from "./keys";
import { fetchEvent, hashOf, linked } from "./link";
import { eventList } from "./list";
import { older } from "./older";
import { matches, type Row, terms } from "./row";
import { toolbar } from "./toolbar";

const DRAW_EVERY_MS = 100;
const PIPELINES_EVERY_MS = 5_000;

export function events(root: HTMLElement, place: Place): View {
  const first = linked(place);
  let pipeline = first.pipeline ?? "";
  let pipelines: Pipeline[] = [];
  /** What the host filters by; what is typed may be wrong. */
  let filter = "";
  /** What the last drawing was made of, and what of it passed, newest first. */
  let drawnFrom: readonly Row[] = [];
  let shown: readonly Row[] = [];
  /** What the list stood at when it was paused; null while it is live. */
  let frozen: readonly Row[] | null = null;
  /** Paused by a selection, so letting go of it goes on. */
  let held = false;
  let selected: number | null = null;
  /** Linked to, and not looked up yet. */
  let wanted: number | null = first.seq;
  let waiting = 0;
  let judging = new AbortController();

  const list = eventList(
    (seq) => {
      select(seq);
      openDrawer();
    },
    () => void past.more(),
  );
  const past = older({
    pipeline: () => pipeline,
    filter: () => filter,
    hold() {
      if (!frozen) {
        held = true;
        pause();
      }
      return frozen ?? [];
    },
    came(rows) {
      frozen = [...rows, ...(frozen ?? [])];
      draw();
    },
  });
  const detail = drawer({ close: () => closeDrawer(), step: (by) => step(by) });
  const menu = columnMenu(() => list.element.clientWidth, list.relayout);
  const bar = toolbar(menu, {
    pipeline: (name) => (location.hash = hashOf(name, null, filter)),
    pause: () => (frozen ? resume() : pause()),
    filter: () => void setFilter(bar.filter.value.trim()),
    find: () => draw(),
  });
  const empty = h("div", { class: "empty" });
  const gone = h("div", { class: "gone", role: "status" });
  root.append(h("h1", { class: "sr-only" }, "Events"), bar.element, gone, h("div", { class: "events-split" }, h("div", { class: "event-place" }, list.element, empty, past.element), detail.element));

  const words = () => terms(bar.find.value);
  const source = feed({
    came(count) {
      waiting += count;
      drawSoon();
    },
    changed: () => drawSoon(),
    refused: (error) => bar.complain(error.status === 422 || error.status === 400 ? error.message : null),
    stays(row) {
      const now = words();
      return now.length > 0 && matches(row, now);
    },
  });
  let drawn = 0;
  let frame = 0;
  const draw = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    drawn = performance.now();
    const all = frozen ?? source.rows();
    drawnFrom = all;
    if (!frozen) waiting = 0;
    const sought = words();
    shown = all.filter((row) => matches(row, sought)).reverse();
    list.show(shown, selected);
    const changed = all.filter(({ event }) => event.toctou === "changed").length;
    bar.tell({ shown: shown.length, held: all.length, missed: source.missed(), changed, waiting, paused: frozen !== null, connected: source.connected() });
    empty.hidden = shown.length > 0;
    if (shown.length === 0) empty.replaceChildren(...(all.length > 0 ? nothingMatches() : noEvents(filter)));
  };
  const drawSoon = () => {
    if (frame) return;
    frame = requestAnimationFrame(function wait(now) {
      if (now - drawn >= DRAW_EVERY_MS) draw();
      else frame = requestAnimationFrame(wait);
    });
  };
  /** So that the address bar always leads to what is seen; but what comes late must not bring back who has left. */
  const mark = () => {
    if (pipeline && /^#\/?events\b/.test(location.hash)) history.replaceState(null, "", hashOf(pipeline, detail.element.hidden ? null : selected, filter));
  };
  const pause = () => {
    // What the reader sees, not what came since: the row under the cursor must stay there.
    frozen ??= drawnFrom;
    draw();
  };
  const resume = () => {
    frozen = null;
    past.reset();
    held = false;
    selected = null;
    detail.hide();
    list.element.scrollTop = 0;
    mark();
    draw();
  };
  const select = (seq: number) => {
    // A selected event must not run away under the reader's hands.
    if (!frozen) {
      held = true;
      pause();
    }
    selected = seq;
    gone.replaceChildren();
    list.show(shown, selected);
    list.reveal(seq);
    if (!detail.element.hidden) openDrawer();
  };
  const openDrawer = () => {
    const row = shown.find(({ event }) => event.seq === selected);
    if (!row) return;
    detail.show(row.event, hashOf(pipeline, row.event.seq, ""));
    mark();
  };
  const closeDrawer = () => {
    if (!detail.element.hidden) detail.hide();
    else if (held) resume();
    else selected = null;
    list.element.focus({ preventScroll: true });
    mark();
    draw();
  };
  const step = (by: number) => {
    const at = shown.findIndex(({ event }) => event.seq === selected);
    const to = at < 0 && by !== Infinity ? 0 : Math.min(shown.length - 1, Math.max(0, at + by));
    const next = shown[to];
    if (!next) return;
    select(next.event.seq);
    if (by > 0 && to === shown.length - 1) void past.more();
  };
  const stopKeys = takeKeys(root, { list: list.element, step, open: openDrawer, close: closeDrawer, pageRows: list.pageRows });

  const start = (name: string) => {
    pipeline = name;
    source.start(name, filter);
    resume();
  };
  /** Goes on with the filter before until the host has found the new one right. */
  const setFilter = async (text: string) => {
    judging.abort();
    judging = new AbortController();
    const { signal } = judging;
    const verdict = await judge(pipeline, text, signal);
    if (signal.aborted || !verdict) return;
    bar.complain(verdict.fits ? null : verdict.message);
    if (!verdict.fits || text === filter) return;
    filter = text;
    start(pipeline);
  };
  /** An event that was linked to is shown whether it is in the list or not. */
  const showLinked = async (seq: number, of: string[]) => {
    wanted = null;
    const found = await fetchEvent(seq, of).catch(() => null);
    gone.replaceChildren(...(found ? [] : [eventGone(seq)]));
    if (!found) return;
    if (found.pipeline !== pipeline) start(found.pipeline);
    bar.offer(pipelines, pipeline);
    held = true;
    pause();
    selected = seq;
    detail.show(found.event, hashOf(pipeline, seq, ""));
    list.show(shown, selected);
    list.reveal(seq);
    mark();
  };
  const offer = async () => {
    try {
      pipelines = (await read<{ pipelines: Pipeline[] }>("/pipelines")).pipelines;
    } catch {
      // The banner tells that the host does not answer; the next turn tries again.
      return;
    }
    const names = pipelines.map(({ name }) => name);
    if (!names.includes(pipeline) && names[0] !== undefined) start(names[0]);
    bar.offer(pipelines, pipeline);
    if (wanted !== null) void showLinked(wanted, [pipeline, ...names.filter((name) => name !== pipeline)]);
  };
  let started: string | null = null;
  const stopWatching = watchHost(({ status }) => {
    if (!status) return;
    // Without a store a new run of the host counts its seq from the start: what is here belongs to the old run.
    if (started !== null && started !== status.started && pipeline) start(pipeline);
    started = status.started;
  });
  if (first.filter) {
    bar.filter.value = first.filter;
    filter = first.filter;
    void judge(pipeline, filter, judging.signal).then((verdict) => {
      if (!verdict || verdict.fits) return;
      bar.complain(verdict.message);
      filter = "";
      start(pipeline);
    });
  }
  if (pipeline) start(pipeline);
  void offer();
  const timer = setInterval(() => void offer(), PIPELINES_EVERY_MS);
  draw();

  return {
    goTo(next) {
      const { pipeline: name, seq, filter: text } = linked(next);
      if (text !== null && text !== filter) {
        bar.filter.value = text;
        void setFilter(text);
      }
      if (name && name !== pipeline) start(name);
      if (seq !== null) {
        wanted = seq;
        void offer();
      }
    },
    shortcuts: [
      { key: "p", help: "pause, and go on", run: () => (frozen ? resume() : pause()) },
      { key: "f", help: "to the words to find", run: () => bar.find.focus() },
      { key: "j", help: "the next event", run: () => step(1) },
      { key: "k", help: "the event before", run: () => step(-1) },
      { key: "o", help: "older events", run: () => void past.more() },
      ...KEYS,
    ],
    leave() {
      clearInterval(timer);
      cancelAnimationFrame(frame);
      judging.abort();
      past.reset();
      source.stop();
      stopWatching();
      stopKeys();
    },
  };
}
