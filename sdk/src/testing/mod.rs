//! Runs a script on hand-made events, on any machine: for a script's unit tests. Not there in Wasm.

mod bytes;
mod call;
mod parts;

use std::collections::BTreeMap;

use crate::{Level, Params, Script, Verdict, calls::recorder, entry, table, view::Layout};

pub use bytes::{batch, batch_with_stride};
pub use call::Call;

/// A script under test.
#[derive(Debug)]
pub struct Run<S> {
    script: S,
}

impl<S: Script> Run<S> {
    /// Starts the script with these parameters; the others have their defaults. Panics, as the host refuses,
    /// if the script does not declare one.
    pub fn start(params: &[(&str, &str)]) -> Result<Self, String> {
        let mut values: BTreeMap<String, String> =
            S::ABOUT.defaults().map(|(name, value)| (name.into(), value.into())).collect();
        for (name, value) in params {
            let known = values.insert((*name).into(), (*value).into());
            assert!(known.is_some(), "the script has no parameter `{name}`");
        }
        recorder::with(|recorder| {
            *recorder = recorder::Recorder { params: values, ..Default::default() }
        });
        S::start(&Params::new()).map(|script| Self { script })
    }

    /// Gives the script a batch of these calls and returns its verdicts. What attributes there were from the
    /// batch before are forgotten; tables add up.
    pub fn batch(&mut self, calls: &[Call]) -> Vec<Verdict> {
        recorder::with(|recorder| recorder.attrs.clear());
        let mut bytes = batch(calls);
        entry::run(&mut self.script, &mut bytes).expect("the batch is well-formed");
        let verdicts = Layout::parse(&bytes).expect("no script changes a header").verdicts;
        bytes[verdicts..verdicts + calls.len()]
            .iter()
            .map(|&verdict| Verdict::from(verdict == 0))
            .collect()
    }

    /// Gives the script a tick.
    pub fn tick(&mut self, now_ms: u32) {
        self.script.tick(now_ms);
        table::flush();
    }

    /// The attributes that the script added to an event of the last batch.
    pub fn attrs(&self, event: usize) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        recorder::with(|recorder| {
            let own = recorder.attrs.iter().filter(|(index, ..)| *index as usize == event);
            own.map(|(_, name, value)| (text(name), text(value))).collect()
        })
    }

    /// The rows of a table, sorted by key: labels joined by `, `, and the sum of a counter or the values of a
    /// histogram. Panics if the script did not open it.
    pub fn rows(&self, table: &str) -> Vec<(String, Vec<u64>)> {
        recorder::with(|recorder| {
            let handle = recorder.tables.iter().position(|(_, name, _)| name == table);
            let handle = handle.unwrap_or_else(|| panic!("the script opened no table `{table}`"));
            let is_counter = recorder.tables[handle].0 == 0;
            let mut rows = BTreeMap::<String, Vec<u64>>::new();
            for (_, key, value) in recorder.added.iter().filter(|(to, ..)| *to as usize == handle) {
                let row = rows.entry(String::from_utf8_lossy(key).replace('\0', ", ")).or_default();
                match row.first_mut() {
                    Some(sum) if is_counter => *sum += value,
                    _ => row.push(*value),
                }
            }
            rows.into_iter().collect()
        })
    }

    /// The lines that the script logged.
    pub fn log(&self) -> Vec<(Level, String)> {
        recorder::with(|recorder| recorder.lines.clone())
    }
}
