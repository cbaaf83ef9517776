//! What the host knows of one instance, and the way into its memory.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use wasmtime::{Caller, Memory, ResourceLimiter};

use super::{Emitted, Limits, Log, Processes, clock::Clock, output::Output, wasi::Wasi};
use crate::table::Tables;

/// Where what a script has to say goes; all of it outlives the instance.
#[derive(Clone)]
pub struct Sinks {
    /// Lines for people.
    pub log: Arc<Log>,
    /// Results.
    pub emitted: Arc<Emitted>,
    /// Aggregates.
    pub tables: Arc<Tables>,
}

/// What is taken at most of an error, in case the script ends with it.
const LAST_WORDS_BYTES: usize = 512;
const LEVELS: [&str; 4] = ["debug", "info", "warn", "error"];

/// The host's side of an instance.
pub struct State {
    /// A core module's memory, looked up once.
    pub memory: Option<Memory>,
    pub limits: Limits,
    pub sinks: Sinks,
    pub processes: Processes,
    pub params: BTreeMap<String, String>,
    pub output: Output,
    pub clock: Clock,
    pub wasi: Wasi,
    /// When the instance was made.
    pub began: Instant,
    /// Size in bytes of the last growth of memory that was refused.
    pub memory_refused: Option<usize>,
    /// Size of all memories in bytes.
    pub memory_bytes: usize,
    table_elements: usize,
    /// The last line of this run that the script logged as an error: a panic says its reason so.
    pub last_words: Option<String>,
}

impl State {
    pub fn new(limits: Limits, sinks: Sinks, processes: Processes, wasi: Wasi) -> Self {
        Self {
            memory: None,
            limits,
            sinks,
            processes,
            params: BTreeMap::new(),
            output: Output::new(&limits),
            clock: Clock::default(),
            wasi,
            began: Instant::now(),
            memory_refused: None,
            memory_bytes: 0,
            table_elements: 0,
            last_words: None,
        }
    }

    /// Adds a line to the log.
    pub fn log(&mut self, level: u32, text: &[u8]) -> wasmtime::Result<()> {
        let Some(level) = LEVELS.get(level as usize) else {
            wasmtime::bail!("log: level {level} is not one of 0 to 3");
        };
        self.sinks.log.add(level, text);
        if *level == "error" {
            let text = &text[..text.len().min(LAST_WORDS_BYTES)];
            self.last_words = Some(String::from_utf8_lossy(text).into_owned());
        }
        Ok(())
    }
}

impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // A component may have several memories.
        let all = (self.memory_bytes - current).saturating_add(desired);
        let allowed = all <= self.limits.memory_bytes;
        if allowed {
            self.memory_bytes = all;
        } else {
            self.memory_refused = Some(all);
        }
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let all = (self.table_elements - current).saturating_add(desired);
        // An element is a pointer.
        let allowed = all.saturating_mul(8) <= self.limits.memory_bytes;
        if allowed {
            self.table_elements = all;
        }
        Ok(allowed)
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
