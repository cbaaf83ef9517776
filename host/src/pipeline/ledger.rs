//! The account of every call: each is in exactly one row, and the rows sum to `seen`.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use serde::Serialize;
use weir_ebpf::{Counters, counter};

use crate::probe::{self, Kernel};

/// What the host counts of all calls. The kernel side counts the rest.
pub struct Ledger {
    kernel: Arc<Kernel>,
    /// Events in batches that were handed on.
    delivered: AtomicU64,
    /// Records that are not events.
    pub undecodable: AtomicU64,
    /// Calls that had not returned when the programs were detached.
    at_stop: AtomicU64,
    first_event: OnceLock<Instant>,
}

/// What one pipeline counts. The rows sum to `delivered`.
#[derive(Debug, Default)]
pub struct Row {
    /// Events handed to this pipeline.
    pub delivered: AtomicU64,
    /// Events that passed all its scripts.
    pub kept: AtomicU64,
    /// Events that a script dropped, as it is asked to.
    pub dropped_by_script: AtomicU64,
    /// Events for which the queue had no room.
    pub queue_full: AtomicU64,
    /// Events in batches in which a script trapped.
    pub trapped: AtomicU64,
    /// Events in batches in which a script ran out of time.
    pub timed_out: AtomicU64,
    /// Events that came while a script was kept from running because of its faults.
    pub quarantined: AtomicU64,
}

/// The ledger at one moment.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Snapshot {
    /// Calls that entered, but for the host's own.
    pub seen: u64,
    /// Calls of which no script wants what they are: they are not read, or not sent to the host.
    pub filtered_in_kernel: u64,
    /// Calls for whose record the ring buffer had no room.
    pub ring_full: u64,
    /// Calls whose entry and return could not be brought together.
    pub unpaired: u64,
    /// Calls whose record is not an event.
    pub undecodable: u64,
    /// Calls handed to the pipelines.
    pub delivered: u64,
    /// Calls in no row yet: they have not returned, or their record is not read.
    pub in_flight: u64,
    /// Why calls are unpaired.
    pub unpaired_by: UnpairedBy,
    /// Hits that the kernel missed, which are not in `seen`.
    pub missed: Missed,
    /// Executions and exits of processes that were not told of for want of room: what is known of
    /// processes was forgotten then, and is looked up afresh.
    pub notices_lost: u64,
    /// Each pipeline's rows.
    pub pipelines: Vec<PipelineRows>,
}

/// The causes of unpaired calls.
#[derive(Clone, Copy, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct UnpairedBy {
    /// No room in the map of calls in flight.
    pub no_slot: u64,
    /// The thread entered again before a return was seen.
    pub overwritten: u64,
    /// The thread ended before a return was seen.
    pub thread_exit: u64,
    /// The call had not returned when the programs were detached.
    pub at_stop: u64,
    /// Messages of a sendmmsg or recvmmsg call beyond those that the programs can tell of.
    pub too_many: u64,
}

/// Hits that the kernel missed.
#[derive(Clone, Copy, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Missed {
    /// Of the kprobe (`nmissed`); `null` where this kernel does not tell, or there is none.
    pub probe: Option<u64>,
    /// Runs of any program, skipped because another ran on that processor; `null` where this
    /// kernel does not tell.
    pub recursion: Option<u64>,
}

/// One pipeline's rows.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PipelineRows {
    /// Its name.
    pub name: String,
    /// Its scripts, in order.
    pub scripts: Vec<String>,
    /// Events handed to it.
    pub delivered: u64,
    /// Events that passed all scripts.
    pub kept: u64,
    /// Events that a script dropped.
    pub dropped_by_script: u64,
    /// Events for which the queue had no room.
    pub queue_full: u64,
    /// Events lost to a trap.
    pub trapped: u64,
    /// Events lost to a timeout.
    pub timed_out: u64,
    /// Events that came while a script was kept from running.
    pub quarantined: u64,
    /// Events in the queue, or at work.
    pub queued: u64,
}

impl Row {
    /// The rows at this moment.
    pub fn read(&self, name: &str, scripts: Vec<String>) -> PipelineRows {
        // What is delivered is read last, so that nothing is counted out before it is counted in.
        let rows = [
            &self.kept,
            &self.dropped_by_script,
            &self.queue_full,
            &self.trapped,
            &self.timed_out,
            &self.quarantined,
        ]
        .map(|row| row.load(Relaxed));
        let delivered = self.delivered.load(Relaxed);
        let [kept, dropped_by_script, queue_full, trapped, timed_out, quarantined] = rows;
        PipelineRows {
            name: name.to_owned(),
            scripts,
            delivered,
            kept,
            dropped_by_script,
            queue_full,
            trapped,
            timed_out,
            quarantined,
            queued: delivered.saturating_sub(rows.iter().sum()),
        }
    }
}

