import type { CallEvent, ControlMessage, Credentials, FileOfFd, KernelCopy, Message, Process } from "../api/shapes";
import { h } from "../dom/element";
import { count } from "../format/quantity";
import { controlMessages } from "./control";
import { hiddenPayload, payload } from "./payload";
import { address, file } from "./place";

type Block = (value: never, event: CallEvent) => HTMLElement;

/** Fields that a line of text does not do justice, by their path in the JSON. */
const BLOCKS: Record<string, Block> = {
  "process.cmdline": (args: string[]) => h("p", { class: "cmdline" }, args.flatMap((arg) => [h("code", null, arg), " "])),
  "process.parents": ancestors,
  "socket.local": (_local: unknown, event) => ends(event),
  "msg.iov": (iov: NonNullable<Message["iov"]>, { msg }) => iovecs(iov, msg?.iovlen ?? null),
  "msg.payload": (base64: string, { msg, ret, error }) => payload(base64, sent(msg?.bytes ?? null, ret, error)),
  "msg.control": controlMessages,
  "sendfile.in": (_in: unknown, event) => fromFileToFile(event),
  kernel: (used: KernelCopy, { msg }) => comparison(used, msg),
};

export function block(name: string, value: unknown, event: CallEvent): HTMLElement | null {
  const read = event.msg?.payload_len ?? 0;
  if (name === "msg.payload" && value === null && (read > 0 || event.msg?.["payload_hidden"] === true)) return hiddenPayload(read);
  // One end may be without an address, and the other not.
  if (value === null && name !== "socket.local") return null;
  return Object.hasOwn(BLOCKS, name) ? BLOCKS[name]?.(value as never, event) ?? null : null;
}

/** How many bytes there are in all: a call that failed has moved none, so what was asked for counts. */
function sent(asked: number | null, ret: number | null, error: string | null): number | null {
  return error === null && ret !== null && ret > 0 ? ret : asked;
}

/** From the first process down to the caller. */
function ancestors(parents: NonNullable<Process["parents"]>, { process }: CallEvent): HTMLElement {
  const one = ({ pid, comm }: { pid: number; comm: string }, self: boolean) => h("li", self ? { "aria-current": "true" } : null, h("b", null, comm), ` ${pid}`);
  return h("ol", { class: "chain", "aria-label": "ancestors, the oldest first" }, [...parents].reverse().map((parent) => one(parent, false)), one(process, true));
}

function ends({ socket }: CallEvent): HTMLElement {
  const end = (title: string, name: string, at: string | null, held: Credentials | null) =>
    h(
      "div",
      { class: "end", "data-field": name },
      h("span", { class: "subdued" }, title),
      at === null ? h("span", { class: "value subdued" }, "no address") : h("span", { class: "value" }, at),
      held ? h("span", { class: "held", "data-field": "socket.peer_process" }, `pid ${held.pid} · uid ${held.uid} · gid ${held.gid}`) : null,
    );
  return h("div", { class: "ends" }, end("local", "socket.local", socket?.local ?? null, null), h("span", { "aria-hidden": "true" }, "⇄"), end("peer", "socket.peer", socket?.peer ?? null, socket?.peer_process ?? null));
}

function iovecs(iov: NonNullable<Message["iov"]>, all: number | null): HTMLElement {
  if (iov.length === 0) return h("p", { class: "subdued" }, "none");
  const rows = iov.map(({ base, len }, at) => h("tr", null, h("th", { scope: "row" }, at), h("td", null, base), h("td", { class: "number" }, count(len))));
  const head = h("tr", null, h("th", { scope: "col" }, "#"), h("th", { scope: "col" }, "base"), h("th", { scope: "col", class: "number" }, "len"));
  const more = all !== null && all > iov.length ? h("p", { class: "subdued" }, `the first ${count(iov.length)} of ${count(all)} entries`) : null;
  return h("div", { class: "iov" }, h("table", { "aria-label": "iovec table" }, h("thead", null, head), h("tbody", null, rows)), more);
}

function fromFileToFile({ sendfile }: CallEvent): HTMLElement {
  const end = (name: "in" | "out", of: FileOfFd | undefined) =>
    h("div", { class: "end", "data-field": `sendfile.${name}` }, h("span", { class: "subdued" }, `${name} · fd ${of?.fd ?? "–"}`), h("span", { class: of?.file ? "value" : "value subdued" }, of?.file ?? "file not seen"));
  return h("div", { class: "ends" }, end("in", sendfile?.in), h("span", { "aria-hidden": "true" }, "→"), end("out", sendfile?.out));
}

const COMPARED = ["name", "namelen", "bytes", "control"] as const;

/** What of the message was another when the kernel used it. */
export function differences({ kernel, msg }: CallEvent): string[] {
  return kernel ? COMPARED.filter((name) => differ(kernel, msg, name)) : [];
}

function differ(used: KernelCopy, shown: Message | null, name: (typeof COMPARED)[number]): boolean {
  return JSON.stringify(used[name]) !== JSON.stringify(shown?.[name] ?? null);
}

function comparison(used: KernelCopy, shown: Message | null): HTMLElement {
  const text = (of: KernelCopy | Message | null, name: (typeof COMPARED)[number]) => {
    const value = of?.[name] ?? null;
    if (value === null) return "null";
    if (name === "name") return address(value as NonNullable<KernelCopy["name"]>);
    if (name === "control") return (value as ControlMessage[]).map(briefly).join("; ") || "none";
    return String(value);
  };
  const rest = Object.entries(used).filter(([name]) => !(COMPARED as readonly string[]).includes(name));
  const rows = COMPARED.map((name) => {
    const other = differ(used, shown, name);
    return h(
      "tr",
      { "data-field": `kernel.${name}`, class: other ? "differs" : "" },
      h("th", { scope: "row" }, name, other ? h("span", { class: "sr-only" }, " differs") : null),
      h("td", null, text(shown, name)),
      h("td", null, text(used, name)),
    );
  });
  const unknown = rest.map(([name, value]) => h("tr", { "data-field": `kernel.${name}` }, h("th", { scope: "row" }, name), h("td", null, "–"), h("td", null, JSON.stringify(value))));
  const head = h("tr", null, h("td", null), h("th", { scope: "col" }, "the caller showed"), h("th", { scope: "col" }, "the kernel used"));
  return h("table", { class: "comparison" }, h("thead", null, head), h("tbody", null, rows, unknown));
}

function briefly({ level, type, fds, malformed, ...rest }: ControlMessage): string {
  if (malformed) return `malformed at ${malformed.at}`;
  const values = fds ? fds.map(file).join(", ") : Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(", ");
  return `${type ?? level ?? "?"} ${values}`;
}
