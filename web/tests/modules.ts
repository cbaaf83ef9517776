// Modules made for a test, byte by byte: what no bundled script does.

/** A script that traps in its first function, which has a name. */
export function trapping(): Buffer {
  return module([], [0x00]);
}

/** A script that keeps everything and takes long to compile: `functions` of them are never called. */
export function large(functions: number): Buffer {
  // get 0, get 1, i64.rotl, i64.const, i64.mul, get 0, i64.xor, tee 1, i64.eqz, if, get 0, set 1, end
  const step = [0x20, 0, 0x20, 1, 0x89, 0x42, 0x85, 0x01, 0x7e, 0x20, 0, 0x85, 0x22, 1, 0x50, 0x04, 0x40, 0x20, 0, 0x21, 1, 0x0b];
  const body = [1, 1, 0x7e, ...Array.from({ length: 24 }, () => step).flat(), 0x20, 1, 0x0b];
  const one = [...leb(body.length), ...body];
  return module(new Array<number[]>(functions).fill(one), []);
}

function module(more: number[][], batch: number[]): Buffer {
  const types = [[0x60, 0, 1, 0x7f], [0x60, 1, 0x7f, 1, 0x7f], [0x60, 2, 0x7f, 0x7f, 0], [0x60, 1, 0x7e, 1, 0x7e]];
  const bodies = [[0x41, 1], [0x41, 0x80, 0x80, 0x04], batch].map((code) => [...leb(code.length + 2), 0, ...code, 0x0b]);
  const exports = [["memory", 2, 0], ["weir_abi", 0, 0], ["weir_alloc", 0, 1], ["weir_batch", 0, 2]] as const;
  const names = [1, ...sized([...leb(1), ...leb(2), ...text("explode")])];
  return Buffer.concat([
    Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
    section(1, list(types)),
    section(3, list([[0], [1], [2], ...more.map(() => [3])])),
    section(5, list([[0, 17]])),
    section(7, list(exports.map(([name, kind, index]) => [...text(name), kind, index]))),
    section(10, list([...bodies, ...more])),
    section(0, [...text("name"), ...names]),
  ]);
}

function section(id: number, content: number[]): Buffer {
  return Buffer.from([id, ...leb(content.length)].concat(content));
}

function list(items: number[][]): number[] {
  return leb(items.length).concat(items.flat());
}

function sized(content: number[]): number[] {
  return [...leb(content.length), ...content];
}

function text(value: string): number[] {
  return sized(Array.from(Buffer.from(value)));
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}
