import type { Address, CallEvent, FileOfFd } from "../api/shapes";

// Where a call sends to or receives from, and through what, in a few words.

const RECEIVES = new Set(["recvmsg", "recvmmsg", "recvfrom"]);

export function receives({ call }: CallEvent): boolean {
  return RECEIVES.has(call);
}

/** `→ 127.0.0.1:53` of a call that sends, `← 127.0.0.1:53` of one that receives, `at …` if from nobody. */
export function place(event: CallEvent): string {
  const { sendfile, msg, socket, fields } = event;
  if (sendfile) return `${file(sendfile.in)} → ${socket?.peer ?? file(sendfile.out)}`;
  const arrow = receives(event) ? "←" : "→";
  if (msg?.name) return `${arrow} ${address(msg.name)}`;
  // A connected socket needs no address.
  if (socket?.peer) return `${arrow} ${socket.peer}`;
  const peer = socket?.peer_process;
  if (peer) return `${arrow} pid ${peer.pid}`;
  // Nothing came: the own end at least says where that was.
  if (receives(event) && socket?.local) return `at ${socket.local}`;
  const status = fields["msg.name"]?.status;
  return status && status !== "ok" && status !== "absent" ? status : "–";
}

export function address(name: Address): string {
  const { family, address: host, port, path, raw, cid, pid, groups, ifindex } = name;
  if (path !== undefined) return path === "" ? "unnamed" : path;
  if (host !== undefined && ifindex !== undefined) return `${host} on interface ${ifindex}`;
  if (host !== undefined) return `${host.includes(":") ? `[${host}]` : host}${port === undefined ? "" : `:${port}`}`;
  if (cid !== undefined) return `vsock:${cid}:${port}`;
  if (pid !== undefined) return `netlink:${pid}${groups ? `:0x${groups.toString(16)}` : ""}`;
  return raw === undefined ? family : `${family} ${raw}`;
}

/** The descriptor with what kind of socket it is: `7 udp`, `12 unix dgram`. */
export function through({ fd, socket }: CallEvent): string {
  const number = fd === null || fd === -1 ? "" : String(fd);
  return [number, socket && kind(socket)].filter(Boolean).join(" ") || String(fd ?? "–");
}

function kind({ family, type, protocol }: { family: string; type: string; protocol: string }): string {
  const inet = family === "AF_INET" || family === "AF_INET6";
  const transport = inet && /^IPPROTO_/.test(protocol) ? protocol.slice(8) : `${family.replace(/^AF_/, "")} ${type.replace(/^SOCK_/, "")}`;
  return `${transport}${family === "AF_INET6" && transport === protocol.slice(8) ? "6" : ""}`.toLowerCase();
}

export function file({ fd, file: text }: FileOfFd): string {
  return text ?? `fd ${fd}`;
}
