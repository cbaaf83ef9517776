//! The counter.

use super::{Kind, Labels, Table, gathered::Gathered};

/// A table that adds values up.
///
/// The values of a batch are added up here, and go to the host once, when the batch ends.
#[derive(Debug)]
pub struct Counter(Gathered);

impl Counter {
    /// Opens a table made by [`Table::counter`]; what it has from before, it keeps.
    pub fn open(table: &Table) -> Self {
        Self(Gathered::open(table, Kind::Counter))
    }

    /// Adds to the row of a key, which has as many labels as the table.
    ///
    /// ```
    /// # use weir_sdk::{Counter, Event, Table};
    /// # fn event(by_process: Counter, by_both: Counter, event: Event) {
    /// by_process.add(event.comm(), 1);
    /// by_both.add((event.comm(), event.destination()), event.bytes().unwrap_or(0));
    /// # }
    /// ```
    #[inline]
    pub fn add<L: Labels>(&self, labels: L, value: u64) {
        self.0.join(labels, value, u64::saturating_add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calls::recorder, table::flush};

    #[test]
    fn goes_to_the_host_once() {
        let calls = Counter::open(&Table::counter("calls", &["process", "service"]));
        calls.add(["curl", "dns"], 1);
        calls.add(["curl", "dns"], 2);
        calls.add(("curl", "http"), 4);
        recorder::with(|recorder| assert!(recorder.added.is_empty()));
        flush();
        flush();
        recorder::with(|recorder| {
            assert_eq!(
                recorder.added,
                [(0, b"curl\0dns".to_vec(), 3), (0, b"curl\0http".to_vec(), 4)]
            );
            assert_eq!(recorder.flushes, [0]);
        });
    }
}
