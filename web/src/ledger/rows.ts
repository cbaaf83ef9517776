import type { Ledger, PipelineLedger } from "../api/shapes";

/** loss: nobody wanted it. choice: someone asked for it. waiting: not lost, on its way. arrival: where it should go. */
export type RowKind = "loss" | "choice" | "waiting" | "arrival";

export interface LedgerRow<Name extends string> {
  name: Name;
  kind: RowKind;
  meaning: string;
}

export type HostRowName = Exclude<keyof Ledger, "seen" | "unpaired_by" | "missed" | "pipelines">;
export type PipelineRowName = Exclude<keyof PipelineLedger, "name" | "scripts" | "delivered">;

/** In the order in which a call meets them. */
export const HOST_ROWS: readonly LedgerRow<HostRowName>[] = [
  { name: "filtered_in_kernel", kind: "choice", meaning: "no script wants it, so the kernel side neither copied nor sent it" },
  { name: "unpaired", kind: "loss", meaning: "its entry and its return could not be brought together" },
  { name: "ring_full", kind: "loss", meaning: "the ring buffer between kernel and host had no room" },
  { name: "in_flight", kind: "waiting", meaning: "entered, and not yet returned or not yet read" },
  { name: "undecodable", kind: "loss", meaning: "the record could not be decoded" },
  { name: "delivered", kind: "arrival", meaning: "decoded, enriched and offered to every pipeline" },
];

export const PIPELINE_ROWS: readonly LedgerRow<PipelineRowName>[] = [
  { name: "queue_full", kind: "loss", meaning: "the pipeline was too slow and its queue had no room" },
  { name: "queued", kind: "waiting", meaning: "in the queue, waiting for the scripts" },
  { name: "dropped_by_script", kind: "choice", meaning: "a script's filter said drop" },
  { name: "trapped", kind: "loss", meaning: "in a batch during which a script trapped" },
  { name: "timed_out", kind: "loss", meaning: "in a batch that took a script too long" },
  { name: "quarantined", kind: "loss", meaning: "arrived while a script of the pipeline was quarantined" },
  { name: "kept", kind: "arrival", meaning: "passed every script: what the page and the API show" },
];

/** The losses of all calls: what was meant to arrive at a pipeline's end and did not. */
export function lost(ledger: Ledger): number {
  const inPipelines = ledger.pipelines.map((pipeline) => total(PIPELINE_ROWS, pipeline, "loss"));
  return total(HOST_ROWS, ledger, "loss") + inPipelines.reduce((sum, one) => sum + one, 0);
}

function total<Name extends string>(rows: readonly LedgerRow<Name>[], counts: Record<Name, number>, kind: RowKind): number {
  return rows.filter((row) => row.kind === kind).reduce((sum, row) => sum + counts[row.name], 0);
}
