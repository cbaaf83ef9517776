// A batch, and a view of its events.

import { errorName } from "./errno.js";
import { ABI, BatchHeader, CALL_NAMES, Head, STATUS_OK, STATUS_TRUNCATED } from "./layout.js";
import * as parts from "./parts.js";
import { decode } from "./text.js";

// An event of the batch at hand, with all fields of the layout. It is one object, which moves from event to event:
// keep what is read from it, not it.
export class Event extends Head {
  // Its index in the batch.
  position = 0;
  #attributes;

  constructor(bytes, view, heap_at, heap_bytes, attributes) {
    super(bytes, view, heap_at, heap_bytes);
    this.#attributes = attributes;
  }

  // The calling thread's name.
  get comm_text() {
    const comm = this.comm;
    const end = comm.indexOf(0);
    return decode(end < 0 ? comm : comm.subarray(0, end));
  }

  // Name of the call, or "unknown".
  get call_name() { return CALL_NAMES[this.call - 1] ?? "unknown"; }

  // Why the call failed: a number of errno(3), or 0.
  get errno() {
    const ret = this.ret;
    return ret < 0 && ret >= -4095 ? -ret : 0;
  }

  // The name of that error, or "unknown"; null if the call did not fail.
  get error_name() { return errorName(this.errno); }

  // Whether a group of fields (GROUP_*) was read, whole or up to a limit.
  isRead(group) {
    const status = this.status[group];
    return status === STATUS_OK || status === STATUS_TRUNCATED;
  }

  // Adds an attribute, two strings: scripts further along the pipeline, the API and the page see it.
  addAttr(name, value) { this.#attributes.push({ event: this.position, name, value }); }

  // An attribute that a script before this one added, a string: the last of that name. Null if there is none.
  findAttr(name) {
    let found = null;
    for (const attr of parts.attrs(this.attrs)) if (decode(attr.name) === name) found = attr.value;
    return found && decode(found);
  }

  // The first part of this kind (PROCESS_*) that is not empty, or null.
  processPart(kind) {
    for (const part of parts.processParts(this.process)) {
      if (part.kind === kind && part.bytes.length > 0) return part.bytes;
    }
    return null;
  }
}

// A batch whose header was checked: what it promises lies within the bytes.
export class Batch {
  constructor(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < BatchHeader.BYTES) throw new Error("this is no batch that the script can read");
    const header = new BatchHeader(bytes, view, 0, 0);
    const { version, count, stride, heads, heap, heap_len } = header;
    if (version !== ABI || stride < Head.BYTES || heads + count * stride > bytes.length || heap + heap_len > bytes.length) {
      throw new Error("this is no batch that the script can read");
    }
    this.header = header;
    this.count = count;
    this.attributes = [];
    this.cursor = new Event(bytes, view, heap, heap_len, this.attributes);
    this.heads = heads;
    this.stride = stride;
  }

  // The event at an index, in the one object that is moved there.
  event(position) {
    if (!(position >= 0 && position < this.count)) throw new RangeError("beyond the batch");
    this.cursor.position = position;
    this.cursor.at = this.heads + position * this.stride;
    return this.cursor;
  }
}
