//! Values counted by size: quantiles with a bounded relative error, in little memory, mergeable.

use serde::{Deserialize, Serialize};

/// Buckets per power of two, as a power of two: a bucket is at most 1/64 as wide as its values, so
/// its middle is within 0.8 % of each.
const PRECISION: u32 = 6;
/// The same for a heat map.
const COARSE: u32 = 2;

/// A histogram with exponential buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Histogram {
    /// Index of the first bucket in `counts`.
    first: usize,
    /// Counts of the buckets from the smallest used to the largest.
    counts: Vec<u64>,
    count: u64,
    sum: u64,
    min: u64,
    max: u64,
}

/// A histogram as it is stored.
#[derive(Deserialize)]
struct Saved {
    first: usize,
    counts: Vec<u64>,
    count: u64,
    sum: u64,
    min: u64,
    max: u64,
}

impl TryFrom<Saved> for Histogram {
    type Error = &'static str;

    fn try_from(saved: Saved) -> Result<Self, Self::Error> {
        let Saved { first, counts, count, sum, min, max } = saved;
        if first.checked_add(counts.len()).is_none_or(|end| end > index(u64::MAX) + 1) {
            return Err("buckets that cannot be");
        }
        if counts.iter().try_fold(0_u64, |sum, &count| sum.checked_add(count)) != Some(count) {
            return Err("buckets that do not sum to the count");
        }
        if min > max {
            return Err("a smallest value above the largest");
        }
        Ok(Self { first, counts, count, sum, min, max })
    }
}

/// A histogram as the API shows it. Quantiles are in the unit of the values.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Summary {
    /// Number of values.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// The smallest.
    pub min: u64,
    /// The largest.
    pub max: u64,
    /// Their arithmetic mean.
    pub mean: f64,
    /// The median.
    pub p50: u64,
    /// The 90th percentile.
    pub p90: u64,
    /// The 99th percentile.
    pub p99: u64,
    /// The 99.9th percentile.
    pub p999: u64,
    /// The buckets that hold anything.
    pub buckets: Vec<Bucket>,
}

/// A range of values, and how many lie in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Bucket {
    /// The smallest value that belongs here.
    pub from: u64,
    /// The largest value that belongs here.
    pub to: u64,
    /// How many there are.
    pub count: u64,
}

impl Histogram {
    /// Counts a value.
    pub fn record(&mut self, value: u64) {
        *self.at(index(value)) += 1;
        self.min = if self.count == 0 { value } else { self.min.min(value) };
        self.max = self.max.max(value);
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
    }

    /// Adds another histogram.
    pub fn merge(&mut self, from: &Self) {
        if from.count == 0 {
            return;
        }
        self.at(from.first);
        self.at(from.first + from.counts.len() - 1);
        let start = from.first - self.first;
        for (own, count) in self.counts[start..].iter_mut().zip(&from.counts) {
            *own += count;
        }
        self.min = if self.count == 0 { from.min } else { self.min.min(from.min) };
        self.max = self.max.max(from.max);
        self.count += from.count;
        self.sum = self.sum.saturating_add(from.sum);
    }

    /// What was recorded since it was as `before`, which it holds. The smallest and the largest of that are
    /// known as exactly as the buckets are wide, unless they are those of all.
    pub fn since(&self, before: &Self) -> Self {
        if before.count == 0 {
            return self.clone();
        }
        let mut counts = self.counts.clone();
        for (place, &count) in before.counts.iter().enumerate() {
            let own = (before.first + place).checked_sub(self.first);
            if let Some(own) = own.and_then(|own| counts.get_mut(own)) {
                *own = own.saturating_sub(count);
            }
        }
        let used = |count: &u64| *count > 0;
        let (Some(lowest), Some(highest)) =
            (counts.iter().position(used), counts.iter().rposition(used))
        else {
            return Self::default();
        };
        let (least, most) = (bounds(self.first + lowest).0, bounds(self.first + highest).1);
        Self {
            first: self.first + lowest,
            count: counts.iter().sum(),
            counts: counts[lowest..=highest].to_vec(),
            sum: self.sum.saturating_sub(before.sum),
            min: least.max(self.min),
            max: most.min(self.max),
        }
    }

    /// How many values lie in the buckets that each four make a power of two, by the smallest value of
    /// each: what a heat map shows.
    pub fn coarse(&self) -> impl Iterator<Item = (usize, u64)> {
        let buckets = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        buckets.map(|(place, &count)| {
            let (from, _) = bounds(self.first + place);
            (index_at(from, COARSE), count)
        })
    }

    /// The smallest value of a coarse bucket.
    pub fn coarse_from(bucket: usize) -> u64 {
        bounds_at(bucket, COARSE).0
    }

