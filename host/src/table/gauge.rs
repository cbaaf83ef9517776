//! The value set last.

use serde::{Deserialize, Serialize};

/// A value that each new one replaces. Of two gauges the one set later counts, of two set at the same
/// time the larger: so the order in which gauges are merged does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gauge {
    /// When it was set, Unix time; first, so that gauges compare by it.
    set_ns: u64,
    value: i64,
}

impl Gauge {
    /// Sets the value. What was set later than `now_ns` stays.
    pub fn set(&mut self, value: i64, now_ns: u64) {
        if now_ns >= self.set_ns {
            *self = Self { set_ns: now_ns, value };
        }
    }

    /// Takes the later one.
    pub fn merge(&mut self, from: &Self) {
        if (from.set_ns, from.value) > (self.set_ns, self.value) {
            *self = *from;
        }
    }

    /// The value.
    pub fn value(self) -> i64 {
        self.value
    }

    /// When it was set: nanoseconds since the Unix epoch.
    pub fn set_ns(self) -> u64 {
        self.set_ns
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(value: i64, now_ns: u64) -> Gauge {
        let mut gauge = Gauge::default();
        gauge.set(value, now_ns);
        gauge
    }

    #[test]
    fn the_last_one_counts() {
        let mut gauge = of(7, 10);
        gauge.set(-3, 10);
        assert_eq!((gauge.value(), gauge.set_ns()), (-3, 10));
        // A batch may be older than one that another pipeline had.
        gauge.set(5, 9);
        assert_eq!((gauge.value(), gauge.set_ns()), (-3, 10));
    }

    proptest! {
        #[test]
        fn merging_takes_the_latest_in_any_order(
            set in prop::collection::vec((-3..3_i64, 1..5_u64), 1..10),
            cut in 0..10_usize,
        ) {
            let gauges: Vec<_> = set.iter().map(|&(value, at)| of(value, at)).collect();
            let merged = |gauges: &[Gauge]| {
                gauges.iter().fold(Gauge::default(), |mut to, from| { to.merge(from); to })
            };
            let (left, right) = gauges.split_at(cut.min(gauges.len()));
            let mut grouped = merged(right);
            grouped.merge(&merged(left));
            let &(value, set_ns) = set.iter().max_by_key(|&&(value, at)| (at, value)).unwrap();
            prop_assert_eq!(grouped, Gauge { set_ns, value });
            prop_assert_eq!(merged(&gauges), grouped);
        }
    }
}
