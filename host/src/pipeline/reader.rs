//! The reader: drains the ring buffer into batches and hands them on. It waits for nobody.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use weir_ebpf::{EXECUTED, Notice, counter};
use weir_sdk::event::BATCH_EVENTS;

use super::{Ledger, Pipelines, turn::short_turns};
use crate::{
    decode::{Batch, decode, notice},
    enrich::Enrich,
    probe::{self, Ring},
};

/// A batch closes at the latest so long after its first event.
const LINGER: Duration = Duration::from_millis(2);
/// So long without an event, and the reader asks to be woken instead of looking again.
const RESTLESS: Duration = Duration::from_millis(20);
/// Longest sleep, so that a stop is noticed.
const SLEEP: Duration = Duration::from_millis(200);
/// A heap of so many bytes closes a batch.
const HEAP_BYTES: usize = 256 << 10;

/// The reader's thread.
pub struct Reader {
    ring: Ring,
    enrich: Enrich,
    ledger: Arc<Ledger>,
    pipelines: Arc<Pipelines>,
    stop: Arc<AtomicBool>,
    next_seq: u64,
    ring_full: u64,
    undecodable: u64,
    notices_lost: u64,
}

impl Reader {
    /// A reader that runs until `stop` is set, and then until the ring is empty.
    pub fn new(
        ring: Ring,
        enrich: Enrich,
        ledger: Arc<Ledger>,
        pipelines: Arc<Pipelines>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self {
            ring,
            enrich,
            ledger,
            pipelines,
            stop,
            next_seq: 1,
            ring_full: 0,
            undecodable: 0,
            notices_lost: 0,
        }
    }

    /// Numbers events from here on, instead of from 1.
    pub fn from_seq(mut self, seq: u64) -> Self {
        self.next_seq = seq.max(1);
        self
    }

    /// Runs.
    pub fn run(mut self) -> Result<(), probe::Error> {
        short_turns();
        let mut last_event = Instant::now();
        loop {
            let stopping = self.stop.load(Relaxed);
            let batch = self.fill()?;
            if !batch.heads.is_empty() {
                last_event = Instant::now();
                self.hand_on(batch)?;
            } else if stopping {
                return Ok(());
            } else if last_event.elapsed() < RESTLESS {
                thread::sleep(LINGER);
            } else {
                self.ring.ask_for_wakeup()?;
                let batch = self.fill()?;
                if batch.heads.is_empty() {
                    self.ring.sleep(SLEEP).map_err(probe::Error::Poll)?;
                } else {
                    self.hand_on(batch)?;
                }
            }
        }
    }

    /// Fills a batch with what is there, and with what comes within [`LINGER`].
    fn fill(&mut self) -> Result<Batch, probe::Error> {
        let mut batch = Batch::default();
        let mut first = None;
        loop {
            let room = BATCH_EVENTS - batch.heads.len();
            let unix_offset_ns = unix_offset_ns();
            let taken = self.ring.drain(room, |record| {
                if let Some(Notice { time_ns, pid, what }) = notice(record) {
                    let at_ns = time_ns.wrapping_add(unix_offset_ns);
                    match what {
                        EXECUTED => self.enrich.executed(pid, at_ns),
                        _ => self.enrich.exited(pid, at_ns),
                    }
                    return;
                }
                let event = decode(record, self.next_seq, unix_offset_ns, &mut batch);
                match event {
                    Ok(()) => self.next_seq += 1,
                    Err(error) => {
                        // The first says what there is to say; the ledger counts the others.
                        if self.ledger.undecodable.fetch_add(1, Relaxed) == 0 {
                            tracing::warn!("undecodable record: {error}");
                        }
                    }
                }
            });
            if batch.heads.is_empty() {
                if taken == 0 {
                    return Ok(batch);
                }
                // Nothing but notices: the rest is not kept waiting for them.
                continue;
            }
            let since = *first.get_or_insert_with(Instant::now);
            let full = batch.heads.len() == BATCH_EVENTS || batch.heap.len() >= HEAP_BYTES;
            let left = LINGER.saturating_sub(since.elapsed());
            if full || left.is_zero() || self.stop.load(Relaxed) {
                return Ok(batch);
            }
            thread::sleep(left);
        }
    }

    fn hand_on(&mut self, mut batch: Batch) -> Result<(), probe::Error> {
        let counters = self.ledger.counters()?;
        let (ring_full, undecodable) =
            (counters[counter::RING_FULL], self.ledger.undecodable.load(Relaxed));
        batch.lost_before = ring_full - self.ring_full + undecodable - self.undecodable;
        (self.ring_full, self.undecodable) = (ring_full, undecodable);
        batch.now_ns = nanoseconds(ClockId::Realtime);
        let notices_lost = counters[counter::NOTICES_LOST];
        if notices_lost != self.notices_lost {
            self.notices_lost = notices_lost;
            self.enrich.missed();
        }
        self.enrich.enrich(&mut batch);
        self.ledger.deliver(batch.heads.len() as u64);
        self.pipelines.deliver(&Arc::new(batch));
        Ok(())
    }
}

/// What the wall clock is ahead of the clock that the kernel side reads.
///
/// Read between two readings of the other: if they are far apart, this thread was interrupted.
fn unix_offset_ns() -> u64 {
    const FAR_APART_NS: u64 = 20_000;
    const TRIES: u32 = 5;
    let mut best = (u64::MAX, 0);
    for _ in 0..TRIES {
        let before = nanoseconds(ClockId::Monotonic);
        let now = nanoseconds(ClockId::Realtime);
        let gap = nanoseconds(ClockId::Monotonic) - before;
        if gap < best.0 {
            best = (gap, now.wrapping_sub(before + gap / 2));
        }
        if gap < FAR_APART_NS {
            break;
        }
    }
    best.1
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
