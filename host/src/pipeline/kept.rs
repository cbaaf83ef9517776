//! The last events of a pipeline, and their live stream.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::broadcast;

use crate::decode::Batch;

/// Batches that a slow listener may lag behind before it misses some.
const LAG_BATCHES: usize = 64;
/// Batches that are remembered by their numbers after they are gone.
const GONE_BATCHES: usize = 1024;

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
    /// Batches that are gone, so that who comes back is told how many events were missed.
    gone: VecDeque<Gone>,
}

/// A batch that was kept.
struct Gone {
    before: u64,
    events: u64,
    first_seq: u64,
    last_seq: u64,
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
        let mut ring = self.lock();
        let kept = KeptBatch { before: ring.total, batch };
        ring.total += kept.batch.heads.len() as u64;
        ring.events += kept.batch.heads.len();
        ring.batches.push_back(kept.clone());
        while ring.events > self.capacity && ring.batches.len() > 1 {
            if let Some(oldest) = ring.batches.pop_front() {
                ring.events -= oldest.batch.heads.len();
                ring.forget(&oldest);
            }
        }
        drop(ring);
        // An error means that nobody listens.
        _ = self.live.send(kept);
    }

    /// How many events there are, and how many there can be.
    pub fn fill(&self) -> (usize, usize) {
        (self.lock().events, self.capacity)
    }

    /// How many events were ever kept: the place of the next one.
    pub fn end(&self) -> u64 {
        self.lock().total
    }

    /// The batches with events before `seq`, newest first.
    pub fn before(&self, seq: u64) -> Vec<Arc<Batch>> {
        self.some_before(seq, usize::MAX)
    }

    /// As many of them as have so many events before `seq`.
    pub fn some_before(&self, seq: u64, events: usize) -> Vec<Arc<Batch>> {
        let ring = self.lock();
        let behind = ring.batches.partition_point(|kept| kept.first_seq() < seq);
        let mut found = 0;
        let mut batches = Vec::new();
        for kept in ring.batches.range(..behind).rev() {
            if found >= events {
                break;
            }
            let heads = &kept.batch.heads;
            // Only of the first one some may be at or behind that number.
            found += match batches.is_empty() {
                true => heads.partition_point(|head| head.seq < seq),
                false => heads.len(),
            };
            batches.push(kept.batch.clone());
        }
        batches
    }

    /// The batch with the event at a place, or the oldest one behind it that is still there.
    pub fn at(&self, place: u64) -> Option<KeptBatch> {
        let ring = self.lock();
        let index = ring.batches.partition_point(|kept| kept.end() <= place);
        ring.batches.get(index).cloned()
    }

    /// The batch of an event, and its index in that.
    pub fn event(&self, seq: u64) -> Option<(Arc<Batch>, usize)> {
        let ring = self.lock();
        let index = ring.batches.partition_point(|kept| kept.last_seq() < seq);
        let batch = &ring.batches.get(index)?.batch;
        let index = batch.heads.binary_search_by_key(&seq, |head| head.seq).ok()?;
        Some((batch.clone(), index))
    }

    /// The place of the first event behind a number; the earliest that it may have had, where the event of
    /// that number is gone and too little is remembered of it.
    pub fn behind(&self, seq: u64) -> u64 {
        let ring = self.lock();
        if ring.batches.back().is_none_or(|newest| newest.last_seq() < seq) {
            // It is a number of another run of the host, so all of this one's are new.
            return 0;
        }
        let index = ring.batches.partition_point(|kept| kept.last_seq() <= seq);
        match ring.batches.get(index) {
            None => ring.total,
            Some(kept) if index > 0 || kept.first_seq() <= seq => {
                let heads = &kept.batch.heads;
                kept.before + heads.partition_point(|head| head.seq <= seq) as u64
            }
            Some(oldest) => ring.behind_gone(seq).unwrap_or(oldest.before),
        }
    }

    /// What is kept now, oldest first, and the events from now on. A batch may come twice: what is from
    /// now on may begin with the last that is kept, which its number tells.
    pub fn follow(&self) -> (Vec<KeptBatch>, broadcast::Receiver<KeptBatch>) {
        let ring = self.ring.lock().expect("no panic while locked");
        (ring.batches.iter().cloned().collect(), self.live.subscribe())
    }

    /// How many listen.
    pub fn listeners(&self) -> usize {
        self.live.receiver_count()
    }

    /// The events from now on.
    pub fn listen(&self) -> (u64, broadcast::Receiver<KeptBatch>) {
        let ring = self.lock();
        (ring.total, self.live.subscribe())
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().expect("no panic while locked")
    }
}

