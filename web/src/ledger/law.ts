import type { Ledger } from "../api/shapes";
import { HOST_ROWS, PIPELINE_ROWS } from "./rows";

/** Whether an account's rows sum to what came in. */
export interface Balance {
  account: string;
  input: "seen" | "delivered";
  entered: number;
  sum: number;
  rows: string[];
}

/** The page does not take the host's word for it: it adds the rows up itself. */
export function balances(ledger: Ledger): Balance[] {
  const host: Balance = {
    account: "host",
    input: "seen",
    entered: ledger.seen,
    sum: HOST_ROWS.reduce((sum, row) => sum + ledger[row.name], 0),
    rows: HOST_ROWS.map((row) => row.name),
  };
  const pipelines = ledger.pipelines.map((pipeline): Balance => ({
    account: pipeline.name,
    input: "delivered",
    entered: pipeline.delivered,
    sum: PIPELINE_ROWS.reduce((sum, row) => sum + pipeline[row.name], 0),
    rows: PIPELINE_ROWS.map((row) => row.name),
  }));
  return [host, ...pipelines];
}

export function holds(balance: Balance): boolean {
  return balance.entered === balance.sum;
}
