// Write scripts for Weir in AssemblyScript. The smallest filter, main.ts:
//
//     import { Event, Script, register } from "./weir/index";
//     export * from "./weir/exports";
//
//     class Root extends Script {
//       describe(): string {
//         return `{"name":"root","summary":"keeps what root sends","role":"filter","language":"assemblyscript"}`;
//       }
//       event(it: Event): bool { return it.uid == 0; }
//     }
//     register(new Root());
//
// Build it with `asc main.ts --optimize --use abort=weir/host/abort -o mine.wasm`.

export { Batch, Event } from "./batch";
export { Bytes } from "./bytes";
export { Script, register } from "./entry";
export { error_name } from "./errno";
export { Level, emit, log, param, process } from "./host";
export { Kind, Table } from "./table";
export * from "./layout";
