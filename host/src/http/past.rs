//! The events that a pipeline keeps, newest first: those in memory, and behind them those in the store.

use std::sync::Arc;

use super::{App, error::Error};
use crate::{
    decode::Batch,
    pipeline::Kept,
    store::{Error as StoreError, Store},
};

/// What a pipeline keeps.
pub struct Past {
    kept: Arc<Kept>,
    stored: Option<Stored>,
}

/// Where events of a pipeline are stored.
struct Stored {
    store: Arc<Store>,
    pipeline: String,
}

impl Past {
    /// Of a pipeline, or of the first one.
    pub fn of(app: &App, pipeline: Option<&str>) -> Result<Self, Error> {
        let kept = super::events::kept(app, pipeline)?;
        let first = || Some(app.pipelines.pipelines().into_iter().next()?.name);
        let name = pipeline.map(str::to_owned).or_else(first);
        let stored = app.store.clone().zip(name).and_then(|(store, pipeline)| {
            store.has_events_of(&pipeline).then_some(Stored { store, pipeline })
        });
        Ok(Self { kept, stored })
    }

    /// Only what is in memory.
    #[cfg(test)]
    pub fn in_memory(kept: Kept) -> Self {
        Self { kept: Arc::new(kept), stored: None }
    }

    /// Batches with events before a number, newest first: as many as have so many events, unless one from
    /// the store has fewer. None if there are no older ones. What they hold from that number on does not count.
    pub fn some_before(&self, seq: u64, events: usize) -> Result<Vec<Arc<Batch>>, StoreError> {
        let batches = self.kept.some_before(seq, events);
        match &self.stored {
            Some(Stored { store, pipeline }) if batches.is_empty() => {
                Ok(store.events_before(pipeline, seq)?.map(Arc::new).into_iter().collect())
            }
            _ => Ok(batches),
        }
    }

    /// The batch of an event, and its index in that.
    pub fn event(&self, seq: u64) -> Result<Option<(Arc<Batch>, usize)>, StoreError> {
        let found = self.kept.event(seq);
        let Some(Stored { store, pipeline }) = self.stored.as_ref().filter(|_| found.is_none())
        else {
            return Ok(found);
        };
        let batch = store.events_before(pipeline, seq.saturating_add(1))?;
        Ok(batch.and_then(|batch| {
            let index = batch.heads.binary_search_by_key(&seq, |head| head.seq).ok()?;
            Some((Arc::new(batch), index))
        }))
    }

    /// How many events there can be in memory.
    pub fn room(&self) -> usize {
        self.kept.fill().1
    }
}
