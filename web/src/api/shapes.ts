// The JSON of /api/v1, with the API's own names. Absent parts are null, never left out.

export interface Status {
  version: string;
  kernel: string;
  arch: string;
  pid: number;
  started: string;
  uptime_ms: number;
  time_to_first_event_ms: number | null;
  backend: Backend;
  kernel_programs: KernelProgram[];
  rss_bytes: number;
  ledger: Ledger;
  /** Null, or left out, where nothing is stored. */
  store?: Store | null;
}

/** What survives a restart. */
export interface Store {
  path: string;
  bytes: number;
  most_bytes: number;
  last_commit: string | null;
  age_s: number | null;
  events: number;
  /** Kept events that could not be stored. */
  dropped: number;
  /** Why nothing is stored at the moment. */
  error: string | null;
  restored: { last_commit: string; age_s: number; complete: boolean; tables: number; scripts: number } | null;
  /** Where a database was put that was of no use. */
  put_aside: string | null;
  refused: { script: string; error: string }[];
}

export interface Backend {
  name: string;
  requested: string;
  why: string;
  cannot_see: string[];
  tried: { name: string; works: boolean; reason: string }[];
}

export interface KernelProgram {
  name: string;
  attached_to: string;
  verified_instructions: number | null;
  recursion_misses: number | null;
  missed: number | null;
}

export interface Ledger {
  seen: number;
  filtered_in_kernel: number;
  ring_full: number;
  unpaired: number;
  undecodable: number;
  delivered: number;
  in_flight: number;
  unpaired_by: Record<string, number>;
  missed: { probe: number | null; recursion: number | null };
  pipelines: PipelineLedger[];
}

export interface PipelineLedger {
  name: string;
  scripts: string[];
  delivered: number;
  kept: number;
  dropped_by_script: number;
  queue_full: number;
  trapped: number;
  timed_out: number;
  quarantined: number;
  queued: number;
}

export type ScriptState = "running" | "paused" | "disabled" | "quarantined";

export interface Script {
  name: string;
  version: string;
  sha256: string;
  language: string | null;
  summary: string;
  role: string | null;
  state: ScriptState;
  state_why: string | null;
  pipelines: string[];
  form: "core" | "component";
  size_bytes: number;
  loaded: string;
  params: Record<string, string>;
  limits: ScriptLimits;
  describe: Description;
  events_in: number;
  kept: number;
  dropped: number;
  output_refused: number;
  batches: number;
  p50_ns: number | null;
  p99_ns: number | null;
  /** Of one processor, over the last 8 seconds: 0.01 is a hundredth. */
  core_share: number;
  memory_bytes: number | null;
  switched_at_seq: number | null;
  /** What became of the state of the version before. */
  handover: { saved_bytes: number; error: string | null } | null;
  /** The version that failed with its first batches, so that this one was put back. */
  rolled_back: { version: string; sha256: string; fault: Fault } | null;
  faults: Faults;
}

export interface ScriptLimits {
  batch_time_ms: number;
  memory_bytes: number;
  output_bytes_per_second: number;
  log_lines_per_second: number;
  table_keys: number;
}

export interface Description {
  name: string;
  version: string;
  summary: string;
  role: string | null;
  language: string;
  params: Param[];
  tables: { name: string; kind: string; help: string }[];
  wants: { calls: string[]; payload: number; [condition: string]: unknown };
  state_version: number;
}

export interface Param {
  name: string;
  /** string, int, uint, float, bool, duration, enum, expression; others take any text. */
  type: string;
  default: string;
  /** The values that it can have, if that is a list. */
  values?: string[];
  help: string;
}

export interface Faults {
  trapped: number;
  timed_out: number;
  last: Fault | null;
}

export interface Fault {
  time: string;
  kind: string;
  message: string;
  backtrace: string[];
}

/** What a module would be as a script. */
export interface Checked {
  name: string;
  sha256: string;
  size_bytes: number;
  form: "core" | "component";
  describe: Description;
  /** Of the version before, which this one does not have. */
  params_lost: string[];
}

export interface Load {
  name: string;
  state: "compiling" | "starting" | "loaded" | "refused";
  size_bytes: number;
  began: string;
  took_ms: number;
  error: string | null;
  code: string | null;
}

/** Of a load that takes longer than a request. */
export interface Accepted {
  name: string;
  state: Load["state"];
  follow: string;
}

export interface EmittedPage {
  results: { time: string; value: unknown }[];
  total: number;
  refused: number;
}

export interface LogPage {
  lines: { time: string; level: "debug" | "info" | "warn" | "error"; text: string }[];
  dropped: number;
}

export interface Pipeline {
  name: string;
  scripts: string[];
  kept_events: number;
  kept_capacity: number;
}

export type TableKind = "counter" | "histogram" | "gauge" | "topk" | "distinct" | "rate";

