//! Named aggregates that scripts update and the host owns. Pure: no I/O, no clock.

mod counter;
mod histogram;
mod set;

use std::{cmp::Ordering, collections::HashMap};

use serde::{Deserialize, Serialize};

pub use counter::Counter;
pub use histogram::Histogram;
pub use set::Tables;

/// Most rows of a table, unless set otherwise. Further keys go into the row `other`.
pub const MAX_KEYS: usize = 10_000;

/// What a table does with the values that it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// Adds them up.
    Counter,
    /// Counts them by size, so that quantiles can be told with a relative error of at most 1 %.
    Histogram,
}

impl Kind {
    /// The kind with this number, as scripts name it in `table_open`.
    pub fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Counter),
            1 => Some(Self::Histogram),
            _ => None,
        }
    }
}

/// What a script says of a table when it opens it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Names of the labels that a key is made of, one to four.
    pub labels: Vec<String>,
    /// Unit of the values as in UCUM: `ns`, `By`, `1`.
    pub unit: String,
    /// One line on what the table says.
    pub help: String,
}

/// One table. A key is its labels, joined by NUL.
#[derive(Clone, Debug)]
pub struct Table {
    /// What it does with values.
    pub kind: Kind,
    /// What the script said of it.
    pub options: Options,
    /// Most rows.
    pub max_keys: usize,
    rows: HashMap<Box<[u8]>, Cell>,
    other: Option<Cell>,
}

#[derive(Clone, Debug)]
enum Cell {
    Counter(Counter),
    Histogram(Histogram),
}

impl Cell {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Self::Counter(Counter::default()),
            Kind::Histogram => Self::Histogram(Histogram::default()),
        }
    }

    fn add(&mut self, value: u64) {
        match self {
            Self::Counter(counter) => counter.add(value),
            Self::Histogram(histogram) => histogram.record(value),
        }
    }

    fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Counter(to), Self::Counter(from)) => to.merge(from),
            (Self::Histogram(to), Self::Histogram(from)) => to.merge(from),
            _ => unreachable!("cells of one table are of one kind"),
        }
    }
}

impl Table {
    /// An empty table.
    pub fn new(kind: Kind, options: Options) -> Self {
        Self { kind, options, max_keys: MAX_KEYS, rows: HashMap::new(), other: None }
    }

    /// Adds a value to the row of a key.
    pub fn add(&mut self, key: &[u8], value: u64) {
        if let Some(cell) = self.rows.get_mut(key) {
            return cell.add(value);
        }
        self.room_for(key).add(value);
    }

    /// Adds another table of the same kind to this one.
    pub fn merge(&mut self, from: &Self) {
        assert_eq!(self.kind, from.kind, "tables of one name are of one kind");
        for (key, cell) in &from.rows {
            match self.rows.get_mut(key) {
                Some(own) => own.merge(cell),
                None => self.room_for(key).merge(cell),
            }
        }
        if let Some(other) = &from.other {
            self.other.get_or_insert_with(|| Cell::new(from.kind)).merge(other);
        }
    }

    /// A new row, or the row `other` when there is no room for one.
    fn room_for(&mut self, key: &[u8]) -> &mut Cell {
        let new = || Cell::new(self.kind);
        if self.rows.len() < self.max_keys {
            self.rows.entry(key.into()).or_insert_with(new)
        } else {
            self.other.get_or_insert_with(new)
        }
    }

    /// Number of rows, without `other`.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.other.is_none()
    }

    /// The rows as the API shows them, in an order, up to a number; and the row `other`.
    pub fn rows(&self, sort: Sort, descending: bool, limit: usize) -> (Vec<Row>, Option<Row>) {
        let mut rows: Vec<_> = self.rows.iter().map(|(key, cell)| Row::new(key, cell)).collect();
        rows.sort_by(|a, b| {
            let order = a.compare(b, sort);
            let order = if descending { order.reverse() } else { order };
            order.then_with(|| a.key.cmp(&b.key))
        });
        rows.truncate(limit);
        (rows, self.other.as_ref().map(|cell| Row::new(b"other", cell)))
    }
}

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The value of a counter, the number of values of a histogram.
    #[default]
    Value,
    /// The number of values, for a counter the same as `value`.
    Count,
    /// The labels.
    Key,
    /// The median.
    P50,
    /// The 90th percentile.
    P90,
    /// The 99th percentile.
    P99,
    /// The largest value.
    Max,
}

