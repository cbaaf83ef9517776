import { token } from "./token";

const BASE = "/api/v1";

/** An answer of the host that says no; code and message are the host's own. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** No answer at all: the host is stopped, or the network is. */
export class Unreachable extends Error {}

export interface Change {
  method: "PUT" | "PATCH" | "POST" | "DELETE";
  body?: BodyInit;
  contentType?: string;
}

export function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  return request<T>(path, { headers: authorization(), signal: signal ?? AbortSignal.timeout(5_000) });
}

export function change<T>(path: string, { method, body, contentType }: Change): Promise<{ status: number; value: T }> {
  const headers = authorization();
  if (contentType) headers["content-type"] = contentType;
  return requestWithStatus<T>(path, { method, headers, ...(body === undefined ? {} : { body }) });
}

/** An answer that goes on: for streams of events. */
export async function openStream(path: string, lastEventId: string | null, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const headers = { ...authorization(), accept: "text/event-stream", ...(lastEventId === null ? {} : { "last-event-id": lastEventId }) };
  const response = await answer(path, { headers, signal });
  if (!response.body) throw new Unreachable(`no stream from ${location.host}`);
  return response.body;
}

/** Reads are open unless the host wants the token for them, too. */
function authorization(): Record<string, string> {
  const secret = token();
  return secret ? { authorization: `Bearer ${secret}` } : {};
}

async function request<T>(path: string, init: RequestInit): Promise<T> {
  return (await requestWithStatus<T>(path, init)).value;
}

async function requestWithStatus<T>(path: string, init: RequestInit): Promise<{ status: number; value: T }> {
  const response = await answer(path, init);
  const value = (response.status === 204 ? undefined : await response.json()) as T;
  return { status: response.status, value };
}

async function answer(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`${BASE}${path}`, { cache: "no-store", ...init });
  } catch (cause) {
    throw new Unreachable(`no answer from ${location.host}`, { cause });
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  try {
    const { code, message } = JSON.parse(text) as { code?: unknown; message?: unknown };
    if (typeof code === "string" && typeof message === "string") return new ApiError(response.status, code, message);
  } catch {
    // Not the API's error shape (a proxy, for instance): fall through to the text itself.
  }
  return new ApiError(response.status, `http_${response.status}`, text.slice(0, 500) || response.statusText);
}
