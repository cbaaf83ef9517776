//! One script in one pipeline: its instance, and what becomes of it when it fails.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use weir_sdk::event::{DROP, KEEP};

use super::{
    loaded::{Handover, Script, ScriptState},
    trial::{OnTrial, Trial},
};
use crate::{
    decode::{Attributes, Batch, Only},
    script::{Fault, FaultKind, Instance, Limits, Role, processor_time},
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
    /// While it must prove itself.
    trial: Option<OnTrial>,
}

/// What a stage is doing.
enum Work {
    Running(Box<Instance>),
    Paused {
        until: Instant,
    },
    Quarantined,
    /// With the state that the instance left, and its version.
    Disabled {
        saved: Option<(u32, Vec<u8>)>,
    },
}

/// What became of a batch.
pub enum Outcome {
    /// All events go on as they are.
    Whole,
    /// What goes on, if anything, and how many events were dropped.
    Changed { batch: Batch, dropped: usize },
    /// What the script was given does not go on; what it does not want does, unless it is a filter, which
    /// drops that.
    Lost { loss: Loss, events: usize, dropped: usize, rest: Option<Batch> },
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
            trial: None,
        }
    }

    /// Stands in the place of an older one, whose state it takes over: that one may fail to the
    /// last.
    pub fn replace(&mut self, mut new: Stage, trial: Option<Arc<Trial>>) {
        let handover = new.take_state(self);
        let running = self.is_running();
        let mut old = std::mem::replace(self, new);
        let mut slow = self.script.stats.slow.lock().expect("no panic while locked");
        (slow.state, slow.state_why) = (ScriptState::Running, None);
        slow.handover = handover;
        drop(slow);
        self.lost_before = std::mem::take(&mut old.lost_before);
        old.trial = None;
        self.trial = trial.filter(|_| running).map(|trial| OnTrial::new(trial, old));
    }

    /// Hands on what the old version leaves.
    fn take_state(&mut self, old: &mut Stage) -> Option<Handover> {
        let (version, saved) = match old.leave_state() {
            Ok(left) => left?,
            Err(fault) => {
                // It may have to be put back.
                old.restart();
                return Some(self.without_state(0, format!("save failed: {fault}")));
            }
        };
        let Work::Running(to) = &mut self.work else { return None };
        let saved_bytes = saved.len();
        match to.restore(version, &saved) {
            Ok(Ok(())) => Some(Handover { saved_bytes, error: None }),
            Ok(Err(why)) => Some(self.without_state(saved_bytes, why)),
            Err(fault) => {
                self.restart();
                Some(self.without_state(saved_bytes, format!("restore failed: {fault}")))
            }
        }
    }

    /// What the instance at work leaves to the next, or the last one did before it was turned off, and the
    /// version of that; none if there is nothing.
    fn leave_state(&mut self) -> Result<Option<(u32, Vec<u8>)>, Fault> {
        match &mut self.work {
            Work::Running(instance) => {
                let saved = instance.save()?;
                let version = self.script.describe.state_version;
                Ok(Some((version, saved)).filter(|(_, saved)| !saved.is_empty()))
            }
            Work::Disabled { saved } => Ok(saved.take()),
            Work::Paused { .. } | Work::Quarantined => Ok(None),
        }
    }

    /// Takes back what it left when the process before this one ended.
    pub fn take_back(&mut self, version: u32, saved: &[u8]) {
        let Work::Running(to) = &mut self.work else { return };
        let saved_bytes = saved.len();
        let handover = match to.restore(version, saved) {
            Ok(Ok(())) => Handover { saved_bytes, error: None },
            Ok(Err(why)) => self.without_state(saved_bytes, why),
            Err(fault) => {
                self.restart();
                self.without_state(saved_bytes, format!("restore failed: {fault}"))
            }
        };
        self.script.stats.slow.lock().expect("no panic while locked").handover = Some(handover);
    }

    /// What it leaves for the next process, and the version of that; none if there is nothing.
    pub fn leave(&mut self) -> Option<(u32, Vec<u8>)> {
        match self.leave_state() {
            Ok(left) => left,
            Err(fault) => {
                tracing::warn!("script {} leaves no state: save failed: {fault}", self.script.name);
                None
            }
        }
    }

    fn without_state(&self, saved_bytes: usize, error: String) -> Handover {
        let text = format!("starts without the state of the one before: {error}");
        tracing::warn!("script {} {text}", self.script.name);
        self.script.log.add("warn", text.as_bytes());
        Handover { saved_bytes, error: Some(error) }
    }

    /// Whether it has an instance at work.
    pub fn is_running(&self) -> bool {
        matches!(self.work, Work::Running(_))
    }

    /// Sets what the script may use from now on.
    pub fn limit(&mut self, limits: Limits) {
        if let Work::Running(instance) = &mut self.work {
            instance.limit(limits);
        }
    }

    /// Turns it off: events pass it by. What it leaves is kept for when it is turned on again.
    pub fn disable(&mut self) {
        let saved = self.leave_state().unwrap_or_else(|fault| {
            let text =
                format!("leaves no state for when it is turned on again: save failed: {fault}");
            tracing::warn!("script {} {text}", self.script.name);
            self.script.log.add("warn", text.as_bytes());
            None
        });
        self.work = Work::Disabled { saved };
        self.trial = None;
        self.script.stats.set_state(ScriptState::Disabled, Some("turned off".to_owned()));
    }

    /// Gives the script what it wants of a batch; the rest passes it by, or is dropped by a filter. If it is
    /// on trial and fails, the version before gets the batch.
    pub fn run(&mut self, batch: &Batch) -> Outcome {
        if self.trial.is_some() {
            self.follow_trial();
        }
        loop {
            match self.run_once(batch) {
                Ok(outcome) => return outcome,
                // What is put back is not on trial.
                Err(fault) => self.put_back(Some(fault)),
            }
        }
    }

    /// Ends the trial if that is decided.
    fn follow_trial(&mut self) {
        match &self.trial {
            Some(trial) if trial.is_failed() => self.put_back(None),
            Some(trial) if trial.is_passed() => {
                if let Some(trial) = self.trial.take() {
                    trial.succeed();
                }
            }
            _ => {}
        }
    }

    /// Puts the version before back into its place.
    fn put_back(&mut self, fault: Option<Fault>) {
        let Some(trial) = self.trial.take() else { return };
        if let Some(fault) = &fault {
            self.count(fault);
        }
        let lost_before = self.lost_before;
        *self = trial.fail(fault);
        self.lost_before += lost_before;
        self.switched = false;
        self.script.stats.set_state(ScriptState::Running, None);
        // Its limits may have been set meanwhile.
        self.limit(self.script.limits());
    }

    /// An error is a fault for which the version before is to be put back.
    fn run_once(&mut self, batch: &Batch) -> Result<Outcome, Fault> {
        if matches!(self.work, Work::Disabled { .. }) {
            return Ok(Outcome::Whole);
        }
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
            Ok(self.given_nothing(batch))
        } else {
            self.give(batch, Some(&only))
        };
        self.only = only;
        outcome
    }

    /// Whether it drops what it does not want: what a filter says that it wants is a part of the filter.
    fn is_filter(&self) -> bool {
        self.script.describe.role == Some(Role::Filter)
    }

    /// What becomes of a batch of which the script wants nothing.
    fn given_nothing(&self, batch: &Batch) -> Outcome {
        if !self.is_filter() {
            return Outcome::Whole;
        }
        let dropped = batch.heads.len();
        self.count_unwanted(dropped);
        Outcome::Changed { batch: Batch::default(), dropped }
    }

    /// Counts events that a filter dropped because it does not want them.
    fn count_unwanted(&self, events: usize) {
        self.script.stats.events_in.fetch_add(events as u64, Relaxed);
        self.script.stats.dropped.fetch_add(events as u64, Relaxed);
    }

    /// Gives the script these events of a batch, at least one.
    fn give(&mut self, batch: &Batch, only: Only<'_>) -> Result<Outcome, Fault> {
        let given = only.map_or(batch.heads.len(), <[u32]>::len);
        let events = given as u64;
        let unwanted = if self.is_filter() { batch.heads.len() - given } else { 0 };
        if let Work::Paused { until } = self.work
            && Instant::now() >= until
        {
            self.restart();
        }
        let stats = self.script.stats.clone();
        let instance = match &mut self.work {
            Work::Running(instance) => instance,
            Work::Disabled { .. } => return Ok(Outcome::Whole),
            Work::Paused { .. } | Work::Quarantined => {
                stats.events_in.fetch_add(events, Relaxed);
                stats.lost.fetch_add(events, Relaxed);
                return Ok(self.lost(batch, only, Loss::Quarantined));
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
        let before = processor_time();
        let lost_before = std::mem::take(&mut self.lost_before);
        match instance.run(batch, only, lost_before, &mut self.verdicts) {
            Ok(effects) => {
                stats.events_in.fetch_add(events, Relaxed);
                stats.batches.fetch_add(1, Relaxed);
                let ns = processor_time().saturating_sub(before).as_nanos() as u64;
                stats.took(ns, events, batch.now_ns);
                stats.dropped.fetch_add(effects.dropped as u64, Relaxed);
                stats.refused.fetch_add(effects.refused, Relaxed);
                stats.memory_bytes.store(effects.memory_bytes as u64, Relaxed);
                if let Some(trial) = &mut self.trial {
                    trial.pass();
                }
                if effects.dropped + unwanted == 0 && effects.attributes.is_empty() {
                    return Ok(Outcome::Whole);
                }
                let dropped = effects.dropped + unwanted;
                if let Some(only) = only {
                    let rest = if unwanted == 0 { KEEP } else { DROP };
                    spread(&mut self.verdicts, only, batch.heads.len(), rest);
                }
                let batch = batch.after(&self.verdicts, effects.attributes);
                self.count_unwanted(unwanted);
                Ok(Outcome::Changed { batch, dropped })
            }
            Err(fault) if self.trial.as_ref().is_some_and(OnTrial::can_put_back) => {
                self.lost_before = lost_before;
                Err(fault)
            }
            Err(fault) => {
                stats.events_in.fetch_add(events, Relaxed);
                stats.batches.fetch_add(1, Relaxed);
                stats.lost.fetch_add(events, Relaxed);
                let loss = self.fail(fault);
                Ok(self.lost(batch, only, loss))
            }
        }
    }

    /// Loses these events of a batch.
    fn lost(&mut self, batch: &Batch, only: Only<'_>, loss: Loss) -> Outcome {
        let Some(only) = only else {
            return Outcome::Lost { loss, events: batch.heads.len(), dropped: 0, rest: None };
        };
        let events = only.len();
        if self.is_filter() {
            let dropped = batch.heads.len() - events;
            self.count_unwanted(dropped);
            return Outcome::Lost { loss, events, dropped, rest: None };
        }
        self.verdicts.clear();
        self.verdicts.resize(events, DROP);
        spread(&mut self.verdicts, only, batch.heads.len(), KEEP);
        let rest = batch.after(&self.verdicts, &mut Attributes::default());
        let rest = Some(rest).filter(|rest| !rest.heads.is_empty());
        Outcome::Lost { loss, events, dropped: 0, rest }
    }

    /// Lets the script do what it does from time to time.
    pub fn tick(&mut self, now_ms: u32) {
        if let Work::Running(instance) = &mut self.work
            && let Err(fault) = instance.tick(now_ms)
        {
            if self.trial.as_ref().is_some_and(OnTrial::can_put_back) {
                self.put_back(Some(fault));
            } else {
                self.fail(fault);
            }
        }
    }

    /// Counts a fault by its kind.
    fn count(&self, fault: &Fault) -> Loss {
        let stats = &self.script.stats;
        let (loss, count) = match fault.kind {
            FaultKind::Trap => (Loss::Trapped, &stats.trapped),
            FaultKind::Timeout => (Loss::TimedOut, &stats.timed_out),
        };
        count.fetch_add(1, Relaxed);
        loss
    }

    /// Ends the instance, and decides when there is a fresh one.
    fn fail(&mut self, fault: Fault) -> Loss {
        let now = Instant::now();
        self.faults.push_back(now);
        self.faults.retain(|&fault| now.duration_since(fault) < FAULT_WINDOW);
        let loss = self.count(&fault);
        let stats = &self.script.stats;
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
                self.fail(Fault::new(format!("a fresh instance did not start: {error}")));
            }
        }
    }
}

/// Makes verdicts on some events of a batch those on all of its `count`; `rest` is that on what is not
/// among the some.
fn spread(verdicts: &mut Vec<u8>, only: &[u32], count: usize, rest: u8) {
    verdicts.resize(count, rest);
    // From the last on, so that none is overwritten before it was moved: `only` ascends.
    for (from, &to) in only.iter().enumerate().rev() {
        let verdict = std::mem::replace(&mut verdicts[from], rest);
        verdicts[to as usize] = verdict;
    }
}
