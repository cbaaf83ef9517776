import type { Address, CallEvent } from "../api/shapes";
import { clock } from "../format/clock";
import { bytes, duration } from "../format/quantity";

/** An event as the list shows it. The text to search is made at its first search, not for every event. */
export interface Row {
  event: CallEvent;
  text: string | null;
}

export const COLUMNS = ["time", "process", "call", "destination", "bytes", "result", "duration", "attrs"] as const;
export type Column = (typeof COLUMNS)[number];

export function cells(event: CallEvent): Record<Column, string> {
  return {
    time: clock(event.time),
    process: `${event.process.comm} ${event.process.pid}`,
    call: event.call,
    destination: destination(event),
    bytes: bytes(event.msg?.bytes),
    result: event.error ?? (event.ret === null ? "–" : String(event.ret)),
    duration: duration(event.duration_ns),
    attrs: attributes(event),
  };
}

export function destination(event: CallEvent): string {
  const name = event.msg?.name;
  if (name) return address(name);
  if (event.socket?.peer) return event.socket.peer;
  const status = event.fields["msg.name"]?.status;
  if (status && status !== "ok" && status !== "absent") return status;
  // A connected socket needs no address: its descriptor says where.
  return event.fd === null ? "–" : `fd ${event.fd}`;
}

function address({ family, address: host, port, path }: Address): string {
  if (path !== undefined) return path === "" ? "unnamed" : path;
  if (host !== undefined) return `${host.includes(":") ? `[${host}]` : host}${port === undefined ? "" : `:${port}`}`;
  return family;
}

function attributes({ attrs }: CallEvent): string {
  return Object.entries(attrs ?? {}).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(" ");
}

/** Every term must occur somewhere, in any order. */
export function matches(row: Row, terms: string[]): boolean {
  if (terms.length === 0) return true;
  row.text ??= searchable(row.event);
  const { text } = row;
  return terms.every((term) => text.includes(term));
}

export function terms(filter: string): string[] {
  return filter.toLowerCase().split(/\s+/).filter(Boolean);
}

function searchable(event: CallEvent): string {
  const { seq, process, flags, socket, toctou } = event;
  const parts = [seq, process.tid, process["uid"], process.exe, process["cgroup"], process["container"], ...(flags ?? []), socket?.local, socket?.peer, event.msg?.name?.family, toctou];
  return [...Object.values(cells(event)), ...parts.filter((part) => part !== null && part !== undefined).map(String)].join("\n").toLowerCase();
}
