// Variable parts of an event, one piece at a time. No bytes, however wrong, lead outside of their part: a walk ends
// where a piece is malformed. Numbers of 64 bits are Numbers, exact up to 2^53.

const u16 = (bytes, at) => bytes[at] | (bytes[at + 1] << 8);
const i32 = (bytes, at) => u16(bytes, at) | (u16(bytes, at + 2) << 16);
const u32 = (bytes, at) => i32(bytes, at) >>> 0;
const u64 = (bytes, at) => u32(bytes, at + 4) * 4294967296 + u32(bytes, at);

// Attributes that scripts added: { name, value }, both bytes.
export function* attrs(rest) {
  while (rest.length >= 4) {
    const name = 4 + u16(rest, 0);
    const end = name + u16(rest, 2);
    if (end > rest.length) return;
    yield { name: rest.subarray(4, name), value: rest.subarray(name, end) };
    rest = rest.subarray(end);
  }
}

// The first entries of the iovec table: { base, len }.
export function* iov(rest) {
  for (; rest.length >= 16; rest = rest.subarray(16)) yield { base: u64(rest, 0), len: u64(rest, 8) };
}

// Control messages: { level, type, data }, without padding.
export function* control(rest) {
  while (rest.length >= 16) {
    const len = u64(rest, 0);
    if (len < 16 || len > rest.length) return;
    yield { level: i32(rest, 8), type: i32(rest, 12), data: rest.subarray(16, len) };
    // The last one need not be padded.
    rest = rest.subarray(Math.min((len + 7) & ~7, rest.length));
  }
}

// The process that a control message tells of: { pid, uid, gid }; null if it is not of the type SCM_CREDENTIALS.
export function credentials({ level, type, data }) {
  if (level !== 1 || type !== 2 || data.length < 12) return null;
  return { pid: u32(data, 0), uid: u32(data, 4), gid: u32(data, 8) };
}

// What descriptors are: { fd, text }. The text is as the link in /proc/PID/fd; empty where it was not seen.
export function* files(rest) {
  while (rest.length >= 6) {
    const end = 6 + u16(rest, 4);
    if (end > rest.length) return;
    yield { fd: i32(rest, 0), text: rest.subarray(6, end) };
    rest = rest.subarray(end);
  }
}

// What else the host knows of the process: { kind, bytes }, of PROCESS_*.
export function* processParts(rest) {
  while (rest.length >= 4) {
    const end = 4 + u16(rest, 2);
    if (end > rest.length) return;
    yield { kind: u16(rest, 0), bytes: rest.subarray(4, end) };
    rest = rest.subarray(end);
  }
}

// What the kernel used instead of what the caller showed: { bytes, name, control }; null if there is nothing.
export function kernel(all) {
  if (all.length < 16) return null;
  const rest = all.subarray(16);
  const name = u32(all, 8);
  const len = u32(all, 12);
  const from = len > 0 ? Math.ceil(name / 8) * 8 : 0;
  if (name > rest.length || from + len > rest.length) return null;
  return { bytes: u64(all, 0), name: rest.subarray(0, name), control: rest.subarray(from, from + len) };
}
