// Write scripts for Weir in JavaScript. The smallest filter, main.js:
//
//     import { script } from "./weir/weir.js";
//
//     export const guest = script({
//       about: { name: "root", summary: "keeps what root sends", role: "filter", language: "javascript" },
//       event: (it) => it.uid === 0,
//     });
//
// Build it with
//
//     componentize-qjs --wit weir/wit --world script --js main.js --module-root . --stub-wasi --sync -o mine.wasm
//
// A field of 64 bits is a Number, exact up to 2^53; `time_ns_low` and `time_ns_high` are its halves.

import { attr } from "weir:script/host@1.0.0";
import { Batch } from "./batch.js";
import { DROP } from "./layout.js";
import { flushTables } from "./table.js";

export { emit, log, process } from "weir:script/host@1.0.0";
export { errorName } from "./errno.js";
export * from "./layout.js";
export { attrs, control, credentials, files, iov, kernel, processParts } from "./parts.js";
export { Table } from "./table.js";
export { decode, encode } from "./text.js";

// Makes the interface `guest` of a script, which has
//
//     about                      an object, see docs/scripting.md for what a script says of itself
//     event(it)                  each event: true keeps it, false drops it
//
// and, if it likes,
//
//     start(params)              once, before all events; params is an object of strings; what it throws refuses
//     batch(it)                  each batch, before its events
//     tick(now_ms)               about once a second
//     save()                     bytes that the next version goes on from
//     restore(version, state)    after start; what it throws refuses the state
export function script(it) {
  // What a component refuses with is a string.
  const refusing = (act) => {
    try {
      act();
    } catch (reason) {
      throw String(reason?.message ?? reason);
    }
  };
  return {
    describe: () => JSON.stringify(it.about),
    start(params) {
      refusing(() => it.start?.(JSON.parse(params)));
      flushTables();
    },
    batch(bytes) {
      const batch = new Batch(bytes);
      it.batch?.(batch);
      let verdicts;
      for (let position = 0; position < batch.count; position++) {
        if (it.event(batch.event(position))) continue;
        verdicts ??= new Uint8Array(batch.count);
        verdicts[position] = DROP;
      }
      if (batch.attributes.length > 0) attr(batch.attributes);
      flushTables();
      // None at all keeps every event.
      return verdicts ?? new Uint8Array(0);
    },
    tick(now_ms) {
      // Engines differ in how they hand over an unsigned number.
      it.tick?.(now_ms >>> 0);
      flushTables();
    },
    save: () => it.save?.() ?? new Uint8Array(0),
    restore: (version, state) => refusing(() => it.restore?.(version >>> 0, state)),
  };
}
