// Keeps what root sends, and counts it by process.

import { Event, Kind, Script, Table, register } from "./weir/index";
export * from "./weir/exports";

class Root extends Script {
  private calls: Table | null = null;

  describe(): string {
    return `{"name":"SCRIPT_NAME","version":"0.1.0","summary":"Keeps what root sends","role":"filter",
      "language":"assemblyscript","tables":[{"name":"calls","kind":"counter","help":"Calls of root"}]}`;
  }

  start(): string | null {
    this.calls = new Table(Kind.Counter, "calls", `{"labels":["process"],"unit":"1","help":"Calls of root"}`);
    return null;
  }

  event(it: Event): bool {
    if (it.uid != 0) return false;
    this.calls!.label(it.comm_text).add(1);
    return true;
  }
}

register(new Root());
