// A table of the host's, and what a batch adds to it: gathered here, and handed over in one call.

import { Bytes } from "./bytes";

// @ts-ignore: decorator
@external("weir", "table_open")
declare function table_open(kind: i32, name: usize, name_len: i32, options: usize, options_len: i32): i32;
// @ts-ignore: decorator
@external("weir", "table_add_many")
declare function table_add_many(table: i32, rows: usize, len: i32): void;

export enum Kind { Counter, Histogram, Gauge, TopK, Distinct, Rate }

// Room for the rows of a batch: what is more is handed over before its end.
const ROOM = 64 << 10;
// A power of two, twice the rows that there is room for.
const SLOTS = 8 << 10;
// Of a row: length of the key, zero, value.
const ROW_HEAD = 16;

const opened: Table[] = [];

// Hands over what was added to all tables.
export function flush_tables(): void {
  for (let index = 0; index < opened.length; index++) opened[index].flush();
}

// In start: `calls = new Table(Kind.Counter, "calls", options)`. Per event: `calls.label(a).label(b).add(1)`, with as
// many labels as the table has.
export class Table {
  private handle: i32;
  private rows: usize = heap.alloc(ROOM);
  private slots: usize = heap.alloc(SLOTS * 4);
  private used: i32 = 0;
  // Length of the key that is being written behind the rows.
  private key: i32 = 0;
  private labels: i32 = 0;

  // Options are JSON: `{"labels":["process"],"unit":"ns","help":"one line"}`.
  constructor(private kind: Kind, name: string, options: string) {
    memory.fill(this.slots, 0, SLOTS * 4);
    const name_bytes = String.UTF8.encode(name), option_bytes = String.UTF8.encode(options);
    this.handle = table_open(
      kind, changetype<usize>(name_bytes), name_bytes.byteLength,
      changetype<usize>(option_bytes), option_bytes.byteLength,
    );
    opened.push(this);
  }

  // Writes the next label of a key.
  label(text: Bytes): Table {
    const bytes = min(text.len, ROOM / 8);
    if (ROOM - this.used - this.key - ROW_HEAD - 8 < bytes) this.make_room();
    let to = this.rows + this.used + ROW_HEAD + this.key;
    if (this.labels > 0) store<u8>(to++, 0);
    for (let at = 0; at < bytes; at++) {
      const byte = load<u8>(text.ptr + at);
      // A NUL would begin another label.
      store<u8>(to++, byte == 0 ? 0x40 : byte);
    }
    this.key += bytes + (this.labels > 0 ? 1 : 0);
    this.labels++;
    return this;
  }

  label_text(text: string): Table { return this.label(Bytes.of(text)); }

  // Adds a value to the row of the labels that were written.
  add(value: u64): void {
    const row = this.rows + this.used, len = this.key;
    this.key = this.labels = 0;
    if (this.sums) {
      const slot = this.find(row + ROW_HEAD, len);
      const known = load<u32>(slot);
      if (known != 0) {
        const at = this.rows + known - 1;
        store<u64>(at, this.kind == Kind.Gauge ? value : load<u64>(at, 8) + value, 8);
        return;
      }
      store<u32>(slot, this.used + 1);
    }
    store<u32>(row, len);
    store<u32>(row, 0, 4);
    store<u64>(row, value, 8);
    this.used += (ROW_HEAD + len + 7) & ~7;
  }

  flush(): void {
    if (this.used == 0) return;
    table_add_many(this.handle, this.rows, this.used);
    if (this.sums) memory.fill(this.slots, 0, SLOTS * 4);
    this.used = 0;
  }

  // Hands over what is there, and takes the key that is being written to the front.
  private make_room(): void {
    const from = this.rows + this.used + ROW_HEAD;
    this.flush();
    memory.copy(this.rows + ROW_HEAD, from, this.key);
  }

  // Whether values of a row can be put together here. Each value of a histogram counts by itself.
  private get sums(): bool { return this.kind != Kind.Histogram && this.kind != Kind.Distinct; }

  // The slot of the row with this key, or the free one where it would be.
  private find(key: usize, len: i32): usize {
    // FNV-1a
    let hash: u32 = 2166136261;
    for (let at = 0; at < len; at++) hash = (hash ^ load<u8>(key + at)) * 16777619;
    while (true) {
      const slot = this.slots + ((hash & (SLOTS - 1)) << 2);
      const known = load<u32>(slot);
      if (known == 0) return slot;
      const row = this.rows + known - 1;
      if (<i32>load<u32>(row) == len && memory.compare(row + ROW_HEAD, key, len) == 0) return slot;
      hash++;
    }
  }
}
