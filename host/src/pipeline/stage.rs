//! One script in one pipeline: its instance, and what becomes of it when it fails.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant, SystemTime},
};

use weir_sdk::event::{DROP, KEEP};

use super::loaded::{Script, ScriptState};
use crate::{
    decode::{Attributes, Batch, Only},
    script::{Fault, FaultKind, Instance},
    table::Tables,
};

/// More faults than this within [`FAULT_WINDOW`], and the script is quarantined.
const FAULTS: usize = 5;
/// See [`FAULTS`].
const FAULT_WINDOW: Duration = Duration::from_secs(60);
/// The pause after the first fault; it doubles with each further one in the window.
const PAUSE: Duration = Duration::from_millis(10);

/// One script in one pipeline. It belongs to the pipeline's thread.
pub struct Stage {
    pub script: Arc<Script>,
    tables: Arc<Tables>,
    work: Work,
    faults: VecDeque<Instant>,
    /// What the script said of the events it was given, or what that means for the whole batch.
    verdicts: Vec<u8>,
    /// Indices of the events that the script wants, where it does not want the whole batch.
    only: Vec<u32>,
    /// Calls lost before batches that it was given nothing of.
    lost_before: u64,
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
    /// What the script was given does not go on; what it does not want does.
    Lost { loss: Loss, events: usize, rest: Option<Batch> },
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
            only: Vec::new(),
            lost_before: 0,
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

    /// Gives the script what it wants of a batch; the rest passes it by.
    pub fn run(&mut self, batch: &Batch) -> Outcome {
        let wants = self.script.describe.wants;
        if wants.want.is_unconditional() && batch.calls & !wants.calls == 0 {
            return self.give(batch, None);
        }
        let mut only = std::mem::take(&mut self.only);
        only.clear();
        let heads = (0..).zip(&batch.heads);
        only.extend(heads.filter(|(_, head)| wants.fits(head)).map(|(index, _)| index));
        let outcome = if only.is_empty() {
            self.lost_before += batch.lost_before;
            Outcome::Whole
        } else {
            self.give(batch, Some(&only))
        };
        self.only = only;
        outcome
    }

    /// Gives the script these events of a batch, at least one.
    fn give(&mut self, batch: &Batch, only: Only<'_>) -> Outcome {
        let given = only.map_or(batch.heads.len(), <[u32]>::len);
        let events = given as u64;
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
                return self.lost(batch, only, Loss::Quarantined);
            }
        };
        if !self.switched {
            self.switched = true;
            let first = only.map_or(0, |only| only[0] as usize);
            let seq = batch.heads.get(first).map_or(0, |head| head.seq);
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
        let lost_before = std::mem::take(&mut self.lost_before);
        match instance.run(batch, only, lost_before, &mut self.verdicts) {
            Ok(effects) => {
                let ns = began.elapsed().as_nanos() as u64 / events.max(1);
                stats.slow.lock().expect("no panic while locked").ns_per_event.record(ns);
                stats.dropped.fetch_add(effects.dropped as u64, Relaxed);
                stats.refused.fetch_add(effects.refused, Relaxed);
                stats.memory_bytes.store(effects.memory_bytes as u64, Relaxed);
                if effects.dropped == 0 && effects.attributes.is_empty() {
                    return Outcome::Whole;
                }
                if let Some(only) = only {
                    spread(&mut self.verdicts, only, batch.heads.len());
                }
                Outcome::Changed {
                    batch: batch.after(&self.verdicts, effects.attributes),
                    dropped: effects.dropped,
                }
            }
            Err(fault) => {
                stats.lost.fetch_add(events, Relaxed);
                let loss = self.fail(fault);
                self.lost(batch, only, loss)
            }
        }
    }

    /// Loses these events of a batch.
    fn lost(&mut self, batch: &Batch, only: Only<'_>, loss: Loss) -> Outcome {
        let Some(only) = only else {
            return Outcome::Lost { loss, events: batch.heads.len(), rest: None };
        };
        self.verdicts.clear();
        self.verdicts.resize(only.len(), DROP);
        spread(&mut self.verdicts, only, batch.heads.len());
        let rest = batch.after(&self.verdicts, &mut Attributes::default());
        let rest = Some(rest).filter(|rest| !rest.heads.is_empty());
        Outcome::Lost { loss, events: only.len(), rest }
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

/// Makes verdicts on some events of a batch those on all of its `count`: what is not among the
/// some is kept.
fn spread(verdicts: &mut Vec<u8>, only: &[u32], count: usize) {
    verdicts.resize(count, KEEP);
    // From the last on, so that none is overwritten before it was moved: `only` ascends.
    for (from, &to) in only.iter().enumerate().rev() {
        let verdict = std::mem::replace(&mut verdicts[from], KEEP);
        verdicts[to as usize] = verdict;
    }
}