impl Ledger {
    /// A ledger, with what counts on the kernel's side.
    pub fn new(kernel: Arc<Kernel>) -> Self {
        Self {
            kernel,
            delivered: AtomicU64::default(),
            undecodable: AtomicU64::default(),
            at_stop: AtomicU64::default(),
            first_event: OnceLock::default(),
        }
    }

    /// Counts events as they are handed on.
    pub fn deliver(&self, events: u64) {
        self.first_event.get_or_init(Instant::now);
        self.delivered.fetch_add(events, Relaxed);
    }

    /// Events in batches that were handed on.
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Relaxed)
    }

    /// When the first event was handed on.
    pub fn first_event(&self) -> Option<Instant> {
        self.first_event.get().copied()
    }

    /// Looks up the calls that never returned, once the programs are detached.
    pub fn close(&self) -> Result<(), probe::Error> {
        self.at_stop.store(self.kernel.stranded()?, Relaxed);
        Ok(())
    }

    /// What the kernel side has counted so far.
    pub fn counters(&self) -> Result<Counters, probe::Error> {
        self.kernel.counters()
    }

    /// The programs that count.
    pub fn programs(&self) -> Vec<probe::ProgramState> {
        self.kernel.programs()
    }

    /// The ledger now, with these pipelines' rows.
    pub fn snapshot(&self, pipelines: Vec<PipelineRows>) -> Result<Snapshot, probe::Error> {
        let delivered = self.delivered.load(Relaxed);
        let undecodable = self.undecodable.load(Relaxed);
        let at_stop = self.at_stop.load(Relaxed);
        let (counters, (missed, recursion)) = (self.kernel.counters()?, self.kernel.misses());
        let unpaired_by = UnpairedBy {
            no_slot: counters[counter::NO_SLOT],
            overwritten: counters[counter::OVERWRITTEN],
            thread_exit: counters[counter::THREAD_EXIT],
            at_stop,
            too_many: counters[counter::TOO_MANY],
        };
        let UnpairedBy { no_slot, overwritten, thread_exit, at_stop, too_many } = unpaired_by;
        let (seen, ring_full) = (counters[counter::SEEN], counters[counter::RING_FULL]);
        let filtered_in_kernel = counters[counter::FILTERED];
        let unpaired = no_slot + overwritten + thread_exit + at_stop + too_many;
        Ok(Snapshot {
            seen,
            filtered_in_kernel,
            ring_full,
            unpaired,
            undecodable,
            delivered,
            in_flight: seen.saturating_sub(
                filtered_in_kernel + ring_full + unpaired + undecodable + delivered,
            ),
            unpaired_by,
            missed: Missed { probe: missed, recursion },
            notices_lost: counters[counter::NOTICES_LOST],
            pipelines,
        })
    }
}

impl Snapshot {
    /// What does not add up once all is read and every queue is empty: nothing, unless there is a
    /// bug. Until then calls in no row yet are in flight or queued.
    pub fn imbalance_at_exit(&self) -> Option<String> {
        let rows = self.filtered_in_kernel
            + self.ring_full
            + self.unpaired
            + self.undecodable
            + self.delivered;
        if rows != self.seen {
            return Some(format!("{} calls seen, {rows} in the rows", self.seen));
        }
        let open = self.pipelines.iter().find(|pipeline| pipeline.queued != 0)?;
        Some(format!("pipeline {}: {} events are in no row", open.name, open.queued))
    }
}

impl std::fmt::Display for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let row = |f: &mut std::fmt::Formatter<'_>, name: &str, count: u64| {
            writeln!(f, "  {name:<22}{count:>12}")
        };
        writeln!(f, "ledger")?;
        row(f, "seen", self.seen)?;
        row(f, "= filtered_in_kernel", self.filtered_in_kernel)?;
        row(f, "+ ring_full", self.ring_full)?;
        row(f, "+ unpaired", self.unpaired)?;
        row(f, "+ undecodable", self.undecodable)?;
        row(f, "+ delivered", self.delivered)?;
        row(f, "+ in_flight", self.in_flight)?;
        for pipeline in &self.pipelines {
            writeln!(f, "pipeline {}", pipeline.name)?;
            row(f, "delivered", pipeline.delivered)?;
            row(f, "= kept", pipeline.kept)?;
            row(f, "+ dropped_by_script", pipeline.dropped_by_script)?;
            row(f, "+ queue_full", pipeline.queue_full)?;
            row(f, "+ trapped", pipeline.trapped)?;
            row(f, "+ timed_out", pipeline.timed_out)?;
            row(f, "+ quarantined", pipeline.quarantined)?;
            row(f, "+ queued", pipeline.queued)?;
        }
        Ok(())
    }
}
