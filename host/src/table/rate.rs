//! Sums over the last while.

use serde::{Deserialize, Serialize};

/// Parts of a window: a power of two, so that every whole number of seconds has whole parts.
const PARTS: u64 = 64;

/// The sum of what was added within a window of time that ends now: a ring of partial sums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Saved", try_from = "Saved")]
pub struct Rate {
    /// Length of a part in nanoseconds.
    part_ns: u64,
    /// The newest part that the ring holds, by number since the Unix epoch.
    newest: u64,
    /// The sum of part number n is at n modulo [`PARTS`].
    sums: [u64; PARTS as usize],
    /// All that was ever added.
    total: u64,
}

impl Rate {
    /// Nothing yet, over a window of so many seconds.
    pub fn new(window_s: u32) -> Self {
        let part_ns = u64::from(window_s.max(1)) * 1_000_000_000 / PARTS;
        Self { part_ns, newest: 0, sums: [0; PARTS as usize], total: 0 }
    }

    /// Adds a value. What is older than the window counts no more.
    pub fn add(&mut self, value: u64, now_ns: u64) {
        self.total = self.total.saturating_add(value);
        let part = now_ns / self.part_ns;
        if part + PARTS <= self.newest {
            // The clock was set back by more than a window: what it said before is worth nothing.
            self.sums.fill(0);
            self.newest = part;
        }
        self.go_to(part);
        self.put(part, value);
    }

    /// Adds another one with the same window. The window of the later one counts.
    pub fn merge(&mut self, from: &Self) {
        debug_assert_eq!(self.part_ns, from.part_ns, "rates of one table have one window");
        self.total = self.total.saturating_add(from.total);
        self.go_to(from.newest);
        for part in from.held() {
            if part + PARTS > self.newest {
                self.put(part, from.sums[(part % PARTS) as usize]);
            }
        }
    }

    /// The sum of the parts that the window at a time covers.
    pub fn sum(&self, now_ns: u64) -> u64 {
        let now = now_ns / self.part_ns;
        let within = self.held().filter(|&part| part <= now && part + PARTS > now);
        within.fold(0, |sum, part| sum.saturating_add(self.sums[(part % PARTS) as usize]))
    }

    /// [`sum`](Self::sum) by the time that the parts cover: the window, less what is left of its
    /// newest part.
    pub fn per_second(&self, now_ns: u64) -> f64 {
        let covered_ns = (PARTS - 1) * self.part_ns + now_ns % self.part_ns;
        self.sum(now_ns) as f64 * 1e9 / covered_ns as f64
    }

    /// All that was ever added.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether its window is of so many seconds.
    pub fn is_over(&self, window_s: u32) -> bool {
        self.part_ns == Self::new(window_s).part_ns
    }

    /// Length of the window.
    pub fn window_s(&self) -> u32 {
        (self.part_ns * PARTS / 1_000_000_000) as u32
    }

    /// The parts that the ring holds.
    fn held(&self) -> std::ops::RangeInclusive<u64> {
        (self.newest + 1).saturating_sub(PARTS)..=self.newest
    }

    /// Makes a part the newest, if it is newer, and empties those in between.
    fn go_to(&mut self, part: u64) {
        if part >= self.newest + PARTS {
            self.sums.fill(0);
        } else {
            for between in self.newest + 1..=part {
                self.sums[(between % PARTS) as usize] = 0;
            }
        }
        self.newest = self.newest.max(part);
    }

    /// Adds to a part that the ring holds.
    fn put(&mut self, part: u64, value: u64) {
        let sum = &mut self.sums[(part % PARTS) as usize];
        *sum = sum.saturating_add(value);
    }
}

/// A rate as it is stored.
#[derive(Serialize, Deserialize)]
struct Saved {
    part_ns: u64,
    newest: u64,
    sums: Vec<u64>,
    total: u64,
}

impl From<Rate> for Saved {
    fn from(Rate { part_ns, newest, sums, total }: Rate) -> Self {
        Self { part_ns, newest, sums: sums.to_vec(), total }
    }
}

impl TryFrom<Saved> for Rate {
    type Error = &'static str;

