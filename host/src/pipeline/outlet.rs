//! Kept events on their way out of the event path, to whoever stores them. Nobody waits for that: what
//! finds no room is counted.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::decode::Batch;

/// Batches that wait at most.
const BATCHES: usize = 8_192;
/// Bytes of batches that wait at most, unless it is one batch.
const BYTES: usize = 64 << 20;

/// A way out for the kept events of some pipelines.
pub struct Outlet {
    pipelines: Vec<String>,
    batches: Sender<Passed>,
    waiting: Receiver<Passed>,
    waiting_bytes: AtomicUsize,
    refused: AtomicU64,
}

/// A batch that passed a pipeline.
pub struct Passed {
    /// The pipeline.
    pub pipeline: Arc<str>,
    /// What it kept.
    pub batch: Arc<Batch>,
}

impl Outlet {
    /// For the pipelines of these names.
    pub fn new(pipelines: Vec<String>) -> Self {
        let (batches, waiting) = bounded(BATCHES);
        Self { pipelines, batches, waiting, waiting_bytes: 0.into(), refused: 0.into() }
    }

    /// Whether the events of this pipeline are asked for.
    pub fn is_for(&self, pipeline: &str) -> bool {
        self.pipelines.iter().any(|name| name == pipeline)
    }

    /// Takes a batch, or counts its events. Never waits.
    pub fn offer(&self, pipeline: &Arc<str>, batch: &Arc<Batch>) {
        let bytes = batch.size_bytes();
        let before = self.waiting_bytes.fetch_add(bytes, Relaxed);
        let passed = Passed { pipeline: pipeline.clone(), batch: batch.clone() };
        if before > 0 && before + bytes > BYTES || self.batches.try_send(passed).is_err() {
            self.waiting_bytes.fetch_sub(bytes, Relaxed);
            self.refused.fetch_add(batch.heads.len() as u64, Relaxed);
        }
    }

    /// Where batches come out; each is to be told of by [`taken`](Self::taken).
    pub fn waiting(&self) -> &Receiver<Passed> {
        &self.waiting
    }

    /// Makes room for what comes next.
    pub fn taken(&self, batch: &Batch) {
        self.waiting_bytes.fetch_sub(batch.size_bytes(), Relaxed);
    }

    /// Events for which there was no room.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use weir_sdk::event::Head;

    use super::*;

    #[test]
    fn what_finds_no_room_is_counted_and_nobody_waits() {
        let outlet = Outlet::new(vec!["a".to_owned()]);
        assert!(outlet.is_for("a") && !outlet.is_for("b"));
        let batch = Batch { heads: vec![Head::default(); 3], ..Batch::default() };
        let large = Arc::new(Batch { heap: vec![0; BYTES / 2], ..batch });
        // Two do not fit beside each other.
        (0..3).for_each(|_| outlet.offer(&"a".into(), &large));
        assert_eq!((outlet.waiting().len(), outlet.refused()), (1, 6));
        let passed = outlet.waiting().recv().unwrap();
        outlet.taken(&passed.batch);
        outlet.offer(&passed.pipeline, &passed.batch);
        assert_eq!((outlet.waiting().len(), outlet.refused()), (1, 6));
        outlet.taken(&outlet.waiting().recv().unwrap().batch);
        let small = Arc::new(Batch { heads: vec![Head::default()], ..Batch::default() });
        (0..BATCHES + 1).for_each(|_| outlet.offer(&"a".into(), &small));
        assert_eq!((outlet.waiting().len(), outlet.refused()), (BATCHES, 7));
    }
}
