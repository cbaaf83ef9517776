//! Rows as the API shows them, and what they are sorted by.

use std::{
    cmp::{Ordering, Reverse},
    fmt,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::{
    Counter, Distinct, Gauge, Histogram, Kind, Rate,
    histogram::Summary,
    keyed::{Cell, Keyed},
    topk::{TopK, Weighed},
};

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The labels.
    Key,
    /// The value; of a rate, the sum within its window.
    Value,
    /// The number of values.
    Count,
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The smallest value.
    Min,
    /// The median.
    P50,
    /// The 90th percentile.
    P90,
    /// The 99th percentile.
    P99,
    /// The 99.9th percentile.
    P999,
    /// The largest value.
    Max,
    /// By how much a count may be too large.
    Error,
    /// The rate.
    PerSecond,
    /// When a gauge was set.
    Set,
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A wish for an order that rows of this kind cannot have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a table of kind {kind} cannot be sorted by {sort}: choose from {}", list(*kind))]
pub struct SortError {
    kind: Kind,
    sort: Sort,
}

fn list(kind: Kind) -> String {
    kind.sorts().iter().map(Sort::to_string).collect::<Vec<_>>().join(", ")
}

/// Which rows, in which order, as of when.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// What they are sorted by; what the kind is for, unless set.
    pub sort: Option<Sort>,
    /// Whether the largest come first.
    pub descending: bool,
    /// Most rows.
    pub limit: usize,
    /// When they are looked at, Unix time: a rate depends on it.
    pub now_ns: u64,
}

impl Query {
    /// The order, if rows of this kind can have it.
    pub(super) fn sort_of(&self, kind: Kind) -> Result<Sort, SortError> {
        let sort = self.sort.unwrap_or(kind.sorts()[0]);
        if kind.sorts().contains(&sort) { Ok(sort) } else { Err(SortError { kind, sort }) }
    }
}

/// One row as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Row {
    /// The labels.
    pub key: Vec<String>,
    /// The numbers.
    #[serde(flatten)]
    pub values: Values,
}

/// The numbers of a row.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Values {
    /// Of a counter.
    Counter {
        /// The sum.
        value: u64,
    },
    /// Of a histogram.
    Histogram(Box<Summary>),
    /// Of a gauge.
    Gauge {
        /// What it was set to last.
        value: i64,
        /// When that was, in RFC 3339.
        set: String,
    },
    /// Of a topk.
    TopK {
        /// The sum is at most this.
        value: u64,
        /// And by at most so much less.
        error: u64,
    },
    /// Of a distinct.
    Distinct {
        /// How many there are.
        value: u64,
        /// The standard error of that, by the value; 0 where it is exact.
        relative_error: f64,
    },
    /// Of a rate.
    Rate {
        /// The sum within the window by the seconds that it covers.
        per_second: f64,
        /// The sum within the window.
        value: u64,
        /// Length of the window.
        window_s: u32,
    },
}

/// What a cell shows.
pub trait Shown: Cell {
    /// What it is sorted by. Among cells of a table whole numbers order as what they stand for.
    fn number(&self, sort: Sort, now_ns: u64) -> i128;
    /// Its numbers.
    fn values(&self, now_ns: u64) -> Values;
}

impl Shown for Counter {
    fn number(&self, _: Sort, _: u64) -> i128 {
        self.value().into()
    }

    fn values(&self, _: u64) -> Values {
        Values::Counter { value: self.value() }
    }
}

impl Shown for Histogram {
    fn number(&self, sort: Sort, _: u64) -> i128 {
        i128::from(match sort {
            Sort::Sum => self.sum(),
            Sort::Mean => self.sum() / self.count().max(1),
            Sort::Min => self.min(),
            Sort::P50 => self.quantile(0.5),
            Sort::P90 => self.quantile(0.9),
            Sort::P99 => self.quantile(0.99),
            Sort::P999 => self.quantile(0.999),
            Sort::Max => self.max(),
            _ => self.count(),
        })
    }

    fn values(&self, _: u64) -> Values {
        Values::Histogram(Box::new(self.summary()))
    }
}

impl Shown for Gauge {
    fn number(&self, sort: Sort, _: u64) -> i128 {
        if sort == Sort::Set { self.set_ns().into() } else { self.value().into() }
    }

    fn values(&self, _: u64) -> Values {
        let set = UNIX_EPOCH + Duration::from_nanos(self.set_ns());
        let set = humantime::format_rfc3339_nanos(set).to_string();
        Values::Gauge { value: self.value(), set }
    }
}

impl Shown for Distinct {
    fn number(&self, _: Sort, _: u64) -> i128 {
        self.value().into()
    }

    fn values(&self, _: u64) -> Values {
        Values::Distinct { value: self.value(), relative_error: self.relative_error() }
    }
}