impl Ring {
    /// Remembers the numbers of a batch that goes.
    fn forget(&mut self, batch: &KeptBatch) {
        if self.gone.len() == GONE_BATCHES {
            self.gone.pop_front();
        }
        self.gone.push_back(Gone {
            before: batch.before,
            events: batch.batch.heads.len() as u64,
            first_seq: batch.first_seq(),
            last_seq: batch.last_seq(),
        });
    }

    /// The place behind an event that is gone; the earliest that it may have, if that is not known.
    fn behind_gone(&self, seq: u64) -> Option<u64> {
        let index = self.gone.partition_point(|gone| gone.last_seq <= seq);
        let Gone { before, events, first_seq, last_seq } = *self.gone.get(index)?;
        Some(if seq >= first_seq {
            before + events.saturating_sub(last_seq - seq)
        } else if index > 0 {
            before
        } else {
            before.saturating_sub(first_seq - seq - 1)
        })
    }
}

impl KeptBatch {
    /// How many events this pipeline had kept with this batch.
    pub fn end(&self) -> u64 {
        self.before + self.batch.heads.len() as u64
    }

    fn first_seq(&self) -> u64 {
        self.batch.heads.first().map_or(0, |head| head.seq)
    }

    fn last_seq(&self) -> u64 {
        self.batch.heads.last().map_or(0, |head| head.seq)
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
        let firsts = |seq, events| {
            let batches = kept.some_before(seq, events);
            batches.iter().map(|batch| batch.heads[0].seq).collect::<Vec<_>>()
        };
        assert_eq!(firsts(u64::MAX, 100), [6, 3]);
        assert_eq!(firsts(u64::MAX, 2), [6]);
        assert_eq!(firsts(7, 2), [6, 3]);
        assert_eq!(firsts(6, 100), [3]);
        assert_eq!(kept.before(6).len(), 1);
        assert_eq!((kept.listen().0, kept.end()), (7, 7));
    }

    #[test]
    fn an_event_is_found_by_its_number() {
        let kept = Kept::new(5);
        for seqs in [1..3, 3..6, 8..10] {
            kept.push(batch(seqs));
        }
        let found = |seq| kept.event(seq).map(|(batch, index)| batch.heads[index].seq);
        assert_eq!([3, 5, 8, 9].map(found), [3, 5, 8, 9].map(Some));
        assert_eq!([1, 2, 6, 7, 10].map(found), [None; 5]);
    }

    #[test]
    fn who_comes_back_goes_on_where_he_was() {
        let kept = Kept::new(5);
        assert_eq!(kept.behind(7), 0);
        // Gone are 10, 11, 13, 14; kept are 17, 18, 19 and 22, 23.
        for seqs in [10..12, 13..15, 17..20, 22..24] {
            kept.push(batch(seqs));
        }
        let check = |seq, place| assert_eq!(kept.behind(seq), place, "behind {seq}");
        for (seq, place) in [(22, 8), (23, 9), (19, 7), (20, 7), (17, 5), (16, 4), (14, 4)] {
            check(seq, place);
        }
        for (seq, place) in [(13, 3), (12, 2), (10, 1), (9, 0), (1, 0)] {
            check(seq, place);
        }
        // Of a host that was started anew.
        check(1000, 0);
        assert_eq!(kept.at(0).map(|kept| kept.before), Some(4));
        assert_eq!(kept.at(8).map(|kept| (kept.before, kept.end())), Some((7, 9)));
        assert!(kept.at(9).is_none());
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
