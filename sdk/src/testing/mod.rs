//! Runs a script on hand-made events, on any machine: for a script's unit tests. Not there in Wasm.

mod bytes;
mod call;
mod parts;

use std::collections::BTreeMap;

use crate::{
    Level, Params, Script, Verdict,
    calls::recorder,
    entry,
    table::{self, Kind},
    view::Layout,
};

pub use bytes::{batch, batch_with_stride};
pub use call::Call;

/// Kinds of which a row is a sum.
const SUMS: [u32; 3] = [Kind::Counter as u32, Kind::TopK as u32, Kind::Rate as u32];

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
        recorder::with(|recorder| {
            recorder.attrs.clear();
            recorder.flushes.clear();
        });
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
        recorder::with(|recorder| recorder.flushes.clear());
        self.script.tick(now_ms);
        table::flush();
    }

    /// What the script saves for its next version.
    pub fn save(&mut self) -> Vec<u8> {
        self.script.save()
    }

    /// Lets it go on from what a version of it saved.
    pub fn restore(&mut self, version: u32, state: &[u8]) -> Result<(), String> {
        self.script.restore(version, state)
    }

    /// Says what the host knows of a process, a JSON object.
    pub fn knows(&mut self, pid: u32, json: &str) {
        recorder::with(|recorder| recorder.processes.insert(pid, json.to_owned()));
    }

    /// The results that it emitted.
    pub fn emitted(&self) -> Vec<String> {
        recorder::with(|recorder| recorder.emitted.clone())
    }

    /// The attributes that the script added to an event of the last batch.
    pub fn attrs(&self, event: usize) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        recorder::with(|recorder| {
            let own = recorder.attrs.iter().filter(|(index, ..)| *index as usize == event);
            own.map(|(_, name, value)| (text(name), text(value))).collect()
        })
    }

    /// The rows of a table, sorted by key: labels joined by `, `; and of a counter, a topk or a rate the sum, of
    /// a gauge the last value in two's complement, of a histogram all values, of a distinct the different items.
    /// Panics if the script did not open it.
    pub fn rows(&self, table: &str) -> Vec<(String, Vec<u64>)> {
        recorder::with(|recorder| {
            let handle = recorder.tables.iter().position(|(_, name, _)| name == table);
            let handle = handle.unwrap_or_else(|| panic!("the script opened no table `{table}`"));
            let kind = recorder.tables[handle].0;
            let mut rows = BTreeMap::<String, Vec<u64>>::new();
            for (_, key, value) in recorder.added.iter().filter(|(to, ..)| *to as usize == handle) {
                let row = rows.entry(String::from_utf8_lossy(key).replace('\0', ", ")).or_default();
                let known = kind == Kind::Distinct as u32 && row.contains(value);
                match row.first_mut() {
                    Some(sum) if SUMS.contains(&kind) => *sum += value,
                    Some(last) if kind == Kind::Gauge as u32 => *last = *value,
                    Some(_) if known => {}
                    _ => row.push(*value),
                }
            }
            rows.into_iter().collect()
        })
    }

    /// How many calls to the host the last batch or tick took to hand on what it added to tables: at most one
    /// for each table.
    pub fn flushes(&self) -> usize {
        recorder::with(|recorder| recorder.flushes.len())
    }

    /// The lines that the script logged.
    pub fn log(&self) -> Vec<(Level, String)> {
        recorder::with(|recorder| recorder.lines.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        About, Counter, Distinct, Event, Gauge, Histogram, Out, Rate, Table, TopK, table::flush,
    };

    const LABELS: &[&str] = &["process"];
    const COUNTER: Table = Table::counter("counter", LABELS);
    const HISTOGRAM: Table = Table::histogram("histogram", LABELS);
    const GAUGE: Table = Table::gauge("gauge", LABELS);
    const TOPK: Table = Table::topk("topk", LABELS);
    const DISTINCT: Table = Table::distinct("distinct", LABELS);
    const RATE: Table = Table::rate("rate", LABELS);

    /// One of each.
    struct All(Counter, Histogram, Gauge, TopK, Distinct, Rate);

    impl Script for All {
        const ABOUT: About =
            About::aggregate("").tables(&[COUNTER, HISTOGRAM, GAUGE, TOPK, DISTINCT, RATE]);

        fn start(_: &Params) -> Result<Self, String> {
            Ok(Self(
                Counter::open(&COUNTER),
                Histogram::open(&HISTOGRAM),
                Gauge::open(&GAUGE),
                TopK::open(&TOPK),
                Distinct::open(&DISTINCT),
                Rate::open(&RATE),
            ))
        }

        fn event(&mut self, event: &Event<'_>, _: &mut Out) -> Verdict {
            let (key, value) = (event.comm(), event.duration_ns());
            self.0.add(key, value);
            self.1.record(key, value);
            self.2.set(key, value as i64);
            self.3.add(key, value);
            self.4.add_id(key, value);
            self.5.add(key, value);
            Verdict::Keep
        }
    }

    #[test]
    fn rows_of_each_kind_by_one_call_a_table() {
        let mut run = Run::<All>::start(&[]).unwrap();
        let calls = [5, 3, 5].map(|value| Call::new().comm("curl").duration_ns(value));
        run.batch(&calls);
        assert_eq!(run.flushes(), 6);
        run.batch(&[&calls[..], &[Call::new().comm("x").duration_ns(1)]].concat());
        assert_eq!(run.flushes(), 6);
        for (table, curl) in [
            ("counter", &[26][..]),
            ("histogram", &[5, 3, 5, 5, 3, 5]),
            ("gauge", &[5]),
            ("topk", &[26]),
            ("distinct", &[5, 3]),
            ("rate", &[26]),
        ] {
            let expected = [("curl".to_owned(), curl.to_vec()), ("x".to_owned(), vec![1])];
            assert_eq!(run.rows(table), expected, "{table}");
        }
        run.tick(1_000);
        assert_eq!(run.flushes(), 0);
        flush();
    }
}
