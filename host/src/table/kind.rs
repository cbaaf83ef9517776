//! The kinds of tables.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Sort;

/// What a table does with the values that it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// Adds them up.
    Counter,
    /// Counts them by size, so that quantiles can be told with a relative error of at most 1 %.
    Histogram,
    /// Keeps the last one.
    Gauge,
    /// Adds them up for the keys with the largest sums.
    TopK,
    /// Counts how many different ones there are.
    Distinct,
    /// Adds them up over the last while.
    Rate,
}

impl Kind {
    /// All kinds; each at its number, as scripts name it in `table_open`.
    pub const ALL: [Self; 6] =
        [Self::Counter, Self::Histogram, Self::Gauge, Self::TopK, Self::Distinct, Self::Rate];

    /// The kind with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).copied()
    }

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Histogram => "histogram",
            Self::Gauge => "gauge",
            Self::TopK => "topk",
            Self::Distinct => "distinct",
            Self::Rate => "rate",
        }
    }

    /// What rows can be sorted by: first by what they are unless asked otherwise.
    pub fn sorts(self) -> &'static [Sort] {
        match self {
            Self::Counter | Self::Distinct => &[Sort::Value, Sort::Key],
            Self::Histogram => &[
                Sort::Count,
                Sort::Key,
                Sort::Sum,
                Sort::Mean,
                Sort::Min,
                Sort::P50,
                Sort::P90,
                Sort::P99,
                Sort::P999,
                Sort::Max,
            ],
            Self::Gauge => &[Sort::Value, Sort::Key, Sort::Set],
            Self::TopK => &[Sort::Value, Sort::Key, Sort::Error],
            Self::Rate => &[Sort::PerSecond, Sort::Key, Sort::Value],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
            assert_eq!(Kind::from_number(number as u32), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(Kind::from_number(6), None);
    }
}
