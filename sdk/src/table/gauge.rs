//! The gauge.

use super::{Kind, Labels, Table, gathered::Gathered};

/// A table of values that change: the last one of each key counts.
///
/// The last values of a batch go to the host when it ends, and have its time.
#[derive(Debug)]
pub struct Gauge(Gathered);

impl Gauge {
    /// Opens a table made by [`Table::gauge`]; what it has from before, it keeps.
    pub fn open(table: &Table) -> Self {
        Self(Gathered::open(table, Kind::Gauge))
    }

    /// Sets the row of a key, which has as many labels as the table.
    #[inline]
    pub fn set<L: Labels>(&self, labels: L, value: i64) {
        // The host takes it as it is, in two's complement.
        self.0.join(labels, value as u64, |_before, now| now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calls::recorder, table::flush};

    #[test]
    fn the_last_value_goes_to_the_host() {
        let open = Gauge::open(&Table::gauge("open", &["process"]));
        open.set("curl", 7);
        open.set("x", 1);
        open.set("curl", -2);
        flush();
        recorder::with(|recorder| {
            let (curl, x) = ((0, b"curl".to_vec(), -2_i64 as u64), (0, b"x".to_vec(), 1));
            assert_eq!(recorder.added, [curl, x]);
        });
    }
}
