// The module's exports, made of a script: the main file exports them on.

import { Batch, Event } from "./batch";
import { Bytes } from "./bytes";
import { ABI } from "./layout";
import { flush_tables } from "./table";

// A script. The main file makes one: `register(new Mine())`.
export abstract class Script {
  // JSON, see docs/scripting.md.
  abstract describe(): string;
  // Each event: true keeps it, false drops it. The next event is in the same object.
  abstract event(it: Event): bool;
  // Once, before all events; a reason refuses the start.
  start(): string | null { return null; }
  // Each batch, before its events.
  batch(it: Batch): void {}
  // About once a second, with the milliseconds since the pipeline began.
  tick(now_ms: u32): void {}
  // What the next version goes on from, when this one is swapped.
  save(): ArrayBuffer { return new ArrayBuffer(0); }
  // After start: what the version before saved, and its "state_version"; a reason refuses the state.
  restore(version: u32, state: Bytes): string | null { return null; }
}

let script: Script | null = null;
const batch: Batch = new Batch();
// Where batches are written, and the text that the host was last pointed at.
let room: ArrayBuffer = new ArrayBuffer(0);
let text: ArrayBuffer = room;

export function register(it: Script): void { script = it; }

function point_at(bytes: ArrayBuffer): u64 {
  text = bytes;
  return <u64>changetype<usize>(bytes) << 32 | <u64>bytes.byteLength;
}

function refusal(reason: string | null): u64 {
  return reason === null ? 0 : point_at(String.UTF8.encode(reason));
}

export function weir_abi(): i32 { return ABI; }

export function weir_alloc(len: i32): usize {
  // The old one goes first, so that both need not fit.
  room = text;
  room = new ArrayBuffer(len);
  return changetype<usize>(room);
}

export function weir_describe(): u64 { return point_at(String.UTF8.encode(script!.describe())); }

export function weir_start(): u64 {
  const reason = script!.start();
  flush_tables();
  return refusal(reason);
}

export function weir_batch(at: usize, len: u32): void {
  assert(batch.read(at, len), "this is no batch that the script can read");
  const it = script!;
  it.batch(batch);
  for (let position = 0; position < <i32>batch.header.count; position++) {
    if (!it.event(batch.event(position))) batch.drop(position);
  }
  flush_tables();
}

export function weir_tick(now_ms: u32): void {
  script!.tick(now_ms);
  flush_tables();
}

export function weir_save(): u64 { return point_at(script!.save()); }

export function weir_restore(version: u32, at: usize, len: u32): u64 {
  return refusal(script!.restore(version, new Bytes(at, len)));
}
