//! Rows by key, for the kinds whose rows know nothing of each other.

use hashbrown::HashMap;

use super::{Counter, Distinct, Gauge, Histogram, Rate};

/// What a row holds.
pub trait Cell: Clone {
    /// Adds a value at a time.
    fn add(&mut self, value: u64, now_ns: u64);
    /// Adds another cell of the same table.
    fn merge(&mut self, from: &Self);
}

impl Cell for Counter {
    fn add(&mut self, value: u64, _now_ns: u64) {
        self.add(value);
    }

    fn merge(&mut self, from: &Self) {
        self.merge(from);
    }
}

impl Cell for Histogram {
    fn add(&mut self, value: u64, _now_ns: u64) {
        self.record(value);
    }

    fn merge(&mut self, from: &Self) {
        self.merge(from);
    }
}

impl Cell for Gauge {
    fn add(&mut self, value: u64, now_ns: u64) {
        self.set(value.cast_signed(), now_ns);
    }

    fn merge(&mut self, from: &Self) {
        self.merge(from);
    }
}

impl Cell for Distinct {
    fn add(&mut self, value: u64, _now_ns: u64) {
        self.add(value);
    }

    fn merge(&mut self, from: &Self) {
        self.merge(from);
    }
}

impl Cell for Rate {
    fn add(&mut self, value: u64, now_ns: u64) {
        self.add(value, now_ns);
    }

    fn merge(&mut self, from: &Self) {
        self.merge(from);
    }
}

/// Cells by key, up to a number of keys; what has no room shares one cell.
#[derive(Clone, Debug)]
pub struct Keyed<C> {
    /// Most keys that adding makes rows for.
    pub max_keys: usize,
    empty: C,
    rows: HashMap<Vec<u8>, C>,
    other: Option<C>,
}

impl<C: Cell> Keyed<C> {
    pub fn new(empty: C, max_keys: usize) -> Self {
        Self { max_keys, empty, rows: HashMap::new(), other: None }
    }

    /// Adds to a key's row.
    pub fn add(&mut self, key: &[u8], value: u64, now_ns: u64) {
        let cell = if self.rows.len() < self.max_keys {
            self.rows.entry_ref(key).or_insert_with(|| self.empty.clone())
        } else {
            match self.rows.get_mut(key) {
                Some(cell) => cell,
                None => self.other.get_or_insert_with(|| self.empty.clone()),
            }
        };
        cell.add(value, now_ns);
    }

    /// Adds the rows of another one. A row of either is one of the sum, whatever the cap: which rows
    /// find no room would depend on the order of merging.
    pub fn merge(&mut self, from: &Self) {
        let Self { max_keys, empty: _, rows, other } = from;
        self.max_keys = self.max_keys.max(*max_keys);
        for (key, cell) in rows {
            self.rows.entry_ref(&key[..]).or_insert_with(|| self.empty.clone()).merge(cell);
        }
        if let Some(other) = other {
            self.other.get_or_insert_with(|| self.empty.clone()).merge(other);
        }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn rows(&self) -> impl Iterator<Item = (&[u8], &C)> {
        self.rows.iter().map(|(key, cell)| (&key[..], cell))
    }

    pub fn other(&self) -> Option<&C> {
        self.other.as_ref()
    }
}
