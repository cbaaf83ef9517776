//! A point of a table's history: what happened to its rows in a span of time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Error;
use crate::table::{Gauge, Histogram};

/// Rows that a point holds by key; what the others did is together in `other`.
pub const ROWS: usize = 1_000;
/// The form of what is written. Another one is not read.
const FORM: u8 = 1;
/// Of zstd: fast, as this is done every ten seconds.
const LEVEL: i32 = 3;

/// What happened to a row, or in a frame what it held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Added to a counter or a rate.
    Added(u64),
    /// Recorded by a histogram.
    Recorded(Histogram),
    /// What a gauge was set to last.
    Set(Gauge),
    /// How many different items there were by then, and whether that is exact.
    Distinct(u64, bool),
    /// Added to an item of a topk; its value and error by then, if it was shown.
    Weighed(u64, Option<(u64, u64)>),
}

/// What happened to a table's rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// By key.
    pub rows: BTreeMap<Vec<u8>, Value>,
    /// To all others together.
    pub other: Option<Value>,
}

impl Value {
    /// Makes it what happened in both spans of time, of which the other is later.
    pub fn then(&mut self, later: Self) {
        match (self, later) {
            (Self::Added(sum), Self::Added(added)) => *sum = sum.saturating_add(added),
            (Self::Recorded(sum), Self::Recorded(added)) => sum.merge(&added),
            (Self::Set(gauge), Self::Set(later)) => gauge.merge(&later),
            (Self::Weighed(sum, shown), Self::Weighed(added, later)) => {
                *sum = sum.saturating_add(added);
                *shown = later;
            }
            // The last one counts; of another kind there is none in one series.
            (this, later) => *this = later,
        }
    }

    /// By what the largest are told.
    pub fn weight(&self) -> u64 {
        match self {
            Self::Added(added) | Self::Weighed(added, _) => *added,
            Self::Recorded(histogram) => histogram.count(),
            Self::Set(gauge) => gauge.value().unsigned_abs(),
            Self::Distinct(count, _) => *count,
        }
    }

    /// Whether what many rows did can be told in one.
    fn adds_up(&self) -> bool {
        matches!(self, Self::Added(_) | Self::Recorded(_) | Self::Weighed(..))
    }
}

impl Point {
    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.other.is_none()
    }

    /// Makes it what happened in both spans of time, of which the other is later.
    pub fn then(&mut self, later: Self) {
        let is_shown = |value: &Value| matches!(value, Value::Weighed(_, Some(_)));
        if later.rows.values().any(is_shown) {
            // The later one names all that is shown by then.
            for value in self.rows.values_mut() {
                if let Value::Weighed(_, shown) = value {
                    *shown = None;
                }
            }
        }
        for (key, value) in later.rows {
            self.put(key, value);
        }
        if let Some(value) = later.other {
            self.put_other(value);
        }
    }

    /// Adds what happened to a row.
    pub fn put(&mut self, key: Vec<u8>, value: Value) {
        use std::collections::btree_map::Entry;
        match self.rows.entry(key) {
            Entry::Occupied(mut known) => known.get_mut().then(value),
            Entry::Vacant(place) => _ = place.insert(value),
        }
    }

    /// Adds what happened to the others.
    pub fn put_other(&mut self, value: Value) {
        match &mut self.other {
            Some(other) => other.then(value),
            other => *other = Some(value),
        }
    }

    /// Leaves [`ROWS`] rows, those with the largest changes; what the others did goes into `other`, where
    /// that adds up.
    pub fn cap(&mut self) {
        if self.rows.len() <= ROWS {
            return;
        }
        let is_shown = |value: &Value| matches!(value, Value::Weighed(_, Some(_)));
        let mut weights: Vec<_> =
            self.rows.values().map(|value| (is_shown(value), value.weight())).collect();
        weights.sort_unstable_by(|a, b| b.cmp(a));
        let (least, mut room) = (weights[ROWS - 1], ROWS);
        room -= weights.iter().filter(|&&weight| weight > least).count();
        let mut beyond = Vec::new();
        self.rows.retain(|_, value| {
            let weight = (is_shown(value), value.weight());
            let stays = weight > least || weight == least && room > 0;
            if weight == least && stays {
                room -= 1;
            }
            if !stays && value.adds_up() {
                beyond.push(value.clone());
            }
            stays
        });
        for value in beyond {
            let shown = match &self.other {
                Some(Value::Weighed(_, shown)) => *shown,
                _ => None,
            };
            self.put_other(match value {
                Value::Weighed(added, _) => Value::Weighed(added, shown),
                value => value,
            });
        }
    }

    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        packed(self)
    }

    /// From bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        unpacked(bytes)
    }
}

/// Anything as compressed bytes.
pub fn packed<T: Serialize>(value: &T) -> Vec<u8> {
    let plain = postcard::to_extend(value, vec![FORM]).expect("memory is all that it takes");
    zstd::bulk::compress(&plain, LEVEL).expect("memory is all that it takes")
}

/// Back from compressed bytes.
pub fn unpacked<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let damaged = |why: String| Error::Damaged(format!("a point of history: {why}"));
    let plain = zstd::stream::decode_all(bytes).map_err(|error| damaged(error.to_string()))?;
    match plain.split_first() {
        Some((&FORM, rest)) => {
            postcard::from_bytes(rest).map_err(|error| damaged(error.to_string()))
        }
        _ => Err(damaged("of another version".to_owned())),
    }
}
