// statsd: metrics that programs send to a statsd server, read on their way.

import { GROUP_PAYLOAD, STATUS_TRUNCATED, Table, decode, script } from "../../sdk/js/weir.js";
import { parse } from "./lines.js";

let ports, counters, gauges, timings, sets;

export const guest = script({
  about: {
    name: "statsd",
    version: "0.1.0",
    role: "aggregate",
    language: "javascript",
    summary: "Metrics that programs send to a statsd server",
    params: [{ name: "ports", type: "string", default: "8125", help: "ports of statsd servers, between commas" }],
    tables: [
      { name: "counters", kind: "counter", help: "Counts, scaled by their sample rates" },
      { name: "gauges", kind: "gauge", help: "Last values" },
      { name: "timings", kind: "histogram", help: "Timings and histograms" },
      { name: "sets", kind: "counter", help: "Values added to sets" },
    ],
    wants: { calls: ["sendmsg", "sendmmsg", "sendto"], payload: 1472 },
  },

  start(params) {
    const given = params.ports.split(",").map((port) => port.trim());
    const wrong = given.find((port) => !/^\d{1,5}$/.test(port) || Number(port) > 65535);
    if (wrong !== undefined) throw new Error(`parameter \`ports\`: \`${wrong}\` is no port: write numbers between commas`);
    ports = new Set(given.map(Number));
    const labels = ["process", "metric"];
    counters = new Table("counter", "counters", { labels, unit: "1", help: "Counts, scaled by their sample rates" });
    gauges = new Table("gauge", "gauges", { labels, unit: "1", help: "Last values" });
    timings = new Table("histogram", "timings", { labels, unit: "ms", help: "Timings and histograms" });
    sets = new Table("counter", "sets", { labels, unit: "1", help: "Values added to sets" });
  },

  event(it) {
    // A socket that is connected names no destination.
    if (!ports.has(it.port) && !ports.has(it.peer_port)) return true;
    const process = it.comm_text;
    let payload = decode(it.payload);
    // Of a line that is cut, what is left may be another number.
    if (it.status[GROUP_PAYLOAD] === STATUS_TRUNCATED) payload = payload.slice(0, payload.lastIndexOf("\n") + 1);
    for (const { name, value, type, rate } of parse(payload)) {
      if (type === "c") counters.add(Math.round(value / rate), process, name);
      else if (type === "g") gauges.add(Math.round(value), process, name);
      else if (type === "s") sets.add(1, process, name);
      else timings.add(Math.round(value), process, name);
    }
    return true;
  },
});
