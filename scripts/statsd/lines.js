// The lines that statsd clients send: `name:value|type|@rate|#tags`, one or more to a packet.

const TYPES = new Set(["c", "g", "ms", "h", "d", "s"]);

// The metrics in a payload. What is no metric is left out: a payload may be cut, or of something else.
export function* parse(payload) {
  for (const line of payload.split(/\r?\n/)) {
    const [name, rest] = cut(line, ":");
    if (name === "" || rest === undefined) continue;
    const [text, type, ...more] = rest.split("|");
    if (!TYPES.has(type)) continue;
    if (text === "") continue;
    // A gauge with a sign is a change of one, of which the value is not known here.
    const value = type === "s" ? 0 : number(text);
    const rate = number(more.find((each) => each.startsWith("@"))?.slice(1) ?? "1");
    // Beyond that no number is exact, and no table takes it.
    if (!(rate > 0 && rate <= 1 && value / rate <= Number.MAX_SAFE_INTEGER)) continue;
    yield { name, value, type, rate };
  }
}

// Number() would take hexadecimal and white space too.
const number = (text) => (/^\d+(\.\d*)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN);

function cut(text, at) {
  const index = text.indexOf(at);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}
