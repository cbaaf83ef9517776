//! Weir's own state as metrics.

use std::fs;

use super::{
    metric::{Metric, MetricKind, Point, Value},
    source::{Source, unix_ns},
};
use crate::pipeline::{ScriptState, Snapshot};

/// What a metric of Weir's own state is.
struct What<'a> {
    kind: MetricKind,
    name: &'a str,
    unit: &'a str,
    help: &'a str,
}

fn counter<'a>(name: &'a str, unit: &'a str, help: &'a str) -> What<'a> {
    What { kind: MetricKind::Counter, name, unit, help }
}

fn gauge<'a>(name: &'a str, unit: &'a str, help: &'a str) -> What<'a> {
    What { kind: MetricKind::Gauge, name, unit, help }
}

/// Metrics in the making.
#[derive(Default)]
struct Own(Vec<Metric>);

impl Own {
    /// A metric without labels.
    fn one(&mut self, what: What<'_>, value: impl Into<Value>) {
        self.many::<0>(what, [], [([], value.into())]);
    }

    /// A metric with labels. Without points there is none.
    fn many<const N: usize>(
        &mut self,
        What { kind, name, unit, help }: What<'_>,
        labels: [&str; N],
        points: impl IntoIterator<Item = ([String; N], Value)>,
    ) {
        let point = |(labels, value): ([String; N], Value)| Point {
            labels: labels.into(),
            value,
            other: false,
        };
        let points: Vec<_> = points.into_iter().map(point).collect();
        if !points.is_empty() {
            self.0.push(Metric {
                name: name.to_owned(),
                help: help.to_owned(),
                unit: unit.to_owned(),
                kind,
                labels: labels.map(str::to_owned).into(),
                points,
                table: None,
            });
        }
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Unsigned(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

/// All there is, but for the tables.
pub fn metrics(source: &Source, ledger: &Snapshot) -> Vec<Metric> {
    let mut own = Own::default();
    host(&mut own, source);
    calls(&mut own, ledger);
    pipelines(&mut own, source, ledger);
    scripts(&mut own, source);
    exports(&mut own, source);
    own.0
}

fn host(own: &mut Own, source: &Source) {
    let system = rustix::system::uname();
    let about = [
        env!("CARGO_PKG_VERSION").to_owned(),
        system.release().to_string_lossy().into_owned(),
        std::env::consts::ARCH.to_owned(),
        source.choice.name.name().to_owned(),
    ];
    own.many(
        What {
            kind: MetricKind::Info,
            name: "weir.build",
            unit: "",
            help: "What runs, and on what",
        },
        ["version", "kernel", "arch", "backend"],
        [(about, Value::Unsigned(1))],
    );
    own.one(
        gauge("weir.uptime", "s", "Since the process started"),
        source.began.elapsed().as_secs_f64(),
    );
    own.one(
        gauge("weir.start.time", "s", "When the process started, since the Unix epoch"),
        unix_ns(source.started) as f64 / 1e9,
    );
    if let Some(bytes) = resident_bytes() {
        own.one(gauge("weir.process.memory", "By", "Memory that the process holds"), bytes);
    }
    let usage = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    own.one(
        counter("weir.process.cpu", "s", "Processor time that the process took"),
        usage.tv_sec as f64 + usage.tv_nsec as f64 / 1e9,
    );
}

fn calls(own: &mut Own, ledger: &Snapshot) {
    own.one(counter("weir.calls.seen", "{call}", "Calls that entered"), ledger.seen);
    let rows = [
        ("filtered_in_kernel", ledger.filtered_in_kernel),
        ("ring_full", ledger.ring_full),
        ("unpaired", ledger.unpaired),
        ("undecodable", ledger.undecodable),
        ("delivered", ledger.delivered),
    ];
    own.many(
        counter("weir.calls", "{call}", "Calls by the row of the ledger that they are in"),
        ["row"],
        rows.map(|(row, count)| ([row.to_owned()], count.into())),
    );
    own.one(
        gauge("weir.calls.in_flight", "{call}", "Calls that are in no row of the ledger yet"),
        ledger.in_flight,
    );
    let by = &ledger.unpaired_by;
    let causes = [
        ("no_slot", by.no_slot),
        ("overwritten", by.overwritten),
        ("thread_exit", by.thread_exit),
        ("at_stop", by.at_stop),
        ("too_many", by.too_many),
    ];
    own.many(
        counter("weir.calls.unpaired", "{call}", "Calls of the row unpaired, by cause"),
        ["cause"],
        causes.map(|(cause, count)| ([cause.to_owned()], count.into())),
    );
    let missed = [("probe", ledger.missed.probe), ("recursion", ledger.missed.recursion)];
    own.many(
        counter("weir.missed.hits", "{hit}", "Hits that the kernel missed, where it tells"),
        ["by"],
        missed
            .into_iter()
            .filter_map(|(by, count)| Some(([by.to_owned()], Value::Unsigned(count?)))),
    );
    own.one(
        counter("weir.notices.lost", "{notice}", "Starts and ends of processes not told of"),
        ledger.notices_lost,
    );
}

fn pipelines(own: &mut Own, source: &Source, ledger: &Snapshot) {
    let each = &ledger.pipelines;
    own.many(
        counter("weir.pipeline.events.delivered", "{event}", "Events handed to a pipeline"),
        ["pipeline"],
        each.iter().map(|rows| ([rows.name.clone()], rows.delivered.into())),
    );
    own.many(
        counter(
            "weir.pipeline.events",
            "{event}",
            "Events by the row of the ledger that they are in",
        ),
        ["pipeline", "row"],
        each.iter().flat_map(|rows| {
            [
                ("kept", rows.kept),
                ("dropped_by_script", rows.dropped_by_script),
                ("queue_full", rows.queue_full),
                ("trapped", rows.trapped),
                ("timed_out", rows.timed_out),
                ("quarantined", rows.quarantined),
            ]
            .map(|(row, count)| ([rows.name.clone(), row.to_owned()], count.into()))
        }),
    );
    own.many(
        gauge("weir.pipeline.events.queued", "{event}", "Events on their way through a pipeline"),
        ["pipeline"],
        each.iter().map(|rows| ([rows.name.clone()], rows.queued.into())),
    );
    let kept = source.pipelines.all_kept();
    let fill = |at: fn((usize, usize)) -> usize| {
        kept.iter().map(move |(name, kept)| ([name.to_string()], (at(kept.fill()) as u64).into()))
    };
    own.many(
        gauge("weir.pipeline.kept.events", "{event}", "Events that a pipeline keeps at the moment"),
        ["pipeline"],
        fill(|(kept, _)| kept),
    );
    own.many(
        gauge("weir.pipeline.kept.capacity", "{event}", "Events that a pipeline keeps at most"),
        ["pipeline"],
        fill(|(_, capacity)| capacity),
    );
    own.many(
        gauge(
            "weir.pipeline.followers",
            "{follower}",
            "Clients of the live stream, and exports, that follow a pipeline",
        ),
        ["pipeline"],
        kept.iter().map(|(name, kept)| ([name.to_string()], (kept.listeners() as u64).into())),
    );
}

fn scripts(own: &mut Own, source: &Source) {
    let scripts = source.pipelines.scripts();
    let each = |value: fn(&crate::pipeline::ScriptInfo) -> Option<Value>| {
        scripts.iter().filter_map(move |info| Some(([info.name.clone()], value(info)?)))
    };
    own.many(
        What { kind: MetricKind::Info, name: "weir.script", unit: "", help: "The scripts" },
        ["script", "version", "sha256", "language"],
        scripts.iter().map(|info| {
            let about = [&info.name, &info.version, &info.sha256, &info.language];
            (about.map(String::clone), Value::Unsigned(1))
        }),
    );
    own.many(
        gauge("weir.script.state", "", "1 for the state that a script is in"),
        ["script", "state"],
        scripts.iter().flat_map(|info| {
            [
                (ScriptState::Running, "running"),
                (ScriptState::Paused, "paused"),
                (ScriptState::Disabled, "disabled"),
                (ScriptState::Quarantined, "quarantined"),
            ]
            .map(|(state, name)| {
                ([info.name.clone(), name.to_owned()], u64::from(info.state == state).into())
            })
        }),
    );
    own.many(
        counter("weir.script.events.in", "{event}", "Events that a script was given"),
        ["script"],
        each(|info| Some(info.events_in.into())),
    );
    own.many(
        counter("weir.script.events.kept", "{event}", "Events that a script let pass"),
        ["script"],
        each(|info| Some(info.kept.into())),
    );
    own.many(
        counter("weir.script.events.dropped", "{event}", "Events that a script dropped"),
        ["script"],
        each(|info| Some(info.dropped.into())),
    );
    own.many(
        counter("weir.script.batches", "{batch}", "Batches that a script was given"),
        ["script"],
        each(|info| Some(info.batches.into())),
    );
    own.many(
        counter("weir.script.faults", "{fault}", "How often a script failed"),
        ["script", "by"],
        scripts.iter().flat_map(|info| {
            [("trapped", info.faults.trapped), ("timed_out", info.faults.timed_out)]
                .map(|(by, count)| ([info.name.clone(), by.to_owned()], count.into()))
        }),
    );
    own.many(
        counter(
            "weir.script.output.refused",
            "{output}",
            "Updates, attributes and results that were too many",
        ),
        ["script"],
        each(|info| Some(info.output_refused.into())),
    );
    let seconds = |ns: u64| Value::Float(ns as f64 / 1e9);
    own.many(
        gauge("weir.script.event.cost.p50", "s", "Processor time per event, median over batches"),
        ["script"],
        scripts.iter().filter_map(|info| Some(([info.name.clone()], seconds(info.p50_ns?)))),
    );
    own.many(
        gauge(
            "weir.script.event.cost.p99",
            "s",
            "Processor time per event, 99th percentile over batches",
        ),
        ["script"],
        scripts.iter().filter_map(|info| Some(([info.name.clone()], seconds(info.p99_ns?)))),
    );
    own.many(
        gauge("weir.script.memory", "By", "Memory of a script's instance"),
        ["script"],
        each(|info| Some(info.memory_bytes.into())),
    );
    own.many(
        gauge(
            "weir.script.core.ratio",
            "1",
            "What a script takes of one processor, over 8 seconds",
        ),
        ["script"],
        each(|info| Some(info.core_share.into())),
    );
}

fn exports(own: &mut Own, source: &Source) {
    let infos: Vec<_> = source.tallies.iter().map(|tally| tally.info()).collect();
    own.many(
        counter("weir.export.sent", "", "Events, points or scrapes that an export delivered"),
        ["export"],
        infos.iter().map(|info| ([info.export.to_owned()], info.sent.into())),
    );
    own.many(
        counter("weir.export.dropped", "", "Events or points that an export did not deliver"),
        ["export", "by"],
        infos.iter().flat_map(|info| {
            let by = info.dropped_by;
            [
                ("too_slow", by.too_slow),
                ("queue_full", by.queue_full),
                ("refused", by.refused),
                ("failed", by.failed),
            ]
            .map(|(by, count)| ([info.export.to_owned(), by.to_owned()], count.into()))
        }),
    );
    own.many(
        counter("weir.export.retries", "", "Attempts of an export after the first one"),
        ["export"],
        infos.iter().map(|info| ([info.export.to_owned()], info.retries.into())),
    );
    own.many(
        gauge("weir.export.queued", "", "Events that wait to be delivered by an export"),
        ["export"],
        infos.iter().map(|info| ([info.export.to_owned()], info.queued.into())),
    );
}

/// Memory that this process holds (proc_pid_statm(5)).
fn resident_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
