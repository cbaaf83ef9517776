// Variable parts of an event, one piece at a time. A walk moves on with `next`, and is itself the piece then. No
// bytes, however wrong, lead outside of their part: a walk ends where a piece is malformed.

import { Bytes } from "./bytes";

class Walk {
  protected at: i32 = 0;

  constructor(protected all: Bytes) {}

  protected get rest(): i32 { return this.all.len - this.at; }

  protected take(len: i32): Bytes {
    const taken = new Bytes(this.all.ptr + this.at, len);
    this.at += len;
    return taken;
  }
}

// Attributes that scripts added.
export class Attrs extends Walk {
  name: Bytes = new Bytes(0, 0);
  value: Bytes = new Bytes(0, 0);

  next(): bool {
    if (this.rest < 4) return false;
    const name = this.all.u16_at(this.at), value = this.all.u16_at(this.at + 2);
    if (<u32>(this.rest - 4) < name + value) return false;
    this.at += 4;
    this.name = this.take(name);
    this.value = this.take(value);
    return true;
  }
}

// The first entries of the iovec table.
export class Iovs extends Walk {
  base: u64 = 0;
  len: u64 = 0;

  next(): bool {
    if (this.rest < 16) return false;
    this.base = this.all.u64_at(this.at);
    this.len = this.all.u64_at(this.at + 8);
    this.at += 16;
    return true;
  }
}

// Control messages.
export class Controls extends Walk {
  // SOL_*, IPPROTO_*
  level: i32 = 0;
  // By level: SCM_*, IP_*, …
  kind: i32 = 0;
  // Without padding.
  data: Bytes = new Bytes(0, 0);

  next(): bool {
    if (this.rest < 16) return false;
    const len = this.all.u64_at(this.at);
    if (len < 16 || len > <u64>this.rest) return false;
    this.level = <i32>this.all.u32_at(this.at + 8);
    this.kind = <i32>this.all.u32_at(this.at + 12);
    this.at += 16;
    this.data = this.take(<i32>len - 16);
    // The last one need not be padded.
    this.at = min((this.at + 7) & ~7, this.all.len);
    return true;
  }

  // Whether it tells of a process: `data` is its pid, uid and gid, of 32 bits each.
  get is_credentials(): bool { return this.level == 1 && this.kind == 2 && this.data.len >= 12; }
}

// What descriptors are.
export class Files extends Walk {
  fd: i32 = 0;
  // As the link in /proc/PID/fd; empty where it was not seen.
  text: Bytes = new Bytes(0, 0);

  next(): bool {
    if (this.rest < 6) return false;
    const len = this.all.u16_at(this.at + 4);
    if (<u32>(this.rest - 6) < len) return false;
    this.fd = <i32>this.all.u32_at(this.at);
    this.at += 6;
    this.text = this.take(len);
    return true;
  }
}

// What else the host knows of the process.
export class ProcessParts extends Walk {
  // PROCESS_*
  kind: u32 = 0;
  bytes: Bytes = new Bytes(0, 0);

  next(): bool {
    if (this.rest < 4) return false;
    const len = this.all.u16_at(this.at + 2);
    if (<u32>(this.rest - 4) < len) return false;
    this.kind = this.all.u16_at(this.at);
    this.at += 4;
    this.bytes = this.take(len);
    return true;
  }
}

// What the kernel used instead of what the caller showed.
export class Kernel {
  constructor(
    // Number of bytes to send.
    public bytes: u64,
    // Destination: struct sockaddr.
    public name: Bytes,
    private controls: Bytes,
  ) {}

  get control(): Controls { return new Controls(this.controls); }

  static read(all: Bytes): Kernel | null {
    if (all.len < 16) return null;
    const rest = all.slice(16);
    const name = <u64>all.u32_at(8), control = <u64>all.u32_at(12);
    const padded = (name + 7) & ~7;
    if (name > <u64>rest.len || (control > 0 && padded + control > <u64>rest.len)) return null;
    const from = control > 0 ? <i32>padded : 0;
    return new Kernel(all.u64_at(0), rest.slice(0, <i32>name), rest.slice(from, from + <i32>control));
  }
}
