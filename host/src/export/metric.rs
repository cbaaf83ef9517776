//! A reading of what Weir knows, in the terms that Prometheus and OpenTelemetry share.

use crate::table::{Summary, Values};

/// One metric: its points have the same labels, in the same order.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Lower-case words joined by dots, as in OpenTelemetry: `weir.pipeline.events`.
    pub name: String,
    /// One line on what it says.
    pub help: String,
    /// Unit of the values as in UCUM; empty if it has none.
    pub unit: String,
    /// How values change.
    pub kind: MetricKind,
    /// Names of the labels.
    pub labels: Vec<String>,
    /// The values.
    pub points: Vec<Point>,
    /// The table it shows; none, if it is of Weir's own state.
    pub table: Option<TableName>,
}

/// What a table is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The script that it is of.
    pub script: String,
    /// Its own name.
    pub table: String,
}

/// How a metric's values change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// They only grow.
    Counter,
    /// They come and go.
    Gauge,
    /// They are counted by size.
    Histogram,
    /// They are 1; the labels say all.
    Info,
}

/// One value and what it is of.
#[derive(Clone, Debug)]
pub struct Point {
    /// Values of the labels, as many as the metric has.
    pub labels: Vec<String>,
    /// The value.
    pub value: Value,
    /// Whether it is what a table had no room for.
    pub other: bool,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A count or a sum.
    Unsigned(u64),
    /// A number that may be negative.
    Signed(i64),
    /// A share, a rate, or seconds.
    Float(f64),
    /// Values by size.
    Histogram(Sizes),
}

/// Values by size, in the table's unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// Largest value of each bucket but the last, which has no end.
    pub bounds: Vec<u64>,
    /// How many values are in each bucket: one more than there are bounds.
    pub counts: Vec<u64>,
    /// How many values there are.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// The smallest.
    pub min: u64,
    /// The largest.
    pub max: u64,
}

/// The bounds of buckets: all ones in binary, from so many digits to so many. They are edges of a
/// table's own, finer buckets, so no value is counted in the wrong one.
const DIGITS_NS: std::ops::RangeInclusive<u32> = 8..=36;
/// The same of values that are no nanoseconds.
const DIGITS: std::ops::RangeInclusive<u32> = 0..=32;

impl Sizes {
    /// Counts a table's buckets by fewer and coarser ones, which are the same for every row.
    pub fn of(summary: &Summary, unit: &str) -> Self {
        let digits = if unit == "ns" { DIGITS_NS } else { DIGITS };
        let bounds: Vec<u64> = digits.map(|digits| (1 << digits) - 1).collect();
        let mut counts = vec![0; bounds.len() + 1];
        for bucket in &summary.buckets {
            counts[bounds.partition_point(|&bound| bound < bucket.to)] += bucket.count;
        }
        let &Summary { count, sum, min, max, .. } = summary;
        Self { bounds, counts, count, sum, min, max }
    }

    /// Adds another one with the same bounds.
    pub fn merge(&mut self, from: &Self) {
        for (own, count) in self.counts.iter_mut().zip(&from.counts) {
            *own += count;
        }
        self.count += from.count;
        self.sum = self.sum.saturating_add(from.sum);
        (self.min, self.max) = (self.min.min(from.min), self.max.max(from.max));
    }
}

impl Value {
    /// What a row of a table shows; of a topk and a rate its value alone.
    pub fn of_row(values: &Values, unit: &str) -> Self {
        match values {
            Values::Counter { value }
            | Values::TopK { value, .. }
            | Values::Distinct { value, .. } => Self::Unsigned(*value),
            Values::Gauge { value, .. } => Self::Signed(*value),
            Values::Rate { per_second, .. } => Self::Float(*per_second),
            Values::Histogram(summary) => Self::Histogram(Sizes::of(summary, unit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::table::Histogram;

    proptest! {
        /// Against the values themselves: coarser buckets lose nothing and put nothing into a wrong place.
        #[test]
        fn every_value_is_within_its_bucket(
            values in prop::collection::vec((0..64u32, any::<u64>()), 1..100),
            ns in any::<bool>(),
        ) {
            let values: Vec<u64> = values.iter().map(|&(shift, value)| value >> shift).collect();
            let mut histogram = Histogram::default();
            values.iter().for_each(|&value| histogram.record(value));
            let sizes = Sizes::of(&histogram.summary(), if ns { "ns" } else { "By" });
            prop_assert_eq!(sizes.counts.len(), sizes.bounds.len() + 1);
            prop_assert_eq!(sizes.counts.iter().sum::<u64>(), sizes.count);
            let mut below = 0;
            for (bound, count) in sizes.bounds.iter().zip(&sizes.counts) {
                below += count;
                let exact = values.iter().filter(|&value| value <= bound).count() as u64;
                prop_assert_eq!(below, exact, "at most {}", bound);
            }
        }
    }
}
