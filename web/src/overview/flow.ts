import type { Ledger, PipelineLedger } from "../api/shapes";
import { count } from "../format/quantity";
import { HOST_ROWS, type LedgerRow, PIPELINE_ROWS, type RowKind } from "../ledger/rows";

// The ledger as a stream: what enters a stage either leaves by one of its outlets or flows on.
// The drawings (wide and tall) only place what is said here.

export interface Outlet {
  row: string;
  kind: RowKind;
  count: number;
  meaning: string;
}

export interface Stage {
  title: string;
  entered: number;
  outlets: Outlet[];
}

export interface Lane {
  pipeline: string;
  stages: Stage[];
}

export interface Flow {
  seen: number;
  trunk: Stage[];
  lanes: Lane[];
}

export function flowOf(ledger: Ledger): Flow {
  const outlet = pick(HOST_ROWS, ledger);
  return {
    seen: ledger.seen,
    trunk: stages(ledger.seen, [
      ["kernel", [outlet("filtered_in_kernel"), outlet("unpaired")]],
      ["ring buffer", [outlet("ring_full"), outlet("in_flight")]],
      ["decode", [outlet("undecodable")]],
      ["delivered", []],
    ]),
    lanes: ledger.pipelines.map(laneOf),
  };
}

function laneOf(pipeline: PipelineLedger): Lane {
  const outlet = pick(PIPELINE_ROWS, pipeline);
  const scripts = pipeline.scripts.length > 0 ? pipeline.scripts.join(" | ") : "no script";
  return {
    pipeline: pipeline.name,
    stages: stages(pipeline.delivered, [
      ["queue", [outlet("queue_full"), outlet("queued")]],
      [scripts, [outlet("dropped_by_script"), outlet("trapped"), outlet("timed_out"), outlet("quarantined")]],
      ["kept", []],
    ]),
  };
}

function pick<Name extends string>(rows: readonly LedgerRow<Name>[], counts: Record<Name, number>) {
  return (name: Name): Outlet => {
    const row = rows.find((one) => one.name === name);
    if (!row) throw new Error(`no ledger row ${name}`);
    return { row: name, kind: row.kind, count: counts[name], meaning: row.meaning };
  };
}

function stages(entered: number, parts: [string, Outlet[]][]): Stage[] {
  let remaining = entered;
  return parts.map(([title, outlets]) => {
    const stage = { title, entered: remaining, outlets };
    remaining -= outlets.reduce((sum, outlet) => sum + outlet.count, 0);
    return stage;
  });
}

/** A stream's width on paper. Anything that flows at all stays visible. */
export function thickness(count: number, seen: number, most: number): number {
  if (count <= 0 || seen <= 0) return 1;
  return Math.max(2.5, (count / seen) * most);
}

/** The drawing in words: every stage with what left there, and nothing that is not lost. */
export function spoken({ seen, trunk, lanes }: Flow): string {
  const left = ({ outlets }: Stage) => outlets.filter((outlet) => outlet.count > 0).map((outlet) => `${count(outlet.count)} ${outlet.row}${outlet.kind === "loss" ? ", lost" : ""}`);
  const path = (stages: Stage[]) => stages.map((stage) => [`${stage.title} ${count(stage.entered)}`, ...left(stage)].join("; ")).join(", then ");
  return [`${count(seen)} calls seen: ${path(trunk)}`, ...lanes.map(({ pipeline, stages }) => `pipeline ${pipeline}: ${path(stages)}`)].join(". ");
}
