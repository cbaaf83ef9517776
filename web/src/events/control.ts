import type { CallEvent, ControlMessage, Credentials } from "../api/shapes";
import { h } from "../dom/element";
import { receives } from "./place";

/** Control messages one by one. */
export function controlMessages(messages: ControlMessage[], event: CallEvent): HTMLElement {
  if (messages.length === 0) return h("p", { class: "subdued" }, "none");
  return h("ol", { class: "control", "aria-label": "control messages" }, messages.map((message) => one(message, event)));
}

function one({ level, type, malformed, ...rest }: ControlMessage, event: CallEvent): HTMLElement {
  if (malformed) {
    return h("li", { class: "bad" }, h("b", null, "malformed"), ` at byte ${malformed.at}: it claims ${malformed.len} bytes. The rest is not looked at.`);
  }
  const { fds, pid, uid, gid, ...values } = rest;
  const claimed = type === "SCM_CREDENTIALS" && pid !== undefined ? { pid, uid, gid } as Credentials : null;
  const plain = Object.entries(claimed || (pid ?? uid ?? gid) === undefined ? values : { ...values, pid, uid, gid });
  return h(
    "li",
    { "data-type": type ?? "" },
    h("b", null, type ?? "?"),
    " ",
    h("span", { class: "subdued" }, level ?? ""),
    fds ? descriptors(fds) : null,
    claimed ? credentials(claimed, event) : null,
    plain.length > 0 ? h("dl", { class: "pairs" }, plain.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, plainText(value))))) : null,
  );
}

function descriptors(fds: NonNullable<ControlMessage["fds"]>): HTMLElement {
  return h("ul", { class: "descriptors" }, fds.map(({ fd, file }) => h("li", null, h("span", { class: "fd" }, `fd ${fd}`), " ", file === null ? h("span", { class: "subdued" }, "file not seen") : h("code", null, file))));
}

/** What the message claims, beside what the kernel knows of who sends it. */
function credentials(claimed: Credentials, event: CallEvent): HTMLElement {
  const receiver = receives(event);
  const known = receiver ? event.socket?.peer_process ?? null : event.process;
  const names = ["pid", "uid", "gid"] as const;
  const differ = known ? names.filter((name) => claimed[name] !== known[name]) : [];
  const line = (title: string, of: Credentials) =>
    h("tr", null, h("th", { scope: "row" }, title), names.map((name) => h("td", { class: differ.includes(name) ? "differs" : "" }, String(of[name]))));
  return h(
    "div",
    { class: "credentials" },
    h(
      "table",
      null,
      h("thead", null, h("tr", null, h("td", null), names.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", null, line("the message says", claimed), known ? line(receiver ? "the peer is" : "the caller is", known) : null),
    ),
    differ.length > 0 ? h("p", { class: "differ" }, `⚠ not ${receiver ? "the peer's" : "the caller's"} own: ${differ.join(", ")}`) : null,
  );
}

function plainText(value: unknown): string {
  if (Array.isArray(value)) return value.map(plainText).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}
