// Says all that it sees: the conformance suite compares it with what the host has.

import {
  Batch, Bytes, Event, Kind, Level, Script, Table, emit, log, param, process, register,
} from "../../../../../sdk/assemblyscript/index";
import * as fields from "./fields";
import { Text, hex } from "./text";
export * from "../../../../../sdk/assemblyscript/exports";

class Guest extends Script {
  private count: u64 = 0;
  private tables: Table[] = [];

  describe(): string {
    return `{"name":"conformance","version":"1.2.3","summary":"what a script sees and does","role":"filter",
      "language":"assemblyscript","state_version":7,
      "params":[{"name":"greeting","type":"string","default":"hello","help":"is logged"}],
      "tables":[],"wants":{"calls":["sendmsg","recvmsg"],"payload":64}}`;
  }

  start(): string | null {
    const greeting = param("greeting")!;
    if (greeting == "refuse") return "told to refuse: grüße";
    log(Level.Info, `greeting: ${greeting}`);
    if (param("nothing") !== null) return "there is a parameter that was not declared";
    const names = ["counter", "histogram", "gauge", "topk", "distinct", "rate"];
    for (let kind = 0; kind < 6; kind++) {
      this.tables.push(new Table(kind, names[kind], `{"labels":["process","call"],"unit":"1","help":""}`));
    }
    return null;
  }

  batch(it: Batch): void {
    this.count += it.header.count;
    const out = new Text();
    fields.header(out, it.header);
    const first = it.event(0);
    first.add_attr("header", Bytes.of(out.text));
    emit(`{"events":${this.count}}`);
    log(Level.Debug, process(first.pid) === null ? "process: none" : "process: known");
  }

  event(it: Event): bool {
    let out = new Text();
    fields.event(out, it);
    it.add_attr("event", Bytes.of(out.text));
    it.add_attr("parts", Bytes.of(parts(it)));
    for (let kind = 0; kind < 6; kind++) {
      const value = kind == Kind.Distinct ? <u64>it.tid : it.bytes;
      this.tables[kind].label(it.comm_text).label_text(it.call_name).add(value);
    }
    return it.errno == 0;
  }

  tick(now_ms: u32): void { log(Level.Warn, `tick ${now_ms}`); }

  save(): ArrayBuffer { return String.UTF8.encode(`events=${this.count}`); }

  restore(version: u32, state: Bytes): string | null {
    if (version != 7) return "the state is not of version 7";
    this.count = U64.parseInt(state.toString().substring("events=".length));
    return null;
  }
}

function parts(it: Event): string {
  let text = `at=${it.position}\ncall=${it.call_name}\ncomm=${it.comm_text.toString()}\nerrno=${it.errno}\n`;
  text += `error=${it.errno == 0 ? "-" : it.error_name}\nread=`;
  for (let group = 0; group < 8; group++) text += it.is_read(group) ? "1" : "0";
  const team = it.find_attr("team");
  text += `\nteam=${team === null ? "-" : team.toString()}\n`;
  for (const all = it.all_attrs; all.next(); ) text += `attr=${all.name.toString()}:${all.value.toString()}\n`;
  for (const all = it.all_iov; all.next(); ) text += `iov=${all.base}:${all.len}\n`;
  for (const all = it.all_control; all.next(); ) {
    text += `control=${all.level}:${all.kind}:${hex(all.data)}\n`;
    if (all.is_credentials) {
      text += `credentials=${all.data.u32_at(0)}:${all.data.u32_at(4)}:${all.data.u32_at(8)}\n`;
    }
  }
  for (const all = it.all_files; all.next(); ) text += `file=${all.fd}:${all.text.toString()}\n`;
  for (const all = it.process_parts; all.next(); ) text += `process=${all.kind}:${hex(all.bytes)}\n`;
  const kernel = it.kernel_used;
  if (kernel !== null) {
    text += `kernel=${kernel.bytes}:${hex(kernel.name)}\n`;
    for (const all = kernel.control; all.next(); ) text += `kernel_control=${all.level}:${all.kind}:${hex(all.data)}\n`;
  }
  return text;
}

register(new Guest());