impl Shown for Rate {
    fn number(&self, _: Sort, now_ns: u64) -> i128 {
        self.sum(now_ns).into()
    }

    fn values(&self, now_ns: u64) -> Values {
        Values::Rate {
            per_second: self.per_second(now_ns),
            value: self.sum(now_ns),
            window_s: self.window_s(),
        }
    }
}

impl<C: Shown> Shown for Arc<C> {
    fn number(&self, sort: Sort, now_ns: u64) -> i128 {
        (**self).number(sort, now_ns)
    }

    fn values(&self, now_ns: u64) -> Values {
        (**self).values(now_ns)
    }
}

/// The rows of a keyed table.
pub(super) fn of_keyed<C: Shown>(
    keyed: &Keyed<C>,
    sort: Sort,
    query: &Query,
) -> (Vec<Row>, Option<Row>) {
    let now_ns = query.now_ns;
    let number = |cell: &C| if sort == Sort::Key { 0 } else { cell.number(sort, now_ns) };
    let mut rows: Vec<_> = keyed.rows().map(|(key, cell)| (number(cell), key, cell)).collect();
    rows.sort_unstable_by(|a, b| order((a.0, a.1), (b.0, b.1), sort, query.descending));
    rows.truncate(query.limit);
    let row = |key: &[u8], cell: &C| Row { key: labels(key), values: cell.values(now_ns) };
    let shown = rows.into_iter().map(|(_, key, cell)| row(key, cell)).collect();
    (shown, keyed.other().map(|cell| row(b"other", cell)))
}

/// The rows of a topk: of those with the largest sums, whatever the order.
pub(super) fn of_topk(top: &TopK, sort: Sort, query: &Query) -> (Vec<Row>, Option<Row>) {
    let number = |item: &Weighed<'_>| match sort {
        Sort::Key => 0,
        Sort::Error => item.error.into(),
        _ => i128::from(item.count),
    };
    let mut items = top.heaviest();
    items.sort_by(|a, b| order((number(a), a.key), (number(b), b.key), sort, query.descending));
    items.truncate(query.limit);
    let row =
        |key: &[u8], value, error| Row { key: labels(key), values: Values::TopK { value, error } };
    let shown = items.iter().map(|item| row(item.key, item.count, item.error)).collect();
    (shown, top.other().map(|(count, error)| row(b"other", count, error)))
}

/// Rows from elsewhere, as the API shows rows of a table of this kind.
pub fn sorted(
    kind: Kind,
    rows: impl IntoIterator<Item = (Vec<u8>, Values)>,
    query: &Query,
) -> Result<Vec<Row>, SortError> {
    let sort = query.sort_of(kind)?;
    let rows = rows.into_iter().map(|(key, values)| (values.number(sort), key, values));
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|a, b| order((a.0, &a.1), (b.0, &b.1), sort, query.descending));
    rows.truncate(query.limit);
    Ok(rows.into_iter().map(|(_, key, values)| Row { key: labels(&key), values }).collect())
}

impl Values {
    fn number(&self, sort: Sort) -> i128 {
        match self {
            _ if sort == Sort::Key => 0,
            Self::Gauge { set, .. } if sort == Sort::Set => {
                let since = humantime::parse_rfc3339(set).ok();
                let since = since.and_then(|set| set.duration_since(UNIX_EPOCH).ok());
                since.map_or(0, |since| since.as_nanos() as i128)
            }
            Self::Gauge { value, .. } => (*value).into(),
            Self::TopK { error, .. } if sort == Sort::Error => (*error).into(),
            Self::Counter { value }
            | Self::TopK { value, .. }
            | Self::Distinct { value, .. }
            | Self::Rate { value, .. } => (*value).into(),
            Self::Histogram(summary) => i128::from(match sort {
                Sort::Sum => summary.sum,
                Sort::Mean => summary.sum / summary.count.max(1),
                Sort::Min => summary.min,
                Sort::P50 => summary.p50,
                Sort::P90 => summary.p90,
                Sort::P99 => summary.p99,
                Sort::P999 => summary.p999,
                Sort::Max => summary.max,
                _ => summary.count,
            }),
        }
    }
}

/// By number, equal ones by key from a to z; or by key alone.
fn order(a: (i128, &[u8]), b: (i128, &[u8]), sort: Sort, descending: bool) -> Ordering {
    match (sort, descending) {
        (Sort::Key, false) => a.1.cmp(b.1),
        (Sort::Key, true) => b.1.cmp(a.1),
        (_, false) => a.cmp(&b),
        (_, true) => (Reverse(a.0), a.1).cmp(&(Reverse(b.0), b.1)),
    }
}

/// The labels that a key is made of.
pub fn labels(key: &[u8]) -> Vec<String> {
    let labels = key.split(|&byte| byte == 0);
    labels.map(|label| String::from_utf8_lossy(label).into_owned()).collect()
}
