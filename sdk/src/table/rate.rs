//! The rate.

use super::{Kind, Labels, Table, gathered::Gathered};

/// A table that adds values up over a window of time, and tells how much that is per second.
///
/// The values of a batch are added up here, go to the host once, when the batch ends, and have its time.
#[derive(Debug)]
pub struct Rate(Gathered);

impl Rate {
    /// Opens a table made by [`Table::rate`]; what it has from before, it keeps.
    pub fn open(table: &Table) -> Self {
        Self(Gathered::open(table, Kind::Rate))
    }

    /// Adds to the row of a key, which has as many labels as the table.
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
    fn adds_up_before_it_goes_to_the_host() {
        let bytes = Rate::open(&Table::rate("bytes", &["process"]).window_s(10));
        bytes.add("curl", 7);
        bytes.add("curl", 5);
        flush();
        recorder::with(|recorder| {
            assert_eq!(recorder.added, [(0, b"curl".to_vec(), 12)]);
            assert!(recorder.tables[0].2.ends_with(r#","window_s":10}"#), "{:?}", recorder.tables);
        });
    }
}
