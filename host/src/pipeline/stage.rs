//! One script in one pipeline: its instance, and what becomes of it when it fails.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime},
};

use serde::Serialize;

use crate::{
    decode::Batch,
    script::{Describe, Engine, Fault, FaultKind, Instance, Limits, LoadError, Log, Module},
    table::{Histogram, Tables},
};

/// More faults than this within [`FAULT_WINDOW`], and the script is quarantined.
const FAULTS: usize = 5;
/// See [`FAULTS`].
const FAULT_WINDOW: Duration = Duration::from_secs(60);
/// The pause after the first fault; it doubles with each further one in the window.
const PAUSE: Duration = Duration::from_millis(10);

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
    slow: Mutex<Slow>,
}

/// What is written once per batch or fault, and read by people.
#[derive(Default)]
struct Slow {
    ns_per_event: Histogram,
    last_fault: Option<Fault>,
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
    fn set_state(&self, state: ScriptState, why: Option<String>) {
        let mut slow = self.slow.lock().expect("no panic while locked");
        (slow.state, slow.state_why) = (state, why);
    }
}

impl Script {
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

/// One script in one pipeline. It belongs to the pipeline's thread.
pub struct Stage {
    pub script: Arc<Script>,
    tables: Arc<Tables>,
    work: Work,
    faults: VecDeque<Instant>,
    verdicts: Vec<u8>,
    /// Whether this version has had a batch.
    switched: bool,
}

/// What a stage is doing.
enum Work {
    Running(Box<Instance>),
    Paused { until: Instant },
    Quarantined,
    Disabled,
}

/// What became of a batch.
pub enum Outcome {
    /// All events go on as they are.
    Whole,
    /// What goes on.
    Changed { batch: Batch, dropped: usize },
    /// No event goes on.
    Lost(Loss),
}

/// The ledger's row for a batch that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    Trapped,
    TimedOut,
    Quarantined,
}

impl Stage {
    /// A stage with an instance that has started.
    pub fn new(script: Arc<Script>, tables: Arc<Tables>, instance: Instance) -> Self {
        Self {
            script,
            tables,
            work: Work::Running(Box::new(instance)),
            faults: VecDeque::new(),
            verdicts: Vec::new(),
            switched: false,
        }
    }

    /// Says that it is at work, once it stands in the place of an older one: that one may fail to
    /// the last.
    pub fn take_over(&self) {
        self.script.stats.set_state(ScriptState::Running, None);
    }

    /// Turns it off: events pass it by.
    pub fn disable(&mut self) {
        self.work = Work::Disabled;
        self.script.stats.set_state(ScriptState::Disabled, Some("turned off".to_owned()));
    }

    /// Gives the script a batch.
    pub fn run(&mut self, batch: &Batch) -> Outcome {
        let events = batch.heads.len() as u64;
        if let Work::Paused { until } = self.work
            && Instant::now() >= until
        {
            self.restart();
        }
        let stats = self.script.stats.clone();
        let instance = match &mut self.work {
            Work::Running(instance) => instance,
            Work::Disabled => return Outcome::Whole,
            Work::Paused { .. } | Work::Quarantined => {
                stats.events_in.fetch_add(events, Relaxed);
                stats.lost.fetch_add(events, Relaxed);
                return Outcome::Lost(Loss::Quarantined);
            }
        };
        if !self.switched {
            self.switched = true;
            let seq = batch.heads.first().map_or(0, |head| head.seq);
            stats.switched_at_seq.store(seq, Relaxed);
            tracing::info!(
                "script {} {} takes over at event {seq}",
                self.script.name,
                self.script.describe.version
            );
        }
        stats.events_in.fetch_add(events, Relaxed);
        stats.batches.fetch_add(1, Relaxed);
        let began = Instant::now();
        match instance.run(batch, &mut self.verdicts) {
            Ok(effects) => {
                let ns = began.elapsed().as_nanos() as u64 / events.max(1);
                stats.slow.lock().expect("no panic while locked").ns_per_event.record(ns);
                stats.dropped.fetch_add(effects.dropped as u64, Relaxed);
                stats.refused.fetch_add(effects.refused, Relaxed);
                stats.memory_bytes.store(effects.memory_bytes as u64, Relaxed);
                if effects.dropped == 0 && effects.attributes.is_empty() {
                    return Outcome::Whole;
                }
                Outcome::Changed {
                    batch: batch.after(&self.verdicts, effects.attributes),
                    dropped: effects.dropped,
                }
            }
            Err(fault) => {
                stats.lost.fetch_add(events, Relaxed);
                Outcome::Lost(self.fail(fault))
            }
        }
    }

    /// Lets the script do what it does from time to time.
    pub fn tick(&mut self, now_ms: u32) {
        if let Work::Running(instance) = &mut self.work
            && let Err(fault) = instance.tick(now_ms)
        {
            self.fail(fault);
        }
    }

    /// Ends the instance, and decides when there is a fresh one.
    fn fail(&mut self, fault: Fault) -> Loss {
        let now = Instant::now();
        self.faults.push_back(now);
        self.faults.retain(|&fault| now.duration_since(fault) < FAULT_WINDOW);
        let stats = &self.script.stats;
        let (loss, count) = match fault.kind {
            FaultKind::Trap => (Loss::Trapped, &stats.trapped),
            FaultKind::Timeout => (Loss::TimedOut, &stats.timed_out),
        };
        count.fetch_add(1, Relaxed);
        tracing::warn!("script {}: {fault}", self.script.name);
        let (state, why) = if self.faults.len() > FAULTS {
            self.work = Work::Quarantined;
            let why = format!(
                "{} faults within {} s; swap it, or enable it again",
                self.faults.len(),
                FAULT_WINDOW.as_secs()
            );
            (ScriptState::Quarantined, why)
        } else {
            let pause = PAUSE * 2u32.pow(self.faults.len() as u32 - 1);
            self.work = Work::Paused { until: now + pause };
            (ScriptState::Paused, format!("starts afresh {pause:?} after its fault"))
        };
        stats.set_state(state, Some(why));
        stats.slow.lock().expect("no panic while locked").last_fault = Some(fault);
        loss
    }

    fn restart(&mut self) {
        match self.script.instance(self.tables.clone()) {
            Ok(instance) => {
                self.work = Work::Running(Box::new(instance));
                self.script.stats.set_state(ScriptState::Running, None);
            }
            Err(error) => {
                self.fail(Fault {
                    time: SystemTime::now(),
                    kind: FaultKind::Trap,
                    message: format!("a fresh instance did not start: {error}"),
                    backtrace: Vec::new(),
                });
            }
        }
    }
}
