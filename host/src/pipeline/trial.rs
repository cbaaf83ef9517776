//! A new version of a script proves itself with its first batches; if it fails, the one before is
//! put back in all pipelines.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use crossbeam_channel::Sender;

use super::{
    loaded::{RolledBack, Script},
    stage::Stage,
};
use crate::script::Fault;

/// Batches in each pipeline that a new version must end well.
const BATCHES: u32 = 3;

/// What all pipelines of a script find of its new version.
pub struct Trial {
    rollback: Rollback,
    /// Pipelines in which it has not proved itself yet.
    open: AtomicUsize,
    failed: AtomicBool,
    ended: Sender<Ended>,
}

/// How a trial ended.
pub enum Ended {
    /// The new version failed.
    Failed(Rollback),
    /// It proved itself, and the one before is no longer needed. To free what that had, 24 MB for Python, takes
    /// about a millisecond, which is not to be the pipeline's.
    Passed {
        #[expect(dead_code, reason = "it is there to be dropped")]
        old: Box<Stage>,
    },
}

/// A version that failed, and the one that is to be put back.
#[derive(Clone)]
pub struct Rollback {
    pub new: Arc<Script>,
    pub old: Arc<Script>,
}

/// The trial of one stage, which stands in the place of another.
pub struct OnTrial {
    trial: Arc<Trial>,
    left: u32,
    old: Box<Stage>,
}

impl Trial {
    /// A trial in so many pipelines. Who keeps the list of scripts is told how it ended.
    pub fn new(rollback: Rollback, pipelines: usize, ended: Sender<Ended>) -> Arc<Self> {
        let (open, failed) = (pipelines.into(), false.into());
        Arc::new(Self { rollback, open, failed, ended })
    }

    fn fail(&self, fault: Fault) {
        if self.failed.swap(true, SeqCst) {
            return;
        }
        let Rollback { new, old } = &self.rollback;
        tracing::warn!(
            "script {} {} failed within its first batches: {} is put back: {fault}",
            new.name,
            new.describe.version,
            old.describe.version,
        );
        let (version, sha256) = (new.describe.version.clone(), new.sha256.clone());
        let mut slow = new.stats.slow.lock().expect("no panic while locked");
        slow.rolled_back = Some(RolledBack { version, sha256, fault: fault.clone() });
        slow.last_fault = Some(fault);
        drop(slow);
        // An error means that the host is about to end.
        _ = self.ended.send(Ended::Failed(self.rollback.clone()));
    }
}

impl OnTrial {
    pub fn new(trial: Arc<Trial>, old: Stage) -> Self {
        Self { trial, left: BATCHES, old: Box::new(old) }
    }

    /// Counts a batch that ended well.
    pub fn pass(&mut self) {
        if self.left > 0 {
            self.left -= 1;
            if self.left == 0 {
                self.trial.open.fetch_sub(1, SeqCst);
            }
        }
    }

    /// Whether the new version proved itself, everywhere.
    pub fn is_passed(&self) -> bool {
        self.trial.open.load(SeqCst) == 0
    }

    /// Whether it failed in some pipeline.
    pub fn is_failed(&self) -> bool {
        self.trial.failed.load(SeqCst)
    }

    /// Ends it where the new version proved itself.
    pub fn succeed(self) {
        // An error means that the host is about to end.
        _ = self.trial.ended.send(Ended::Passed { old: self.old });
    }

    /// Ends it for all pipelines and returns what is to be put back here.
    pub fn fail(self, fault: Option<Fault>) -> Stage {
        if let Some(fault) = fault {
            self.trial.fail(fault);
        }
        *self.old
    }

    /// Whether this fault puts the old version back: it must be able to run.
    pub fn can_put_back(&self) -> bool {
        self.old.is_running()
    }
}