export interface TableHead {
  script: string;
  table: string;
  kind: TableKind;
  labels: string[];
  unit: string;
  help: string;
  rows: number;
  /** Of a topk, how many keys it shows. Null of a time before now, if its script is gone. */
  max_keys: number | null;
  /** Of a rate. */
  window_s: number | null;
}

export interface CounterRow {
  key: string[];
  value: number;
}

export interface HistogramRow {
  key: string[];
  count: number;
  sum: number;
  min: number;
  max: number;
  mean: number;
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  buckets: Bucket[];
}

export interface Bucket {
  from: number;
  to: number;
  count: number;
}

export interface GaugeRow {
  key: string[];
  value: number;
  /** When. */
  set: string;
}

export interface TopKRow {
  key: string[];
  value: number;
  /** The true sum is at most the value, and at least that less this. */
  error: number;
}

export interface DistinctRow {
  key: string[];
  value: number;
  /** The standard error by the value; 0 where it is exact. */
  relative_error: number;
}

export interface RateRow {
  key: string[];
  per_second: number;
  /** Within the window. */
  value: number;
  window_s: number;
}

/** What a table of each kind has for rows. */
export interface RowsByKind {
  counter: CounterRow;
  histogram: HistogramRow;
  gauge: GaugeRow;
  topk: TopKRow;
  distinct: DistinctRow;
  rate: RateRow;
}

export interface TableOf<K extends TableKind> extends TableHead {
  kind: K;
  /** What the rows are as of, if not now. */
  at?: string;
  other: RowsByKind[K] | null;
  row_list: RowsByKind[K][];
}

export type Table = { [K in TableKind]: TableOf<K> }[TableKind];

export interface Series {
  script: string;
  table: string;
  kind: TableKind;
  labels: string[];
  unit: string;
  from: string;
  to: string;
  step_s: number;
  times: string[];
  series: SeriesOfKey[];
}

export interface SeriesOfKey {
  key: string[];
  values: (number | null)[];
  /** Of histograms. */
  p50?: (number | null)[];
  p90?: (number | null)[];
  p99?: (number | null)[];
  /** Of histograms, where asked for: counts of each time, between bounds. */
  buckets?: { bounds: number[]; counts: (number[] | null)[] };
}

/** A socket address: which of the parts there are goes by the family. */
export interface Address {
  family: string;
  address?: string;
  port?: number;
  path?: string;
  raw?: string;
  cid?: number;
  pid?: number;
  groups?: number;
  ifindex?: number;
}

export interface Credentials {
  pid: number;
  uid: number;
  gid: number;
}

export interface FileOfFd {
  fd: number;
  file: string | null;
}

/** A control message says more, by its type; or it is malformed, and says where. */
export interface ControlMessage {
  level?: string;
  type?: string;
  fds?: FileOfFd[];
  malformed?: { at: number; len: number };
  [part: string]: unknown;
}

export interface Process extends Credentials {
  tid: number;
  comm: string;
  exe: string | null;
  cmdline: string[] | null;
  parents: { pid: number; comm: string }[] | null;
  [part: string]: unknown;
}

export interface Socket {
  family: string;
  type: string;
  protocol: string;
  local: string | null;
  peer: string | null;
  peer_process: Credentials | null;
  [part: string]: unknown;
}

export interface Message {
  name: Address | null;
  namelen: number | null;
  iov: { base: string; len: number }[] | null;
  iovlen: number | null;
  bytes: number | null;
  /** In base64. */
  payload: string | null;
  payload_len: number | null;
  control: ControlMessage[] | null;
  [part: string]: unknown;
}

export interface Sendfile {
  in: FileOfFd;
  out: FileOfFd;
  count: number | null;
  [part: string]: unknown;
}

/** What the kernel used instead of what the caller showed. */
export interface KernelCopy {
  name: Address | null;
  namelen: number | null;
  bytes: number | null;
  control: ControlMessage[] | null;
}

/** Named so because the browser owns the bare word Event. */
export interface CallEvent {
  seq: number;
  time: string;
  call: string;
  /** Which message of a call that has several. */
  index: number | null;
  vlen: number | null;
  compat: boolean;
  cpu: number;
  duration_ns: number | null;
  ret: number | null;
  error: string | null;
  process: Process;
  fd: number | null;
  flags: string[] | null;
  socket: Socket | null;
  msg: Message | null;
  sendfile: Sendfile | null;
  toctou: "same" | "changed" | "unread" | null;
  kernel: KernelCopy | null;
  fields: Record<string, FieldNote>;
  attrs: Record<string, unknown> | null;
}

export interface FieldNote {
  tags: string[];
  status: string;
  /** Null: in between, when the kernel used it, or looked up by the host. */
  read: "entry" | "exit" | null;
}
