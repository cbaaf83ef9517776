//! What rows hold, for whoever keeps a table's history.

use super::{Distinct, Gauge, Histogram, Rows, Table, TopK};

/// What one row holds.
#[derive(Clone, Copy, Debug)]
pub enum Reading<'a> {
    /// All that was ever added: of a counter and of a rate.
    Sum(u64),
    /// All values.
    Histogram(&'a Histogram),
    /// The value set last.
    Gauge(Gauge),
    /// The different items.
    Distinct(&'a Distinct),
}

impl Table {
    /// Hands each row to `see`, by key; the row `other` has none. A topk is read by [`top`](Self::top).
    pub fn read<'a>(&'a self, mut see: impl FnMut(Option<&'a [u8]>, Reading<'a>)) {
        macro_rules! all {
            ($keyed:ident, $cell:ident => $reading:expr) => {{
                $keyed.rows().for_each(|(key, $cell)| see(Some(key), $reading));
                $keyed.other().into_iter().for_each(|$cell| see(None, $reading));
            }};
        }
        match &self.rows {
            Rows::Counter(keyed) => all!(keyed, cell => Reading::Sum(cell.value())),
            Rows::Rate(keyed) => all!(keyed, cell => Reading::Sum(cell.total())),
            Rows::Histogram(keyed) => all!(keyed, cell => Reading::Histogram(cell)),
            Rows::Gauge(keyed) => all!(keyed, cell => Reading::Gauge(*cell)),
            Rows::Distinct(keyed) => all!(keyed, cell => Reading::Distinct(cell)),
            Rows::TopK(_) => {}
        }
    }

    /// The items of a topk.
    pub fn top(&self) -> Option<&TopK> {
        match &self.rows {
            Rows::TopK(top) => Some(top),
            _ => None,
        }
    }
}
