// The lines that statsd clients send: `name:value|type|@rate|#tags`, one or more to a packet.

const TYPES = new Set(["c", "g", "ms", "h", "d", "s"]);

// The metrics in a payload. What is no metric is left out: a payload may be cut, or of something else.
export function* parse(payload) {
  for (const line of payload.split("\n")) {
    const [name, rest] = cut(line, ":");
    if (name === "" || rest === undefined) continue;
    const [text, type, ...more] = rest.split("|");
    if (!TYPES.has(type)) continue;
    const value = type === "s" ? 0 : Number(text);
    // A gauge with a sign is a change of one, of which the value is not known here.
    if (text === "" || !Number.isFinite(value) || value < 0 || (type === "g" && /^[+-]/.test(text))) continue;
    const rate = Number(more.find((each) => each.startsWith("@"))?.slice(1) ?? 1);
    if (!(rate > 0 && rate <= 1)) continue;
    yield { name, value, type, rate };
  }
}

function cut(text, at) {
  const index = text.indexOf(at);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}
