import { h } from "../dom/element";
import { morph } from "../dom/morph";
import { type HostView, watchHost } from "../host/status_poll";
import type { View } from "../view";
import { flowOf } from "./flow";
import { drawTall } from "./flow_tall";
import { drawWide } from "./flow_wide";
import { backendFacts, hostFacts } from "./host_facts";
import { ledgerTables, ledgerVerdict } from "./ledger_table";
import { rateChart } from "./rate_chart";
import { scope } from "./scope";
import { storeTrouble } from "./store_facts";

const WIDE_FROM = 920;

export function overview(root: HTMLElement): View {
  const chart = rateChart();
  const hint = h("p", { class: "hint", hidden: true }, "No calls yet. In another terminal, ", h("code", null, "weir workload"), " makes traffic that exercises every field.");
  const drawing = h("div", { class: "flow-place" });
  const verdict = h("div", { class: "verdict-place" });
  const tables = h("div", { class: "ledger-tables" });
  const backend = h("div", { class: "backend" });
  const facts = h("div", null);
  const looked = h("section", { class: "panel scope", "aria-labelledby": "scope-title" });
  looked.addEventListener("click", ({ target }) => {
    if (!(target instanceof Element) || !target.closest(".blind")) return;
    const list = backend.querySelector<HTMLElement>(".cannot-see");
    list?.scrollIntoView({ block: "center" });
    list?.focus({ preventScroll: true });
  });
  const trouble = h("div", { class: "store-trouble" });
  root.append(
    h("h1", { class: "sr-only" }, "Overview"),
    trouble,
    looked,
    h("section", { class: "panel", "aria-labelledby": "rates-title" }, chart.element, hint),
    h(
      "section",
      { class: "panel", "aria-labelledby": "ledger-title" },
      h("h2", { id: "ledger-title" }, "Ledger: from the kernel to this page"),
      verdict,
      drawing,
      h("details", { class: "ledger-details" }, h("summary", null, "The ledger as a table"), tables),
    ),
    h(
      "div",
      { class: "columns" },
      h("section", { class: "panel", "aria-labelledby": "backend-title" }, h("h2", { id: "backend-title" }, "Backend"), backend),
      h("section", { class: "panel", "aria-labelledby": "host-title" }, h("h2", { id: "host-title" }, "Host"), facts),
    ),
  );

  const draw = ({ status }: HostView) => {
    if (!status) return;
    chart.draw(status.ledger.pipelines.map((pipeline) => pipeline.name));
    hint.hidden = status.ledger.seen > 0;
    drawFlow(status.ledger);
    morph(looked, ...scope(status));
    morph(verdict, ledgerVerdict(status.ledger));
    morph(tables, ...ledgerTables(status.ledger));
    morph(backend, ...backendFacts(status.backend, status.kernel_programs));
    morph(facts, hostFacts(status));
    morph(trouble, ...storeTrouble(status.store));
  };
  let latest: HostView = { status: null, failure: null, locked: false };
  const drawFlow = (ledger: NonNullable<HostView["status"]>["ledger"]) => {
    const width = drawing.clientWidth;
    if (width > 0) morph(drawing, width >= WIDE_FROM ? drawWide(flowOf(ledger), width) : drawTall(flowOf(ledger), width));
  };
  const resize = new ResizeObserver(() => latest.status && drawFlow(latest.status.ledger));
  resize.observe(drawing);
  const stop = watchHost((view) => {
    latest = view;
    draw(view);
  });

  return {
    leave() {
      stop();
      resize.disconnect();
      chart.remove();
    },
  };
}
