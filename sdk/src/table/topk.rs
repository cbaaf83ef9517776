//! The heaviest keys.

use super::{Kind, Labels, Table, gathered::Gathered};

/// A table of the keys with the largest sums, however many keys there are: each row tells its sum and by how
/// much that may be too large.
///
/// The values of a batch are added up here, and go to the host once, when the batch ends.
#[derive(Debug)]
pub struct TopK(Gathered);

impl TopK {
    /// Opens a table made by [`Table::topk`]; what it has from before, it keeps.
    pub fn open(table: &Table) -> Self {
        Self(Gathered::open(table, Kind::TopK))
    }

    /// Adds to the sum of a key, which has as many labels as the table.
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
        let talkers = TopK::open(&Table::topk("talkers", &["process"]).k(10));
        talkers.add("curl", 7);
        talkers.add("curl", 5);
        flush();
        recorder::with(|recorder| {
            assert_eq!(recorder.added, [(0, b"curl".to_vec(), 12)]);
            assert!(recorder.tables[0].2.ends_with(r#","k":10}"#), "{:?}", recorder.tables);
        });
    }
}
