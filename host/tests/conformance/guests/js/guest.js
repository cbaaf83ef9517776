// Says all that it sees: the conformance suite compares it with what the host has.

import {
  Table, attrs, control, credentials, decode, emit, encode, files, iov, kernel, log, process, processParts, script,
} from "../../../../../sdk/js/weir.js";
import * as fields from "./fields.js";

const KINDS = ["counter", "histogram", "gauge", "top-k", "distinct", "rate"];
let count = 0;
let tables;

export const guest = script({
  about: {
    name: "conformance", version: "1.2.3", summary: "what a script sees and does", role: "filter",
    language: "javascript", state_version: 7,
    params: [{ name: "greeting", type: "string", default: "hello", help: "is logged" }],
    tables: [], wants: { calls: ["sendmsg", "recvmsg"], payload: 64 },
  },

  start({ greeting, nothing }) {
    if (greeting === "refuse") throw new Error("told to refuse: grüße");
    log("info", `greeting: ${greeting}`);
    if (nothing !== undefined) throw new Error("there is a parameter that was not declared");
    const options = { labels: ["process", "call"], unit: "1", help: "" };
    tables = KINDS.map((kind) => new Table(kind, kind.replace("-", ""), options));
  },

  batch(it) {
    count += it.count;
    const out = new Text();
    fields.header(out, it.header);
    const first = it.event(0);
    first.addAttr("header", out.text);
    emit([JSON.stringify({ events: count })]);
    log("debug", process(first.pid) == null ? "process: none" : "process: known");
  },

  event(it) {
    const out = new Text();
    fields.event(out, it);
    it.addAttr("event", out.text);
    it.addAttr("parts", parts(it));
    tables.forEach((table, kind) => table.add(KINDS[kind] === "distinct" ? it.tid : it.bytes, it.comm_text, it.call_name));
    return it.errno === 0;
  },

  tick: (now_ms) => log("warn", `tick ${now_ms}`),
  save: () => encode(`events=${count}`),
  restore(version, state) {
    if (version !== 7) throw new Error("the state is not of version 7");
    count = Number(decode(state).slice("events=".length));
  },
});

class Text {
  text = "";

  number(name, value) { this.text += `${name}=${value}\n`; }
  bytes(name, value) { this.text += `${name}=${hex(value)}\n`; }

  // 64 bits are exact in their halves; the Number is as near as a Number can be.
  wide(name, value, low, high) {
    const exact = (BigInt(high) << 32n) | BigInt(low);
    if (Number(exact) !== value) throw new Error(`${name} is ${exact} in its halves, and ${value}`);
    this.text += `${name}=${exact}\n`;
  }
}

const hex = (bytes) => Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");

function parts(it) {
  let text = `at=${it.position}\ncall=${it.call_name}\ncomm=${it.comm_text}\nerrno=${it.errno}\n`;
  text += `error=${it.error_name ?? "-"}\nread=`;
  for (let group = 0; group < 8; group++) text += it.isRead(group) ? "1" : "0";
  text += `\nteam=${it.findAttr("team") ?? "-"}\n`;
  for (const { name, value } of attrs(it.attrs)) text += `attr=${decode(name)}:${decode(value)}\n`;
  for (const { base, len } of iov(it.iov)) text += `iov=${base}:${len}\n`;
  for (const message of control(it.control)) {
    text += `control=${message.level}:${message.type}:${hex(message.data)}\n`;
    const who = credentials(message);
    if (who) text += `credentials=${who.pid}:${who.uid}:${who.gid}\n`;
  }
  for (const file of files(it.files)) text += `file=${file.fd}:${decode(file.text)}\n`;
  for (const part of processParts(it.process)) text += `process=${part.kind}:${hex(part.bytes)}\n`;
  const used = kernel(it.kernel);
  if (used) {
    text += `kernel=${used.bytes}:${hex(used.name)}\n`;
    for (const message of control(used.control)) {
      text += `kernel_control=${message.level}:${message.type}:${hex(message.data)}\n`;
    }
  }
  return text;
}
