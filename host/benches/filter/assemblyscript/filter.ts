// Keeps what failed: the benchmark's filter.

import { Event, Script, register } from "../../../../sdk/assemblyscript/index";
export * from "../../../../sdk/assemblyscript/exports";

class Filter extends Script {
  describe(): string {
    return `{"name":"filter","version":"0.1.0","role":"filter","language":"assemblyscript"}`;
  }

  event(it: Event): bool { return it.errno != 0; }
}

register(new Filter());
