import { openStream } from "./client";

// Server-sent events by fetch: unlike the browser's EventSource it can send the token, and tells why a stream
// is refused.

export interface Message {
  event: string;
  data: string;
}

export interface Source {
  signal: AbortSignal;
  /** Of the message after which to go on. */
  lastId: string | null;
  opened: () => void;
  /** All messages that came at once. */
  messages: (messages: Message[]) => void;
  /** Told with every id. */
  id: (id: string) => void;
  /** How long to wait before the next connection, if the host says so. */
  retry: (ms: number) => void;
}

/** Reads until the host ends the stream; throws where there is none. */
export async function readEvents(path: string, source: Source): Promise<void> {
  const body = await openStream(path, source.lastId, source.signal);
  source.opened();
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop() ?? "";
    const messages = blocks.map((block) => parse(block, source)).filter((message) => message !== null);
    if (messages.length > 0) source.messages(messages);
  }
}

function parse(block: string, { id, retry }: Source): Message | null {
  let event = "message";
  let data: string | null = null;
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    // A line that starts with a colon is a comment, by which the connection is kept open.
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event = value;
    else if (field === "data") data = data === null ? value : `${data}\n${value}`;
    else if (field === "id") id(value);
    else if (field === "retry" && /^\d+$/.test(value)) retry(Number(value));
  }
  return data === null ? null : { event, data };
}
