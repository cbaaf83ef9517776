//! A sum.

use serde::{Deserialize, Serialize};

/// A sum that stays at its largest value rather than start again from zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter(u64);

impl Counter {
    /// Adds a value.
    pub fn add(&mut self, value: u64) {
        self.0 = self.0.saturating_add(value);
    }

    /// Adds another counter.
    pub fn merge(&mut self, from: &Self) {
        self.add(from.0);
    }

    /// The sum.
    pub fn value(self) -> u64 {
        self.0
    }
}
