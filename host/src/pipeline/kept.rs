//! The last events of a pipeline, and their live stream.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::sync::broadcast;

use crate::decode::Batch;

/// Batches that a slow listener may lag behind before it misses some.
const LAG_BATCHES: usize = 64;

/// The events that passed a pipeline, up to a number, the oldest going first.
pub struct Kept {
    capacity: usize,
    ring: Mutex<Ring>,
    live: broadcast::Sender<KeptBatch>,
}

#[derive(Default)]
struct Ring {
    batches: VecDeque<KeptBatch>,
    /// Events in `batches`.
    events: usize,
    /// Events ever kept.
    total: u64,
}

/// A batch of kept events.
#[derive(Clone)]
pub struct KeptBatch {
    /// How many events this pipeline kept before this batch.
    pub before: u64,
    /// The events.
    pub batch: Arc<Batch>,
}

impl Kept {
    /// Room for so many events, and at least for the batch kept last.
    pub fn new(capacity: usize) -> Self {
        let (live, _) = broadcast::channel(LAG_BATCHES);
        Self { capacity, ring: Mutex::default(), live }
    }

    /// Keeps a batch. Nobody is waited for: a listener that lags misses it, and is told.
    pub fn push(&self, batch: Arc<Batch>) {
        let mut ring = self.ring.lock().expect("no panic while locked");
        let kept = KeptBatch { before: ring.total, batch };
        ring.total += kept.batch.heads.len() as u64;
        ring.events += kept.batch.heads.len();
        ring.batches.push_back(kept.clone());
        while ring.events > self.capacity && ring.batches.len() > 1 {
            if let Some(oldest) = ring.batches.pop_front() {
                ring.events -= oldest.batch.heads.len();
            }
        }
        drop(ring);
        // An error means that nobody listens.
        _ = self.live.send(kept);
    }

    /// How many events there are, and how many there can be.
    pub fn fill(&self) -> (usize, usize) {
        (self.ring.lock().expect("no panic while locked").events, self.capacity)
    }

    /// The batches with events before `seq`, newest first.
    pub fn before(&self, seq: u64) -> Vec<Arc<Batch>> {
        let ring = self.ring.lock().expect("no panic while locked");
        let batches = ring.batches.iter().rev();
        batches
            .filter(|kept| kept.batch.heads.first().is_some_and(|head| head.seq < seq))
            .map(|kept| kept.batch.clone())
            .collect()
    }

    /// The events from now on.
    pub fn listen(&self) -> (u64, broadcast::Receiver<KeptBatch>) {
        let ring = self.ring.lock().expect("no panic while locked");
        (ring.total, self.live.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use weir_sdk::event::Head;

    use super::*;

    fn batch(seqs: std::ops::Range<u64>) -> Arc<Batch> {
        let heads = seqs.map(|seq| Head { seq, ..Head::default() }).collect();
        Arc::new(Batch { heads, ..Batch::default() })
    }

    #[test]
    fn the_oldest_go_first() {
        let kept = Kept::new(5);
        for seqs in [1..3, 3..6, 6..8] {
            kept.push(batch(seqs));
        }
        assert_eq!(kept.fill(), (5, 5));
        let firsts =
            |seq| kept.before(seq).iter().map(|batch| batch.heads[0].seq).collect::<Vec<_>>();
        assert_eq!(firsts(u64::MAX), [6, 3]);
        assert_eq!(firsts(6), [3]);
        assert_eq!(kept.listen().0, 7);
    }

    #[test]
    fn a_batch_larger_than_all_the_room_is_kept() {
        let kept = Kept::new(1);
        kept.push(batch(1..4));
        assert_eq!(kept.fill(), (3, 1));
    }

    #[test]
    fn a_slow_listener_is_not_waited_for() {
        let kept = Kept::new(1);
        let (mut expected, mut listener) = kept.listen();
        for seq in 0..200 {
            kept.push(batch(seq..seq + 1));
        }
        let lagged = listener.try_recv();
        assert!(matches!(lagged, Err(broadcast::error::TryRecvError::Lagged(_))));
        let next = listener.try_recv().unwrap();
        expected = next.before - expected;
        assert_eq!(expected, 200 - LAG_BATCHES as u64);
    }
}