    /// The bucket with this index, made if need be.
    fn at(&mut self, index: usize) -> &mut u64 {
        if self.counts.is_empty() {
            self.first = index;
        }
        if index < self.first {
            self.counts.splice(..0, std::iter::repeat_n(0, self.first - index));
            self.first = index;
        }
        let place = index - self.first;
        if place >= self.counts.len() {
            self.counts.resize(place + 1, 0);
        }
        &mut self.counts[place]
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The smallest; 0 if there are no values.
    pub fn min(&self) -> u64 {
        self.min
    }

    /// The largest; 0 if there are no values.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The value that `quantile` (0 to 1) of the values do not exceed, within 1 %; 0 if there are
    /// no values.
    pub fn quantile(&self, quantile: f64) -> u64 {
        let rank = ((self.count as f64 * quantile).ceil() as u64).max(1);
        let mut below = 0;
        for (place, &count) in self.counts.iter().enumerate() {
            below += count;
            if below >= rank {
                let (from, to) = bounds(self.first + place);
                return (from + (to - from) / 2).clamp(self.min, self.max);
            }
        }
        self.max
    }

    /// The histogram as the API shows it.
    pub fn summary(&self) -> Summary {
        let buckets = self.counts.iter().enumerate().filter(|&(_, &count)| count > 0);
        Summary {
            count: self.count,
            sum: self.sum,
            min: self.min,
            max: self.max,
            mean: if self.count == 0 { 0.0 } else { self.sum as f64 / self.count as f64 },
            p50: self.quantile(0.5),
            p90: self.quantile(0.9),
            p99: self.quantile(0.99),
            p999: self.quantile(0.999),
            buckets: buckets
                .map(|(place, &count)| {
                    let (from, to) = bounds(self.first + place);
                    Bucket { from, to, count }
                })
                .collect(),
        }
    }
}

/// The bucket of a value: below 128 its own, above by its seven highest bits.
fn index(value: u64) -> usize {
    index_at(value, PRECISION)
}

/// The smallest and the largest value of a bucket.
fn bounds(index: usize) -> (u64, u64) {
    bounds_at(index, PRECISION)
}

/// [`index`], with so many buckets per power of two, as a power of two.
fn index_at(value: u64, precision: u32) -> usize {
    if value < 2 << precision {
        return value as usize;
    }
    let shift = value.ilog2() - precision;
    ((u64::from(shift) << precision) + (value >> shift)) as usize
}

/// [`bounds`], likewise.
fn bounds_at(index: usize, precision: u32) -> (u64, u64) {
    let index = index as u64;
    if index < 2 << precision {
        return (index, index);
    }
    let shift = (index >> precision) - 1;
    let from = (index - (shift << precision)) << shift;
    (from, from + ((1 << shift) - 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for &value in values {
            histogram.record(value);
        }
        histogram
    }

    /// Values of every size.
    fn value() -> impl Strategy<Value = u64> {
        (0..64u32, any::<u64>()).prop_map(|(shift, value)| value >> shift)
    }

    #[test]
    fn empty() {
        assert_eq!(of(&[]).quantile(0.5), 0);
        assert_eq!(of(&[]).summary().buckets, []);
    }

    #[test]
    fn extremes() {
        let summary = of(&[0, u64::MAX]).summary();
        assert_eq!((summary.min, summary.max, summary.p50), (0, u64::MAX, 0));
        assert!(summary.p99 > u64::MAX / 100 * 99);
    }

    proptest! {
        #[test]
        fn a_value_lies_in_its_bucket(value in value()) {
            let (from, to) = bounds(index(value));
            prop_assert!(from <= value && value <= to);
            prop_assert!((to - from) as f64 <= value as f64 / 64.0);
        }

        #[test]
        fn quantiles_are_within_one_percent(
            mut values in prop::collection::vec(value(), 1..300),
            quantile in 0.0..1.0,
        ) {
            let told = of(&values).quantile(quantile) as f64;
            values.sort_unstable();
            let rank = ((values.len() as f64 * quantile).ceil() as usize).max(1);
            let exact = values[rank - 1] as f64;
            prop_assert!((told - exact).abs() <= exact * 0.01, "{told} for {exact}");
        }

        #[test]
        fn merging_in_any_order_is_the_same_as_counting_all(
            a in prop::collection::vec(value(), 0..50),
            b in prop::collection::vec(value(), 0..50),
            c in prop::collection::vec(value(), 0..50),
        ) {
            let merged = |first: &Histogram, second: &Histogram| {
                let mut to = first.clone();
                to.merge(second);
                to
            };
            let all = of(&[&a[..], &b, &c].concat());
            let [a, b, c] = [a, b, c].map(|values| of(&values));
            prop_assert_eq!(&merged(&merged(&a, &b), &c), &all);
            prop_assert_eq!(&merged(&a, &merged(&b, &c)), &all);
            prop_assert_eq!(&merged(&merged(&c, &a), &b), &all);
        }
    }
}
