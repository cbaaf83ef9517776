//! How many different items there were.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
};

use serde::{Deserialize, Serialize};

/// Number of registers as a power of two.
const PRECISION: u32 = 12;
const REGISTERS: usize = 1 << PRECISION;
/// Largest value of a register: one more than the bits of a hash beyond those that choose it.
const LARGEST: usize = 64 - PRECISION as usize + 1;
/// Up to so many items are kept themselves, in about the room of the registers.
const EXACT: usize = 448;

/// The standard error of a count that is not exact, 1.04 / √4096: of a hundred counts 68 are nearer to
/// the truth than that, and all but 0.3 nearer than three times as much.
pub const RELATIVE_ERROR: f64 = 0.01625;

/// The number of different items: exact while they are few, then a HyperLogLog. Which of the two, and
/// what is in it, depends on the items alone, so the order in which they are merged does not matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Saved", try_from = "Saved")]
pub enum Distinct {
    /// The items, mixed.
    Few(HashSet<u64, BuildHasherDefault<Mixed>>),
    /// Of the items that chose a register, the longest run of zeros and the one behind it.
    Many(Box<[u8; REGISTERS]>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Few(HashSet::default())
    }
}

impl Distinct {
    /// Adds an item: a number, or a hash of whatever the item is.
    pub fn add(&mut self, item: u64) {
        self.add_mixed(mix(item));
    }

    fn add_mixed(&mut self, mixed: u64) {
        match self {
            Self::Few(items) => {
                if items.insert(mixed) && items.len() > EXACT {
                    let mut registers = Box::new([0; REGISTERS]);
                    items.iter().for_each(|&mixed| note(&mut registers, mixed));
                    *self = Self::Many(registers);
                }
            }
            Self::Many(registers) => note(registers, mixed),
        }
    }

    /// Adds the items of another one.
    pub fn merge(&mut self, from: &Self) {
        match from {
            Self::Few(items) => items.iter().for_each(|&mixed| self.add_mixed(mixed)),
            Self::Many(theirs) => {
                let own = std::mem::replace(self, Self::Many(theirs.clone()));
                match (own, self) {
                    (Self::Few(items), this) => {
                        items.iter().for_each(|&mixed| this.add_mixed(mixed));
                    }
                    (Self::Many(own), Self::Many(registers)) => {
                        for (register, own) in registers.iter_mut().zip(own.iter()) {
                            *register = (*register).max(*own);
                        }
                    }
                    (Self::Many(_), Self::Few(_)) => unreachable!("replaced above"),
                }
            }
        }
    }

    /// How many there are, within [`relative_error`](Self::relative_error).
    pub fn value(&self) -> u64 {
        match self {
            Self::Few(items) => items.len() as u64,
            Self::Many(registers) => estimate(registers).round() as u64,
        }
    }

    /// The standard error of [`value`](Self::value), by the value; 0 where it is exact.
    pub fn relative_error(&self) -> f64 {
        match self {
            Self::Few(_) => 0.0,
            Self::Many(_) => RELATIVE_ERROR,
        }
    }
}

/// A count as it is stored.
#[derive(Serialize, Deserialize)]
enum Saved {
    Few(Vec<u64>),
    Many(Vec<u8>),
}

impl From<Distinct> for Saved {
    fn from(distinct: Distinct) -> Self {
        match distinct {
            Distinct::Few(items) => Self::Few(items.into_iter().collect()),
            Distinct::Many(registers) => Self::Many(registers.to_vec()),
        }
    }
}

impl TryFrom<Saved> for Distinct {
    type Error = &'static str;

    fn try_from(saved: Saved) -> Result<Self, Self::Error> {
        match saved {
            Saved::Few(items) if items.len() > EXACT => Err("too many items for an exact count"),
            Saved::Few(items) => Ok(Self::Few(items.into_iter().collect())),
            Saved::Many(registers) => {
                if registers.iter().any(|&register| usize::from(register) > LARGEST) {
                    return Err("a register that cannot be");
                }
                let registers = registers.try_into().map_err(|_| "not as many registers")?;
                Ok(Self::Many(registers))
            }
        }
    }
}

