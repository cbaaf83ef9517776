// A text that grows.

import { Bytes } from "../../../../../sdk/assemblyscript/index";

export class Text {
  text: string = "";

  put(text: string): void { this.text += text; }
  unsigned(name: string, value: u64): void { this.text += `${name}=${value}\n`; }
  signed(name: string, value: i64): void { this.text += `${name}=${value}\n`; }
  bytes(name: string, value: Bytes): void { this.text += `${name}=${hex(value)}\n`; }
}

export function hex(bytes: Bytes): string {
  let text = "";
  for (let at = 0; at < bytes.len; at++) text += "0123456789abcdef".charAt(bytes[at] >> 4) + "0123456789abcdef".charAt(bytes[at] & 15);
  return text;
}
