//! A pipeline's thread: batches in, through its stages, to the kept events.

use std::{
    sync::{Arc, Mutex, atomic::Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError, bounded};

use super::{
    Kept, Outlet, Row,
    stage::{Loss, Outcome, Stage},
    turn::short_turns,
};
use crate::decode::Batch;

/// Batches that wait for a pipeline. Beyond that they are counted as `queue_full`.
const QUEUE: usize = 128;
/// How often scripts are ticked.
const TICK: Duration = Duration::from_secs(1);

/// A change of the stages, applied between two batches.
pub type Change = Box<dyn FnOnce(&mut Vec<Stage>) + Send>;

/// What waits in the queue.
enum Work {
    Batch(Arc<Batch>),
    /// Nothing comes after this.
    End,
}

/// The ways into a worker.
pub struct Worker {
    batches: Sender<Work>,
    changes: Sender<(Change, Sender<()>)>,
    thread: Mutex<Option<thread::JoinHandle<Vec<LeftBy>>>>,
}

/// What a script leaves for the next process: its name, the version of that, and the bytes.
pub type LeftBy = (String, (u32, Vec<u8>));

/// Where events go that passed all stages.
struct Ends {
    pipeline: Arc<str>,
    row: Arc<Row>,
    kept: Arc<Kept>,
    outlet: Option<Arc<Outlet>>,
}

impl Worker {
    /// Starts a worker.
    pub fn start(
        name: &Arc<str>,
        stages: Vec<Stage>,
        row: Arc<Row>,
        kept: Arc<Kept>,
        outlet: Option<Arc<Outlet>>,
    ) -> Self {
        let ends = Ends { pipeline: name.clone(), row, kept, outlet };
        let (batches, queue) = bounded(QUEUE);
        let (changes, changed) = bounded(1);
        let thread = thread::Builder::new()
            // The kernel takes 15 bytes of it.
            .name(format!("weir-{name}"))
            .spawn(move || run(stages, &ends, &queue, &changed))
            .expect("the system can start a thread");
        Self { batches, changes, thread: Mutex::new(Some(thread)) }
    }

    /// Hands a batch over, or counts it where the queue is full. Never waits.
    pub fn deliver(&self, batch: &Arc<Batch>, row: &Row) {
        let events = batch.heads.len() as u64;
        row.delivered.fetch_add(events, Relaxed);
        if self.batches.try_send(Work::Batch(batch.clone())).is_err() {
            row.queue_full.fetch_add(events, Relaxed);
        }
    }

    /// Changes the stages between two batches and waits until that is done.
    pub fn change(&self, change: Change) {
        let (done, wait) = bounded(1);
        if self.changes.send((change, done)).is_ok() {
            // An error means that the worker is gone, and its stages with it.
            _ = wait.recv();
        }
    }

    /// Lets the worker finish its queue, and waits for that. Returns what its scripts leave.
    pub fn finish(&self) -> Vec<LeftBy> {
        let thread = self.thread.lock().expect("no panic while locked").take();
        // An error means that the worker is gone already.
        _ = self.batches.send(Work::End);
        thread.map_or_else(Vec::new, |thread| {
            thread.join().unwrap_or_else(|_| {
                tracing::error!("a pipeline's thread panicked: this is a bug in weir");
                Vec::new()
            })
        })
    }
}

fn run(
    mut stages: Vec<Stage>,
    ends: &Ends,
    queue: &Receiver<Work>,
    changed: &Receiver<(Change, Sender<()>)>,
) -> Vec<LeftBy> {
    short_turns();
    let began = Instant::now();
    let mut next_tick = began + TICK;
    loop {
        if let Ok((change, done)) = changed.try_recv() {
            change(&mut stages);
            // Whoever asked may be gone.
            _ = done.send(());
        }
        let now = Instant::now();
        if now >= next_tick {
            let now_ms = now.duration_since(began).as_millis() as u32;
            stages.iter_mut().for_each(|stage| stage.tick(now_ms));
            next_tick = now + TICK;
        }
        let mut select = Select::new();
        select.recv(queue);
        select.recv(changed);
        // A change, or the time of a tick, is seen to at the top.
        let Ok(0) = select.ready_deadline(next_tick) else { continue };
        match queue.try_recv() {
            Ok(Work::Batch(batch)) => pass(batch, &mut stages, ends),
            Ok(Work::End) | Err(TryRecvError::Disconnected) => {
                let left =
                    stages.iter_mut().map(|stage| (stage.script.name.clone(), stage.leave()));
                return left.filter_map(|(script, left)| Some((script, left?))).collect();
            }
            Err(TryRecvError::Empty) => {}
        }
    }
}

fn pass(batch: Arc<Batch>, stages: &mut [Stage], ends: &Ends) {
    let Ends { pipeline, row, kept, outlet } = ends;
    let mut batch = batch;
    for stage in stages {
        match stage.run(&batch) {
            Outcome::Whole => {}
            Outcome::Changed { batch: next, dropped } => {
                row.dropped_by_script.fetch_add(dropped as u64, Relaxed);
                if next.heads.is_empty() {
                    return;
                }
                batch = Arc::new(next);
            }
            Outcome::Lost { loss, events, dropped, rest } => {
                let lost = match loss {
                    Loss::Trapped => &row.trapped,
                    Loss::TimedOut => &row.timed_out,
                    Loss::Quarantined => &row.quarantined,
                };
                lost.fetch_add(events as u64, Relaxed);
                row.dropped_by_script.fetch_add(dropped as u64, Relaxed);
                match rest {
                    Some(rest) => batch = Arc::new(rest),
                    None => return,
                }
            }
        }
    }
    row.kept.fetch_add(batch.heads.len() as u64, Relaxed);
    if let Some(outlet) = outlet {
        outlet.offer(pipeline, &batch);
    }
    kept.push(batch);
}
