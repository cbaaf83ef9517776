import type { Ledger, PipelineLedger } from "../api/shapes";
import { h } from "../dom/element";
import { count, share } from "../format/quantity";
import { type Balance, balances, holds } from "../ledger/law";
import { HOST_ROWS, type LedgerRow, PIPELINE_ROWS } from "../ledger/rows";

/** The verdict first, then the same figures as the drawing, for screen readers and for copying. */
export function ledgerVerdict(ledger: Ledger): HTMLElement {
  const open = balances(ledger).filter((balance) => !holds(balance));
  if (open.length === 0) {
    const text = `Every call is in exactly one row: the rows sum to ${count(ledger.seen)} seen.`;
    return h("p", { class: "verdict good", "data-balance": "holds" }, h("span", { class: "mark", "aria-hidden": "true" }, "✓"), text);
  }
  const text = `The rows do not sum: ${open.map(gap).join("; ")}.`;
  return h("p", { class: "verdict bad", role: "alert", "data-balance": "broken" }, h("span", { class: "mark", "aria-hidden": "true" }, "✗"), text);
}

function gap({ account, input, entered, sum }: Balance): string {
  return `${account === "host" ? "" : `${account}: `}${input} ${count(entered)}, rows ${count(sum)}, difference ${count(entered - sum)}`;
}

export function ledgerTables(ledger: Ledger): HTMLElement[] {
  const byAccount = new Map(balances(ledger).map((balance) => [balance.account, balance]));
  const host = accountTable("All calls", HOST_ROWS, ledger, byAccount.get("host"), ledger.seen);
  const pipelines = ledger.pipelines.map((pipeline: PipelineLedger) =>
    accountTable(`Pipeline ${pipeline.name}`, PIPELINE_ROWS, pipeline, byAccount.get(pipeline.name), pipeline.delivered),
  );
  return [host, ...pipelines, besideTheLedger(ledger)];
}

function accountTable<Name extends string>(
  title: string,
  rows: readonly LedgerRow<Name>[],
  counts: Record<Name, number>,
  balance: Balance | undefined,
  whole: number,
): HTMLElement {
  const body = rows.map(({ name, kind, meaning }) =>
    h(
      "tr",
      { class: `${kind} ${counts[name] > 0 ? "flows" : "dry"}` },
      h("th", { scope: "row" }, name),
      h("td", { class: "number" }, count(counts[name])),
      h("td", { class: "number" }, share(counts[name], whole)),
      h("td", { class: "meaning" }, meaning),
    ),
  );
  const good = balance !== undefined && holds(balance);
  const foot = h(
    "tr",
    { class: good ? "good" : "bad" },
    h("th", { scope: "row" }, "sum"),
    h("td", { class: "number" }, count(balance?.sum)),
    h("td", { class: "number" }, good ? "✓" : "✗"),
    h("td", { class: "meaning" }, `${good ? "equals" : "does not equal"} ${balance?.input ?? ""} ${count(balance?.entered)}`),
  );
  const head = h("tr", null, ...["row", "calls", "share", "what it means"].map((text, at) => h("th", { scope: "col", class: at === 1 || at === 2 ? "number" : "" }, text)));
  return h("table", { class: "ledger" }, h("caption", null, title), h("thead", null, head), h("tbody", null, body), h("tfoot", null, foot));
}

/** Why the two ends of a call, or a message's place in it, could not be brought together. */
const UNPAIRED: Record<keyof Ledger["unpaired_by"], string> = {
  no_slot: "no room among the calls in flight",
  overwritten: "the thread entered again before a return was seen",
  thread_exit: "the thread ended before a return was seen",
  at_stop: "not returned when the programs were detached",
  too_many: "messages of one sendmmsg or recvmmsg beyond those that the programs can tell of",
};

/** Probe hits that the kernel itself skipped were never calls in the ledger: they stand beside it. */
function besideTheLedger({ missed, unpaired_by }: Ledger): HTMLElement {
  const entries: [string, number | null, string][] = [
    ["missed.probe", missed.probe, "probe hits that the kernel skipped"],
    ["missed.recursion", missed.recursion, "runs that the kernel skipped to avoid recursion"],
    ...Object.entries(unpaired_by).map(([name, value]): [string, number, string] => [`unpaired_by.${name}`, value, `part of unpaired: ${UNPAIRED[name] ?? "of another cause"}`]),
  ];
  const body = entries.map(([name, value, meaning]) =>
    h(
      "tr",
      { class: (value ?? 0) > 0 ? "loss flows" : "loss dry" },
      h("th", { scope: "row" }, name),
      h("td", { class: "number" }, value === null ? "not counted" : count(value)),
      h("td", null),
      h("td", { class: "meaning" }, meaning),
    ),
  );
  const head = h("tr", null, h("th", { scope: "col" }, "count"), h("th", { scope: "col", class: "number" }, "calls"), h("td", null), h("th", { scope: "col" }, "what it means"));
  return h("table", { class: "ledger" }, h("caption", null, "Beside the ledger"), h("thead", null, head), h("tbody", null, body));
}
