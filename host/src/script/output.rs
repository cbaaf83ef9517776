//! What a script hands to the host during one run. It counts only if the run ends well.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use wasmtime::bail;

use super::Limits;
use crate::decode::Attributes;

/// Most of one run, in bytes.
const RUN_BYTES: usize = 1 << 20;
/// What an update takes beside its key.
const UPDATE_BYTES: usize = 16;

/// Updates, attributes and results of the run at hand.
#[derive(Debug)]
pub struct Output {
    /// Tables that this instance has opened, by handle: index and number of labels.
    pub opened: Vec<(usize, usize)>,
    /// Number of events in the batch at hand; 0 outside of one.
    pub events: u32,
    /// Additions to tables.
    pub updates: Updates,
    /// Attributes of events.
    pub attributes: Attributes,
    /// Results as JSON objects.
    pub emitted: Texts,
    /// What was refused for being too much.
    pub refused: u64,
    /// Bytes of attributes and results that may still leave in this second.
    left_bytes: usize,
    second: Instant,
}

/// Additions to tables, with their keys in one place.
#[derive(Debug, Default)]
pub struct Updates {
    /// Table, key, value.
    pub list: Vec<(usize, Range<usize>, u64)>,
    /// The keys.
    pub keys: Vec<u8>,
}

/// Texts, one behind the other.
#[derive(Debug, Default)]
pub struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Updates {
    pub fn clear(&mut self) {
        self.list.clear();
        self.keys.clear();
    }
}

impl Texts {
    fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.bytes[start..end])
    }
}

impl Output {
    pub fn new(limits: &Limits) -> Self {
        Self {
            opened: Vec::new(),
            events: 0,
            updates: Updates::default(),
            attributes: Attributes::default(),
            emitted: Texts::default(),
            refused: 0,
            left_bytes: limits.output_bytes,
            second: Instant::now(),
        }
    }

    /// Begins a run on so many events.
    pub fn begin(&mut self, events: u32, now: Instant, limits: &Limits) {
        self.clear();
        (self.events, self.refused) = (events, 0);
        if now.duration_since(self.second) >= Duration::from_secs(1) {
            (self.second, self.left_bytes) = (now, limits.output_bytes);
        }
    }

    /// Forgets what the run asked for, and keeps the room.
    pub fn clear(&mut self) {
        self.updates.clear();
        self.attributes.clear();
        self.emitted.clear();
    }

    /// The handle of a table.
    pub fn open(&mut self, index: usize, labels: usize) -> u32 {
        let handle = self.opened.iter().position(|&opened| opened == (index, labels));
        let handle = handle.unwrap_or_else(|| {
            self.opened.push((index, labels));
            self.opened.len() - 1
        });
        handle as u32
    }

    /// Adds to a row of a table.
    pub fn add(&mut self, call: &str, table: u32, key: &[u8], value: u64) -> wasmtime::Result<()> {
        let Some(&(index, labels)) = self.opened.get(table as usize) else {
            bail!("{call}: table {table} was not opened");
        };
        let given = 1 + key.iter().filter(|&&byte| byte == 0).count();
        if given != labels {
            bail!("{call}: a key of {given} labels for a table with {labels}");
        }
        if self.is_full(key.len()) {
            self.refused += 1;
            return Ok(());
        }
        let start = self.updates.keys.len();
        self.updates.keys.extend_from_slice(key);
        self.updates.list.push((index, start..start + key.len(), value));
        Ok(())
    }

    /// Adds an attribute to an event.
    pub fn attr(&mut self, event: u32, name: &[u8], value: &[u8]) -> wasmtime::Result<()> {
        if event >= self.events {
            bail!("attr: event {event} of a batch of {}", self.events);
        }
        if self.may_leave(name.len() + value.len()) {
            self.attributes.add(event, name, value);
        }
        Ok(())
    }

    /// Adds a result, which must be a JSON object.
    pub fn emit(&mut self, json: &[u8]) -> wasmtime::Result<()> {
        let parsed: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(json);
        if let Err(error) = parsed {
            bail!("emit: the text is not JSON: {error}");
        }
        if json.trim_ascii_start().first() != Some(&b'{') {
            bail!("emit: the JSON text is not an object");
        }
        if self.may_leave(json.len()) {
            self.emitted.push(json);
        }
        Ok(())
    }

    /// Whether so many bytes more may leave now; they are counted as left, or as refused.
    fn may_leave(&mut self, bytes: usize) -> bool {
        if self.is_full(bytes) || bytes > self.left_bytes {
            self.refused += 1;
            return false;
        }
        self.left_bytes -= bytes;
        true
    }

    /// Whether so many bytes more would exceed the output of one run.
    fn is_full(&self, more: usize) -> bool {
        let updates = self.updates.keys.len() + UPDATE_BYTES * self.updates.list.len();
        let emitted = self.emitted.bytes.len() + UPDATE_BYTES * self.emitted.ends.len();
        updates + emitted + self.attributes.len_bytes() + more > RUN_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(output_bytes: usize) -> (Output, Limits) {
        let limits = Limits { output_bytes, ..Limits::default() };
        let mut output = Output::new(&limits);
        output.begin(1, Instant::now(), &limits);
        (output, limits)
    }

    #[test]
    fn what_leaves_is_limited_by_the_second() {
        let (mut output, limits) = output(20);
        for _ in 0..3 {
            output.attr(0, b"name", b"value").unwrap();
        }
        output.emit(b"{}").unwrap();
        output.emit(b"{}").unwrap();
        assert_eq!((output.refused, output.emitted.iter().count()), (2, 1));
        output.begin(1, Instant::now(), &limits);
        output.attr(0, b"name", b"value").unwrap();
        assert_eq!((output.refused, output.attributes.is_empty()), (1, true));
        output.begin(1, Instant::now() + Duration::from_secs(1), &limits);
        output.attr(0, b"name", b"value").unwrap();
        assert_eq!((output.refused, output.attributes.is_empty()), (0, false));
    }

    #[test]
    fn one_run_has_an_end() {
        let (mut output, _) = output(usize::MAX);
        output.open(0, 1);
        for _ in 0..3 {
            output.add("table_add", 0, &vec![b'x'; RUN_BYTES / 2 - UPDATE_BYTES], 1).unwrap();
        }
        assert_eq!((output.updates.list.len(), output.refused), (2, 1));
    }

    #[test]
    fn only_objects_are_results() {
        let (mut output, _) = output(1000);
        output.emit(b" {\"a\": [1]}").unwrap();
        for (json, text) in
            [("", "not JSON"), ("{", "not JSON"), ("[1]", "object"), ("{} x", "JSON")]
        {
            let error = output.emit(json.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(text), "{json:?}: {error}");
        }
        assert_eq!(output.emitted.iter().collect::<Vec<_>>(), [b" {\"a\": [1]}"]);
    }
}
