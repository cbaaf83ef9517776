//! The histogram.

use std::cell::RefCell;

use super::{Kind, Labels, Table};
use crate::calls::table_add::table_add;

/// A table that tells quantiles of values: the host counts them by size, with a relative error of at most
/// 1 %.
#[derive(Debug)]
pub struct Histogram {
    table: Table,
    handle: u32,
    /// Room for a key.
    key: RefCell<Vec<u8>>,
}

impl Histogram {
    /// Opens a table made by [`Table::histogram`]; what it has from before, it keeps.
    pub fn open(table: &Table) -> Self {
        Self { table: *table, handle: table.open(Kind::Histogram), key: RefCell::default() }
    }

    /// Records a value in the row of a key, which has as many labels as the table.
    #[inline]
    pub fn record<L: Labels>(&self, labels: L, value: u64) {
        self.table.check::<L>();
        let key = &mut *self.key.borrow_mut();
        key.clear();
        labels.write(key);
        table_add(self.handle, key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::recorder;

    #[test]
    fn hands_on_each_value() {
        let took = Histogram::open(&Table::histogram("took", &["process"]));
        took.record("curl", 7);
        took.record("x", 8);
        recorder::with(|recorder| {
            assert_eq!(recorder.added, [(0, b"curl".to_vec(), 7), (0, b"x".to_vec(), 8)]);
        });
    }
}
