//! A script as the API shows it.

use std::{
    collections::BTreeMap,
    sync::atomic::Ordering::Relaxed,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

use super::loaded::{Handover, RolledBack, Script, ScriptState};
use crate::script::{Describe, Fault, Form, LimitValues};

/// A script as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ScriptInfo {
    /// The name it is loaded under.
    pub name: String,
    /// The version that it gives itself.
    pub version: String,
    /// Of the module, in hex.
    pub sha256: String,
    /// The language that it says it is written in.
    pub language: String,
    /// One line on what it does.
    pub summary: String,
    /// What it does with events.
    pub role: Option<crate::script::Role>,
    /// Whether it is at work.
    pub state: ScriptState,
    /// Why it is not.
    pub state_why: Option<String>,
    /// The pipelines that it is in.
    pub pipelines: Vec<String>,
    /// Whether it is a core module or a component.
    pub form: Form,
    /// Size of the module.
    pub size_bytes: usize,
    /// When it was loaded, as RFC 3339.
    pub loaded: String,
    /// The parameters in force.
    pub params: BTreeMap<String, String>,
    /// What each of its instances may use.
    pub limits: LimitValues,
    /// All that it says of itself.
    pub describe: Describe,
    /// Events that it was given, in all pipelines and versions.
    pub events_in: u64,
    /// Those that it let pass.
    pub kept: u64,
    /// Those that it dropped.
    pub dropped: u64,
    /// Table updates, attributes and results refused for being too many in a batch or a second.
    pub output_refused: u64,
    /// Batches that it was given.
    pub batches: u64,
    /// Median cost in nanoseconds of the processor per event, over batches.
    pub p50_ns: Option<u64>,
    /// 99th percentile of the same.
    pub p99_ns: Option<u64>,
    /// What it took of one processor over the last 8 seconds: 0.01 is a hundredth.
    pub core_share: f64,
    /// Memory of an instance.
    pub memory_bytes: u64,
    /// First event that this version was given.
    pub switched_at_seq: Option<u64>,
    /// What became of the state of the version before; `null` if there was none.
    pub handover: Option<Handover>,
    /// The version that failed with its first batches, so that this one was put back.
    pub rolled_back: Option<RolledBack>,
    /// How often it failed.
    pub faults: Faults,
}

/// A script's faults as the API shows them.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Faults {
    /// Traps.
    pub trapped: u64,
    /// Runs that took longer than their time.
    pub timed_out: u64,
    /// The last of them.
    pub last: Option<Fault>,
}

impl Script {
    /// The script as the API shows it.
    pub fn info(&self, pipelines: Vec<String>) -> ScriptInfo {
        let stats = &self.stats;
        // What came in is read last, so that no more goes out than came in.
        let (dropped, lost) = (stats.dropped.load(Relaxed), stats.lost.load(Relaxed));
        let events_in = stats.events_in.load(Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_ns = now.map_or(0, |now| now.as_nanos() as u64);
        let slow = stats.slow.lock().expect("no panic while locked");
        let cost = |quantile| {
            (slow.ns_per_event.count() > 0).then(|| slow.ns_per_event.quantile(quantile))
        };
        ScriptInfo {
            name: self.name.clone(),
            version: self.describe.version.clone(),
            sha256: self.sha256.clone(),
            language: self.describe.language.clone(),
            summary: self.describe.summary.clone(),
            role: self.describe.role,
            state: slow.state,
            state_why: slow.state_why.clone(),
            pipelines,
            form: self.module.form(),
            size_bytes: self.size_bytes,
            loaded: humantime::format_rfc3339_millis(self.loaded).to_string(),
            params: self.params.clone(),
            limits: LimitValues::of(&self.limits()),
            describe: self.describe.clone(),
            events_in,
            kept: events_in.saturating_sub(dropped + lost),
            dropped,
            output_refused: stats.refused.load(Relaxed),
            batches: stats.batches.load(Relaxed),
            p50_ns: cost(0.5),
            p99_ns: cost(0.99),
            core_share: slow.busy.per_second(now_ns) / 1e9,
            memory_bytes: stats.memory_bytes.load(Relaxed),
            switched_at_seq: Some(stats.switched_at_seq.load(Relaxed)).filter(|&seq| seq > 0),
            handover: slow.handover.clone(),
            rolled_back: slow.rolled_back.clone(),
            faults: Faults {
                trapped: stats.trapped.load(Relaxed),
                timed_out: stats.timed_out.load(Relaxed),
                last: slow.last_fault.clone(),
            },
        }
    }
}
