//! A loaded script: what it is made of, what it did, and how the API shows that.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::SystemTime,
};

use serde::Serialize;

use crate::{
    script::{Describe, Engine, Fault, Instance, Limits, LoadError, Log, Module},
    table::{Histogram, Tables},
};

/// A loaded script: what its stages in all pipelines share.
pub struct Script {
    /// The name it is loaded under.
    pub name: String,
    /// Of the module, in hex.
    pub sha256: String,
    /// Size of the module.
    pub size_bytes: usize,
    /// When it was loaded.
    pub loaded: SystemTime,
    /// What it says of itself.
    pub describe: Describe,
    /// The parameters that were given.
    pub given: BTreeMap<String, String>,
    /// The parameters in force.
    pub params: BTreeMap<String, String>,
    /// What fresh instances are made of.
    pub source: Source,
    /// Its log, which outlives a swap.
    pub log: Arc<Log>,
    /// What it did, which outlives a swap.
    pub stats: Arc<Stats>,
}

/// What a fresh instance is made of.
#[derive(Clone)]
pub struct Source {
    pub engine: Engine,
    pub module: Module,
    pub limits: Limits,
}

/// What a script did under its name, in all pipelines and versions.
#[derive(Default)]
pub struct Stats {
    pub events_in: AtomicU64,
    pub dropped: AtomicU64,
    pub lost: AtomicU64,
    pub batches: AtomicU64,
    pub refused: AtomicU64,
    pub memory_bytes: AtomicU64,
    pub trapped: AtomicU64,
    pub timed_out: AtomicU64,
    /// First event that the version at work was given; 0 before.
    pub switched_at_seq: AtomicU64,
    pub(super) slow: Mutex<Slow>,
}

/// What is written once per batch or fault, and read by people.
#[derive(Default)]
pub(super) struct Slow {
    pub(super) ns_per_event: Histogram,
    pub(super) last_fault: Option<Fault>,
    state: ScriptState,
    state_why: Option<String>,
}

/// Whether a script is at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ScriptState {
    /// It gets batches.
    #[default]
    Running,
    /// It failed, and starts afresh in a moment.
    Paused,
    /// Somebody turned it off: events pass it by.
    Disabled,
    /// It failed too often, and stays off until someone acts.
    Quarantined,
}

/// A script as the API shows it.
#[derive(Clone, Debug, Serialize)]
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
    /// Size of the module.
    pub size_bytes: usize,
    /// When it was loaded, as RFC 3339.
    pub loaded: String,
    /// The parameters in force.
    pub params: BTreeMap<String, String>,
    /// All that it says of itself.
    pub describe: Describe,
    /// Events that it was given, in all pipelines and versions.
    pub events_in: u64,
    /// Those that it let pass.
    pub kept: u64,
    /// Those that it dropped.
    pub dropped: u64,
    /// Table updates and attributes refused for being too many in one batch.
    pub output_refused: u64,
    /// Batches that it was given.
    pub batches: u64,
    /// Median cost in nanoseconds per event, over batches.
    pub p50_ns: Option<u64>,
    /// 99th percentile of the cost in nanoseconds per event, over batches.
    pub p99_ns: Option<u64>,
    /// Memory of an instance.
    pub memory_bytes: u64,
    /// First event that this version was given.
    pub switched_at_seq: Option<u64>,
    /// How often it failed.
    pub faults: Faults,
}

/// A script's faults as the API shows them.
#[derive(Clone, Debug, Serialize)]
pub struct Faults {
    /// Traps.
    pub trapped: u64,
    /// Runs that took longer than their time.
    pub timed_out: u64,
    /// The last of them.
    pub last: Option<Fault>,
}

impl Stats {
    pub(super) fn set_state(&self, state: ScriptState, why: Option<String>) {
        let mut slow = self.slow.lock().expect("no panic while locked");
        (slow.state, slow.state_why) = (state, why);
    }
}

impl Script {
    /// Whether nobody turned it off.
    pub fn is_enabled(&self) -> bool {
        self.stats.slow.lock().expect("no panic while locked").state != ScriptState::Disabled
    }

    /// An instance to go with it, for one pipeline.
    pub fn instance(&self, tables: Arc<Tables>) -> Result<Instance, LoadError> {
        let Source { engine, module, limits } = &self.source;
        Instance::start(engine, module, *limits, &self.given, self.log.clone(), tables)
    }

    /// The script as the API shows it.
    pub fn info(&self, pipelines: Vec<String>) -> ScriptInfo {
        let stats = &self.stats;
        // What came in is read last, so that no more goes out than came in.
        let (dropped, lost) = (stats.dropped.load(Relaxed), stats.lost.load(Relaxed));
        let events_in = stats.events_in.load(Relaxed);
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
            size_bytes: self.size_bytes,
            loaded: humantime::format_rfc3339_millis(self.loaded).to_string(),
            params: self.params.clone(),
            describe: self.describe.clone(),
            events_in,
            kept: events_in.saturating_sub(dropped + lost),
            dropped,
            output_refused: stats.refused.load(Relaxed),
            batches: stats.batches.load(Relaxed),
            p50_ns: cost(0.5),
            p99_ns: cost(0.99),
            memory_bytes: stats.memory_bytes.load(Relaxed),
            switched_at_seq: Some(stats.switched_at_seq.load(Relaxed)).filter(|&seq| seq > 0),
            faults: Faults {
                trapped: stats.trapped.load(Relaxed),
                timed_out: stats.timed_out.load(Relaxed),
                last: slow.last_fault.clone(),
            },
        }
    }
}
