//! A loaded script: what it is made of, and what it did.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::AtomicU64},
    time::SystemTime,
};

use serde::Serialize;

use crate::{
    script::{Describe, Emitted, Engine, Fault, Instance, Limits, LoadError, Log, Module, Sinks},
    table::{Histogram, Rate, Tables},
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
    pub engine: Engine,
    /// The same.
    pub module: Module,
    /// What each of its instances may use.
    pub limits: Mutex<Limits>,
    /// Its log, which outlives a swap.
    pub log: Arc<Log>,
    /// Its results, which outlive a swap.
    pub emitted: Arc<Emitted>,
    /// What it did, which outlives a swap.
    pub stats: Arc<Stats>,
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

/// The seconds over which [`Slow::busy`] is told.
const BUSY_WINDOW_S: u32 = 8;

/// What is written once per batch or fault, and read by people.
pub(super) struct Slow {
    pub(super) ns_per_event: Histogram,
    /// Nanoseconds of the processor.
    pub(super) busy: Rate,
    pub(super) last_fault: Option<Fault>,
    pub(super) handover: Option<Handover>,
    pub(super) rolled_back: Option<RolledBack>,
    pub(super) state: ScriptState,
    pub(super) state_why: Option<String>,
}

impl Default for Slow {
    fn default() -> Self {
        Self {
            ns_per_event: Histogram::default(),
            busy: Rate::new(BUSY_WINDOW_S),
            last_fault: None,
            handover: None,
            rolled_back: None,
            state: ScriptState::default(),
            state_why: None,
        }
    }
}

/// What became of the state of the version before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Handover {
    /// Bytes that it left.
    pub saved_bytes: usize,
    /// Why this version started without.
    pub error: Option<String>,
}

/// A version that failed with its first batches, so that the one before was put back.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RolledBack {
    /// The version that it gives itself.
    pub version: String,
    /// Of its module, in hex.
    pub sha256: String,
    /// How it failed.
    pub fault: Fault,
}

/// Whether a script is at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
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

impl Stats {
    /// Notes what a batch took of the processor.
    pub(super) fn took(&self, ns: u64, events: u64, now_ns: u64) {
        let mut slow = self.slow.lock().expect("no panic while locked");
        slow.ns_per_event.record(ns / events.max(1));
        slow.busy.add(ns, now_ns);
    }

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

    /// What each of its instances may use.
    pub fn limits(&self) -> Limits {
        *self.limits.lock().expect("no panic while locked")
    }

    /// An instance to go with it, for one pipeline.
    pub fn instance(&self, tables: Arc<Tables>) -> Result<Instance, LoadError> {
        let sinks = Sinks { log: self.log.clone(), emitted: self.emitted.clone(), tables };
        Instance::start(&self.engine, &self.module, self.limits(), &self.given, sinks)
    }
}
