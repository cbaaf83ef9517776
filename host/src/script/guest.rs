//! What the host knows of one instance, and the way into its memory.

use std::{collections::BTreeMap, sync::Arc};

use wasmtime::{Caller, Memory, ResourceLimiter};

use super::{Limits, Log};
use crate::{decode::Attributes, table::Tables};

/// The host's side of an instance.
pub struct State {
    /// The guest's memory, looked up once.
    pub memory: Option<Memory>,
    pub limits: Limits,
    pub log: Arc<Log>,
    pub params: BTreeMap<String, String>,
    pub tables: Arc<Tables>,
    /// Tables that this instance has opened, by handle: index and number of labels.
    pub opened: Vec<(usize, usize)>,
    /// Number of events in the batch at hand; 0 outside of one.
    pub events: u32,
    /// Table updates since the batch began. They count only if it ends well.
    pub updates: Updates,
    /// Attributes since the batch began.
    pub attributes: Attributes,
    /// Updates and attributes refused, because there were too many in one batch.
    pub refused: u64,
    /// Size in bytes of the last growth of memory that was refused.
    pub memory_refused: Option<usize>,
    /// Size of the memory in bytes.
    pub memory_bytes: usize,
    /// The last line of this run that the script logged as an error: a panic says its reason so.
    pub last_words: Option<String>,
}

/// What an update takes beside its key.
const UPDATE_BYTES: usize = 16;

impl State {
    /// Whether so many bytes more would exceed the output of one batch.
    pub fn full(&self, more: usize) -> bool {
        let updates = self.updates.keys.len() + UPDATE_BYTES * self.updates.list.len();
        updates + self.attributes.len_bytes() + more > self.limits.output_bytes
    }

    /// Forgets what a run that did not end well asked for.
    pub fn discard(&mut self) {
        self.updates.clear();
        self.attributes.clear();
        self.last_words = None;
    }
}

/// Table updates, with their keys in one place.
#[derive(Debug, Default)]
pub struct Updates {
    /// Table, key, value.
    pub list: Vec<(usize, std::ops::Range<usize>, u64)>,
    /// The keys.
    pub keys: Vec<u8>,
}

impl Updates {
    pub fn clear(&mut self) {
        self.list.clear();
        self.keys.clear();
    }
}

impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let allowed = desired <= self.limits.memory_bytes;
        if allowed {
            self.memory_bytes = desired;
        } else {
            self.memory_refused = Some(desired);
        }
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // An element is a pointer.
        Ok(desired.saturating_mul(8) <= self.limits.memory_bytes)
    }
}

/// The guest's memory and the host's state, both at hand.
pub fn split<'a>(
    caller: &'a mut Caller<'_, State>,
) -> wasmtime::Result<(&'a mut [u8], &'a mut State)> {
    let Some(memory) = caller.data().memory else {
        wasmtime::bail!("a host call before the module's memory is known");
    };
    Ok(memory.data_and_store_mut(caller))
}

/// A range of the guest's memory, checked.
pub fn range(
    memory: &[u8],
    ptr: u32,
    len: u32,
    what: &str,
) -> wasmtime::Result<std::ops::Range<usize>> {
    let (start, end) = (u64::from(ptr), u64::from(ptr) + u64::from(len));
    if end > memory.len() as u64 {
        wasmtime::bail!(
            "{what} of {len} bytes at {ptr:#x} lies outside of the module's memory of {} bytes",
            memory.len()
        );
    }
    Ok(start as usize..end as usize)
}

/// A part of the guest's memory, checked.
pub fn bytes<'a>(memory: &'a [u8], ptr: u32, len: u32, what: &str) -> wasmtime::Result<&'a [u8]> {
    Ok(&memory[range(memory, ptr, len, what)?])
}