    fn try_from(Saved { part_ns, newest, sums, total }: Saved) -> Result<Self, Self::Error> {
        let sums = sums.try_into().map_err(|_| "a rate has 64 parts")?;
        if part_ns == 0 || newest > u64::MAX / part_ns {
            return Err("a rate's parts have a length");
        }
        Ok(Self { part_ns, newest, sums, total })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;
    /// Some time in 2026.
    const START: u64 = 1_780_000_000 * SECOND;

    fn of(window_s: u32, added: &[(u64, u64)]) -> Rate {
        let mut rate = Rate::new(window_s);
        for &(at, value) in added {
            rate.add(value, at);
        }
        rate
    }

    #[test]
    fn a_steady_stream() {
        let added: Vec<_> = (0..1_000).map(|n| (START + n * SECOND / 10, 5)).collect();
        let rate = of(60, &added);
        let now = START + 100 * SECOND;
        let told = rate.per_second(now);
        assert!((told - 50.0).abs() < 0.5, "{told}");
        assert_eq!(rate.window_s(), 60);
        assert_eq!(rate.per_second(now + 61 * SECOND), 0.0);
        assert!(rate.per_second(now + 30 * SECOND) < 26.0);
    }

    #[test]
    fn a_clock_that_is_set_back() {
        let mut rate = of(1, &[(START, 5)]);
        rate.add(7, START - 3_600 * SECOND);
        assert_eq!((rate.sum(START), rate.sum(START - 3_600 * SECOND)), (0, 7));
        // By less than a window, nothing is lost.
        rate.add(9, START - 3_600 * SECOND - SECOND / 2);
        assert_eq!(rate.sum(START - 3_600 * SECOND), 16);
    }

    proptest! {
        /// Against all values, each with its time: those within the window count, to a part of it.
        #[test]
        fn as_a_naive_sum(
            window_s in 1..100_u32,
            steps in prop::collection::vec((0..3_000_000_000_u64, 0..1_000_u64), 1..200),
            later in 0..200 * SECOND,
        ) {
            let mut at = START;
            let added: Vec<_> = steps.iter().map(|&(step, value)| { at += step; (at, value) }).collect();
            let rate = of(window_s, &added);
            let now = at + later;
            let window_ns = u64::from(window_s) * SECOND;
            let since = |from: u64| -> u64 {
                added.iter().filter(|&&(at, _)| at > from).map(|&(_, value)| value).sum()
            };
            let part_ns = window_ns / PARTS;
            let told = rate.sum(now);
            prop_assert!(told <= since(now - window_ns) , "{told}");
            prop_assert!(told >= since(now - window_ns + part_ns), "{told}");
            let exact = told as f64 / window_s as f64;
            prop_assert!((rate.per_second(now) - exact).abs() <= exact * 1.001 / 63.0);
        }

        /// Ordered within a window; then it does not matter which ring a value went to.
        #[test]
        fn merging_in_any_order_is_the_same_as_adding_all(
            added in prop::collection::vec((0..5 * SECOND, 0..1_000_u64, 0..3_usize), 1..100),
        ) {
            let mut added: Vec<_> = added.iter().map(|&(at, value, to)| (START + at, value, to)).collect();
            added.sort_unstable();
            let part = |which: usize| {
                let own: Vec<_> = added
                    .iter()
                    .filter(|&&(_, _, to)| to == which)
                    .map(|&(at, value, _)| (at, value))
                    .collect();
                of(2, &own)
            };
            let merged = |order: [usize; 3]| {
                let mut to = part(order[0]);
                to.merge(&part(order[1]));
                to.merge(&part(order[2]));
                to
            };
            let mut grouped = part(1);
            grouped.merge(&part(2));
            let mut first = part(0);
            first.merge(&grouped);
            let all: Vec<_> = added.iter().map(|&(at, value, _)| (at, value)).collect();
            prop_assert_eq!(&first, &of(2, &all));
            prop_assert_eq!(&first, &merged([0, 1, 2]));
            prop_assert_eq!(&first, &merged([2, 0, 1]));
        }
    }
}
