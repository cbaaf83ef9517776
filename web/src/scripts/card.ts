import type { Faults, LogPage, Script } from "../api/shapes";
import { h } from "../dom/element";
import { clock, moment } from "../format/clock";
import { bytes, count, duration, share } from "../format/quantity";

/** One script. Built anew each refresh and morphed in: buttons say what they do by data-action. */
export function scriptCard(script: Script, log: LogPage | undefined, failure: Node | undefined): HTMLElement {
  const { name, version, language, role, state, state_why, summary } = script;
  // A paused script goes on by itself after a fault, so the reader may only stop it.
  const enabled = state === "running" || state === "paused";
  return h(
    "article",
    { class: `card script ${state}`, "data-key": name, "data-script": name, "aria-label": `script ${name}` },
    h(
      "header",
      null,
      h("h2", null, name),
      h("span", { class: "subdued" }, version),
      h("span", { class: `chip state ${state}` }, state),
    ),
    h("p", { class: "kind subdued" }, [role, language, bytes(script.size_bytes)].filter(Boolean).join(" · ")),
    h("p", { class: "summary" }, summary),
    wants(script),
    state_why ? h("p", { class: "notice bad" }, state_why) : null,
    keptBar(script),
    figures(script),
    parameters(script),
    faults(script.faults),
    logLines(name, log),
    h("div", { class: "outcome" }, failure),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", "data-action": enabled ? "disable" : "enable" }, enabled ? "Disable" : "Enable"),
      h("button", { type: "button", class: "danger quiet", "data-action": "delete" }, "Delete"),
    ),
  );
}

/** Events of other calls pass it by. */
function wants({ describe }: Script): HTMLElement | null {
  const wanted = describe?.wants;
  if (!wanted) return null;
  const payload = wanted.payload > 0 ? `payload ${bytes(wanted.payload)}` : "no payload";
  return h("p", { class: "wants" }, h("span", { class: "subdued" }, "wants"), wanted.calls.map((call) => h("code", null, call)), h("span", { class: "subdued" }, payload));
}

function keptBar({ events_in, kept, dropped }: Script): HTMLElement {
  const percent = events_in > 0 ? (100 * kept) / events_in : 0;
  return h(
    "div",
    { class: events_in > 0 ? "kept-bar" : "kept-bar unused", role: "img", "aria-label": `${count(kept)} kept and ${count(dropped)} dropped of ${count(events_in)}`, title: `${share(kept, events_in)} kept` },
    h("span", { style: `width: ${percent.toFixed(2)}%` }),
  );
}

function figures(script: Script): HTMLElement {
  const rows: [string, string, string?, string?][] = [
    ["events in", count(script.events_in)],
    ["kept", count(script.kept)],
    ["dropped", count(script.dropped)],
    ["p50 per event", duration(script.p50_ns)],
    ["p99 per event", duration(script.p99_ns)],
    ["memory", bytes(script.memory_bytes)],
    ["batches", count(script.batches)],
    ["pipelines", script.pipelines.join(", ") || "none"],
    ["switched at", script.switched_at_seq === null ? "never swapped" : `seq ${count(script.switched_at_seq)}`],
    ["sha256", script.sha256.slice(0, 12), script.sha256],
    ["loaded", moment(script.loaded), script.loaded, "wide"],
  ];
  return h("dl", { class: "figures" }, ...rows.map(([name, value, title, width]) => h("div", { class: width ?? null }, h("dt", null, name), h("dd", { title: title ?? null }, value))));
}

function parameters({ params, describe }: Script): HTMLElement | null {
  const known = describe?.params ?? [];
  const unknown = Object.keys(params).filter((name) => !known.some((one) => one.name === name));
  if (known.length + unknown.length === 0) return null;
  const rows = [...known, ...unknown.map((name) => ({ name, type: "", default: null, help: "" }))].map((one) => {
    const set = params[one.name];
    return h(
      "li",
      null,
      h("code", null, `${one.name} = ${plain(set ?? one.default)}`),
      set === undefined ? h("span", { class: "subdued" }, " default") : null,
      one.help ? h("span", { class: "subdued" }, ` – ${one.help}`) : null,
    );
  });
  return h("details", null, h("summary", null, `Parameters (${rows.length})`), h("ul", { class: "params" }, rows));
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}

function faults({ trapped, timed_out, last }: Faults): HTMLElement {
  if (trapped + timed_out === 0 && !last) return h("p", { class: "faults subdued" }, "No faults.");
  const shown = last
    ? [
        h("p", null, h("b", null, last.kind), " ", h("span", { class: "subdued" }, clock(last.time)), h("br", null), h("span", { class: "fault-message" }, last.message)),
        h("pre", { class: "backtrace", tabindex: 0, "aria-label": "backtrace" }, last.backtrace.join("\n")),
      ]
    : [];
  return h("details", { class: "faults bad" }, h("summary", null, `Faults: ${count(trapped)} trapped, ${count(timed_out)} timed out`), ...shown);
}

function logLines(name: string, log: LogPage | undefined): HTMLElement {
  const body = !log
    ? h("p", { class: "subdued" }, "Reading…")
    : log.lines.length === 0
      ? h("p", { class: "subdued" }, "It has logged nothing.")
      : h(
          "ol",
          { class: "log-lines", tabindex: 0, "aria-label": `log of ${name}` },
          ...log.lines.map((line) => h("li", { class: line.level }, h("time", null, clock(line.time)), " ", h("b", null, line.level), " ", line.text)),
        );
  const dropped = log && log.dropped > 0 ? h("p", { class: "subdued" }, `${count(log.dropped)} lines over the limit were dropped.`) : null;
  return h("details", { class: "log", "data-log": name }, h("summary", null, "Log"), body, dropped);
}