/// One row as the API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The labels.
    pub key: Vec<String>,
    /// The numbers.
    #[serde(flatten)]
    pub values: Values,
}

/// The numbers of a row.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Values {
    /// Of a counter.
    Counter {
        /// The sum.
        value: u64,
    },
    /// Of a histogram.
    Histogram(Box<histogram::Summary>),
}

impl Row {
    fn new(key: &[u8], cell: &Cell) -> Self {
        let labels = key.split(|&byte| byte == 0);
        Self {
            key: labels.map(|label| String::from_utf8_lossy(label).into_owned()).collect(),
            values: match cell {
                Cell::Counter(counter) => Values::Counter { value: counter.value() },
                Cell::Histogram(histogram) => Values::Histogram(Box::new(histogram.summary())),
            },
        }
    }

    fn compare(&self, other: &Self, sort: Sort) -> Ordering {
        if sort == Sort::Key {
            return self.key.cmp(&other.key);
        }
        let number = |row: &Self| match &row.values {
            Values::Counter { value } => *value,
            Values::Histogram(summary) => match sort {
                Sort::P50 => summary.p50,
                Sort::P90 => summary.p90,
                Sort::P99 => summary.p99,
                Sort::Max => summary.max,
                Sort::Value | Sort::Count | Sort::Key => summary.count,
            },
        };
        number(self).cmp(&number(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(table: &Table) -> Vec<(Vec<String>, u64)> {
        let (rows, other) = table.rows(Sort::Value, true, 100);
        rows.into_iter()
            .chain(other)
            .map(|row| match row.values {
                Values::Counter { value } => (row.key, value),
                Values::Histogram(summary) => (row.key, summary.count),
            })
            .collect()
    }

    #[test]
    fn keys_beyond_the_cap_go_into_other() {
        let mut table = Table::new(Kind::Counter, Options::default());
        table.max_keys = 2;
        for (key, value) in [("a", 5), ("b", 7), ("c", 1), ("d", 1), ("a", 5)] {
            table.add(key.as_bytes(), value);
        }
        let key = |text: &str| vec![text.to_owned()];
        assert_eq!(values(&table), [(key("a"), 10), (key("b"), 7), (key("other"), 2)]);
    }

    #[test]
    fn merging_loses_nothing() {
        for kind in [Kind::Counter, Kind::Histogram] {
            let mut a = Table::new(kind, Options::default());
            let mut b = a.clone();
            b.max_keys = 1;
            a.add(b"x\0y", 1);
            b.add(b"x\0y", 1);
            b.add(b"z", 1);
            a.merge(&b);
            let total: u64 = values(&a).iter().map(|(_, value)| value).sum();
            assert_eq!(total, 3);
            assert_eq!(values(&a)[0].0, ["x", "y"]);
        }
    }

    #[test]
    fn rows_are_sorted_and_cut() {
        let mut table = Table::new(Kind::Counter, Options::default());
        for (key, value) in [("b", 1), ("a", 1), ("c", 3)] {
            table.add(key.as_bytes(), value);
        }
        let keys = |sort, descending, limit| {
            let (rows, _) = table.rows(sort, descending, limit);
            rows.into_iter().map(|row| row.key[0].clone()).collect::<Vec<_>>()
        };
        assert_eq!(keys(Sort::Value, true, 10), ["c", "a", "b"]);
        assert_eq!(keys(Sort::Key, true, 2), ["c", "b"]);
    }
}
