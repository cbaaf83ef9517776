// A batch in the script's memory, and a view of its events.

import { Bytes } from "./bytes";
import { error_name } from "./errno";
import { attr } from "./host";
import { ABI, BatchHeader, CALL_NAMES, DROP, Head, STATUS_OK, STATUS_TRUNCATED } from "./layout";
import { Attrs, Controls, Files, Iovs, Kernel, ProcessParts } from "./parts";

// An event of the batch at hand, with all fields of the layout. It is one object, which moves from event to event:
// keep what is read from it, not it.
export class Event extends Head {
  // Its index in the batch.
  position: i32 = 0;

  // The calling thread's name.
  get comm_text(): Bytes { return this.comm.until_nul(); }

  // Name of the call, or "unknown".
  get call_name(): string {
    const number = <i32>this.call;
    return number == 0 || number > CALL_NAMES.length ? "unknown" : CALL_NAMES[number - 1];
  }

  // Why the call failed: a number of errno(3), or 0.
  get errno(): i32 { return this.ret < 0 && this.ret >= -4095 ? <i32>-this.ret : 0; }

  // The name of that error, or "unknown"; "" if the call did not fail.
  get error_name(): string { return error_name(this.errno); }

  // Whether a group of fields (GROUP_*) was read, whole or up to a limit.
  is_read(group: i32): bool {
    const status = <i32>this.status[group];
    return status == STATUS_OK || status == STATUS_TRUNCATED;
  }

  // Adds an attribute: scripts further along the pipeline, the API and the page see it.
  add_attr(name: string, value: Bytes): void { attr(this.position, name, value); }

  // An attribute that a script before this one added: the last of that name.
  find_attr(name: string): Bytes | null {
    let found: Bytes | null = null;
    const wanted = String.UTF8.encode(name);
    const bytes = new Bytes(changetype<usize>(wanted), wanted.byteLength);
    for (const all = this.all_attrs; all.next(); ) if (all.name.equals(bytes)) found = all.value;
    return found;
  }

  get all_attrs(): Attrs { return new Attrs(this.attrs); }
  get all_iov(): Iovs { return new Iovs(this.iov); }
  get all_control(): Controls { return new Controls(this.control); }
  // Those of SCM_RIGHTS (and SCM_PIDFD) messages in their order; of sendfile the input, then the output.
  get all_files(): Files { return new Files(this.files); }
  get process_parts(): ProcessParts { return new ProcessParts(this.process); }

  // The first part of this kind (PROCESS_*) that is not empty.
  process_part(kind: i32): Bytes | null {
    for (const all = this.process_parts; all.next(); ) if (<i32>all.kind == kind && all.bytes.len > 0) return all.bytes;
    return null;
  }

  // What the kernel used, where that is not what the caller showed.
  get kernel_used(): Kernel | null { return Kernel.read(this.kernel); }
}

// A batch whose header was checked: what it promises lies within the bytes.
export class Batch {
  header: BatchHeader = new BatchHeader();
  private cursor: Event = new Event();

  // Looks at another batch. False when it is none that this script can read.
  read(at: usize, len: u32): bool {
    const header = this.header;
    header.at = at;
    if (len < BatchHeader.BYTES || header.version != ABI || header.stride < Head.BYTES) return false;
    if (((header.heads | header.stride) & 7) != 0) return false;
    if (<u64>header.heads + <u64>header.count * <u64>header.stride > <u64>len) return false;
    if (<u64>header.verdicts + <u64>header.count > <u64>len) return false;
    if (<u64>header.heap + <u64>header.heap_len > <u64>len) return false;
    this.cursor.heap_at = at + header.heap;
    this.cursor.heap_bytes = header.heap_len;
    return true;
  }

  // The event at an index, in the one object that is moved there.
  event(position: i32): Event {
    assert(<u32>position < this.header.count, "beyond the batch");
    this.cursor.position = position;
    this.cursor.at = this.header.at + this.header.heads + position * this.header.stride;
    return this.cursor;
  }

  drop(position: i32): void {
    assert(<u32>position < this.header.count, "beyond the batch");
    store<u8>(this.header.at + this.header.verdicts + position, DROP);
  }
}