/// Spreads an item over all bits: the finalizer of SplitMix64. No two items become one.
fn mix(item: u64) -> u64 {
    // Without this a zero would stay one.
    let mixed = item.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

fn note(registers: &mut [u8; REGISTERS], mixed: u64) {
    let register = &mut registers[(mixed >> (64 - PRECISION)) as usize];
    // The bit behind the rest ends the run of an item whose rest is all zeros.
    let rest = mixed << PRECISION | 1 << (PRECISION - 1);
    *register = (*register).max(rest.leading_zeros() as u8 + 1);
}

/// Ertl's estimator, which needs no corrections by table (arXiv:1702.01284, algorithm 6).
fn estimate(registers: &[u8; REGISTERS]) -> f64 {
    let mut counts = [0.0; LARGEST + 1];
    for &register in registers {
        counts[usize::from(register)] += 1.0;
    }
    let all = REGISTERS as f64;
    let mut z = all * tau(1.0 - counts[LARGEST] / all);
    for count in counts[1..LARGEST].iter().rev() {
        z = 0.5 * (z + count);
    }
    z += all * sigma(counts[0] / all);
    all * all / (2.0 * std::f64::consts::LN_2 * z)
}

fn sigma(x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut y, mut z) = (x, 1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut x, mut y, mut z) = (x, 1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

/// The hash of an item that is mixed already: itself.
#[derive(Default)]
pub struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("items are numbers");
    }

    fn write_u64(&mut self, mixed: u64) {
        self.0 = mixed;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(items: impl IntoIterator<Item = u64>) -> Distinct {
        let mut distinct = Distinct::default();
        items.into_iter().for_each(|item| distinct.add(item));
        distinct
    }

    /// Numbers that look alike: addresses and ports are such.
    fn items(from: u64, count: u64) -> impl Iterator<Item = u64> {
        (0..count).map(move |n| from + n * 4)
    }

    #[test]
    fn few_are_counted_exactly() {
        for count in [0, 1, 2, EXACT as u64] {
            let distinct = of(items(7, count).chain(items(7, count)));
            assert_eq!((distinct.value(), distinct.relative_error()), (count, 0.0));
        }
        let more = of(items(7, EXACT as u64 + 1));
        assert_eq!(more.relative_error(), RELATIVE_ERROR);
        assert!(more.value().abs_diff(EXACT as u64 + 1) < 9, "{}", more.value());
    }

    /// Many sets of every size: as many within one, two and three errors as there must be.
    #[test]
    fn many_are_counted_within_the_error() {
        let mut off = Vec::new();
        for round in 0..60_u64 {
            for count in [500, 1_000, 5_000, 12_000, 30_000, 100_000] {
                let told = of(items(round << 40, count)).value() as f64;
                off.push((told - count as f64).abs() / count as f64 / RELATIVE_ERROR);
            }
        }
        let within = |errors: f64| {
            off.iter().filter(|&&off| off <= errors).count() as f64 / off.len() as f64
        };
        assert!(within(1.0) > 0.62, "{}", within(1.0));
        assert!(within(2.0) > 0.93, "{}", within(2.0));
        assert_eq!(within(4.0), 1.0);
    }

    #[test]
    fn very_many() {
        let told = of(items(0, 3_000_000)).value() as f64;
        assert!((told / 3_000_000.0 - 1.0).abs() < 4.0 * RELATIVE_ERROR, "{told}");
    }

    proptest! {
        #[test]
        fn merging_in_any_order_and_grouping_is_the_same_as_adding_all(
            sets in prop::array::uniform3((0..4_u64, 0..700_u64)),
        ) {
            let [a, b, c] = sets.map(|(from, count)| of(items(from * 400, count)));
            let merged = |first: &Distinct, second: &Distinct| {
                let mut to = first.clone();
                to.merge(second);
                to
            };
            let all = of(sets.into_iter().flat_map(|(from, count)| items(from * 400, count)));
            prop_assert_eq!(&merged(&merged(&a, &b), &c), &all);
            prop_assert_eq!(&merged(&a, &merged(&b, &c)), &all);
            prop_assert_eq!(&merged(&merged(&c, &a), &b), &all);
            prop_assert_eq!(&merged(&all, &a), &all);
        }
    }
}
