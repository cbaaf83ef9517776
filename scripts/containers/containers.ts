// containers: who sends most, by container and process.

import { Bytes, Event, Kind, PROCESS_CONTAINER, Script, Table, param, register } from "../../sdk/assemblyscript/index";
export * from "../../sdk/assemblyscript/exports";

// A container's id is shown as container runtimes show it.
const SHORT_ID = 12;

class Containers extends Script {
  private bytes: Table | null = null;
  private calls: Table | null = null;

  describe(): string {
    return `{"name":"containers","version":"0.1.0","role":"aggregate","language":"assemblyscript",
      "summary":"Who sends most, by container and process",
      "params":[{"name":"top","type":"int","default":"100","help":"how many are told apart, 1 to 1000"}],
      "tables":[{"name":"bytes","kind":"topk","help":"Bytes sent"},{"name":"calls","kind":"topk","help":"Calls"}],
      "wants":{"calls":["sendmsg","sendmmsg","sendto","sendfile","io_uring"]}}`;
  }

  start(): string | null {
    const top = param("top")!;
    const k = <i32>parseInt(top);
    if (k < 1 || k > 1000 || k.toString() != top) {
      return `parameter \`top\`: \`${top}\` is not a whole number from 1 to 1000`;
    }
    const options = `{"labels":["container","process"],"k":${k},`;
    this.bytes = new Table(Kind.TopK, "bytes", options + `"unit":"By","help":"Bytes sent"}`);
    this.calls = new Table(Kind.TopK, "calls", options + `"unit":"1","help":"Calls"}`);
    return null;
  }

  event(it: Event): bool {
    const container = it.process_part(PROCESS_CONTAINER);
    const name = container === null ? Bytes.of("(host)") : container.slice(0, SHORT_ID);
    const process = it.comm_text;
    this.calls!.label(name).label(process).add(1);
    // A negative return is an error: nothing was sent.
    if (it.ret > 0) this.bytes!.label(name).label(process).add(it.ret);
    return true;
  }
}

register(new Containers());
