// What a script can ask of the host. Texts are UTF-8 there.

import { Bytes } from "./bytes";

// @ts-ignore: decorator
@external("weir", "attr")
declare function host_attr(event: i32, name: usize, name_len: i32, value: usize, value_len: i32): void;
// @ts-ignore: decorator
@external("weir", "emit")
declare function host_emit(json: usize, len: i32): void;
// @ts-ignore: decorator
@external("weir", "log")
declare function host_log(level: i32, text: usize, len: i32): void;
// @ts-ignore: decorator
@external("weir", "param")
declare function host_param(name: usize, name_len: i32, to: usize, to_len: i32): i32;
// @ts-ignore: decorator
@external("weir", "process")
declare function host_process(pid: i32, to: usize, to_len: i32): i32;

export enum Level { Debug, Info, Warn, Error }

// Adds a line to the script's log. The host takes some hundred lines a second: none per event.
export function log(level: Level, text: string): void {
  const bytes = String.UTF8.encode(text);
  host_log(level, changetype<usize>(bytes), bytes.byteLength);
}

// Hands on a result that is no row of a table: a JSON object, shown with the script.
export function emit(json: string): void {
  const bytes = String.UTF8.encode(json);
  host_emit(changetype<usize>(bytes), bytes.byteLength);
}

// Adds an attribute to the event at an index of the batch at hand.
export function attr(event: i32, name: string, value: Bytes): void {
  const bytes = String.UTF8.encode(name);
  host_attr(event, changetype<usize>(bytes), bytes.byteLength, value.ptr, value.len);
}

// A parameter's value; null if there is no such parameter.
export function param(name: string): string | null {
  const bytes = String.UTF8.encode(name);
  const ptr = changetype<usize>(bytes);
  const len = host_param(ptr, bytes.byteLength, 0, 0);
  if (len < 0) return null;
  const to = new ArrayBuffer(len);
  host_param(ptr, bytes.byteLength, changetype<usize>(to), len);
  return String.UTF8.decode(to);
}

// What the host knows of a process: a JSON object; null if it knows none.
export function process(pid: u32): string | null {
  let to = new ArrayBuffer(4096);
  let len = host_process(pid, changetype<usize>(to), to.byteLength);
  if (len > to.byteLength) {
    to = new ArrayBuffer(len);
    len = min(host_process(pid, changetype<usize>(to), len), to.byteLength);
  }
  return len < 0 ? null : String.UTF8.decodeUnsafe(changetype<usize>(to), len);
}

// What AssemblyScript calls when it gives up: `asc --use abort=weir/host/abort`. The line is the fault's message.
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = message === null ? "it gave up" : message;
  const where = file === null ? "" : file;
  log(Level.Error, `${what} (${where}:${line}:${column})`);
  unreachable();
}
