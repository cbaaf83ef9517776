// A piece of the batch, or of the script's own memory. Nothing is copied: it is as it is until the batch ends.

export class Bytes {
  constructor(public ptr: usize, public len: i32) {}

  // A variable part of an event: empty when there is nothing, or when it would lie outside of the heap.
  static part(heap: usize, heap_bytes: u32, span: usize): Bytes {
    const offset = load<u32>(span), len = load<u32>(span, 4);
    if (<u64>offset + <u64>len > <u64>heap_bytes) return new Bytes(heap, 0);
    return new Bytes(heap + offset, len);
  }

  @operator("[]")
  get(index: i32): u8 {
    if (<u32>index >= <u32>this.len) throw new RangeError("beyond the bytes");
    return load<u8>(this.ptr + index);
  }

  // From one index to another, as far as there are bytes.
  slice(from: i32, to: i32 = i32.MAX_VALUE): Bytes {
    const start = min(max(from, 0), this.len);
    return new Bytes(this.ptr + start, max(min(to, this.len) - start, 0));
  }

  // Up to the first NUL.
  until_nul(): Bytes {
    let len = 0;
    while (len < this.len && load<u8>(this.ptr + len) != 0) len++;
    return new Bytes(this.ptr, len);
  }

  equals(other: Bytes): bool {
    return this.len == other.len && memory.compare(this.ptr, other.ptr, this.len) == 0;
  }

  // Whether it is this text, in UTF-8.
  is(text: string): bool {
    return this.equals(Bytes.of(text));
  }

  // A string, for which the bytes are copied. What is no UTF-8 is replaced.
  toString(): string {
    return String.UTF8.decodeUnsafe(this.ptr, this.len);
  }

  // The bytes of a text, in UTF-8. They stay until the next call of `of`.
  static of(text: string): Bytes {
    last = String.UTF8.encode(text);
    return new Bytes(changetype<usize>(last), last.byteLength);
  }

  u16_at(at: i32): u32 { return load<u16>(this.ptr + at); }
  u32_at(at: i32): u32 { return load<u32>(this.ptr + at); }
  u64_at(at: i32): u64 { return load<u64>(this.ptr + at); }
}

let last: ArrayBuffer = new ArrayBuffer(0);
