//! The histogram.

use super::{Kind, Labels, Table, gathered::Gathered};

/// A table that tells quantiles of values: the host counts them by size, with a relative error of at most
/// 1 %.
#[derive(Debug)]
pub struct Histogram(Gathered);

impl Histogram {
    /// Opens a table made by [`Table::histogram`]; what it has from before, it keeps.
    pub fn open(table: &Table) -> Self {
        Self(Gathered::open(table, Kind::Histogram))
    }

    /// Records a value in the row of a key, which has as many labels as the table.
    #[inline]
    pub fn record<L: Labels>(&self, labels: L, value: u64) {
        self.0.push(labels, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calls::recorder, table::flush};

    #[test]
    fn hands_on_each_value() {
        let took = Histogram::open(&Table::histogram("took", &["process"]));
        took.record("curl", 7);
        took.record("x", 8);
        took.record("curl", 7);
        flush();
        recorder::with(|recorder| {
            let curl = || (0, b"curl".to_vec(), 7);
            assert_eq!(recorder.added, [curl(), (0, b"x".to_vec(), 8), curl()]);
            assert_eq!(recorder.flushes, [0]);
        });
    }
}
