//! Rows by key, for the kinds whose rows know nothing of each other.

use std::{hash::BuildHasher, sync::Arc};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::{
    Counter, Distinct, Gauge, Histogram, Rate,
    chunks::{Chunk, Chunks},
};

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

/// Cells that are large are shared one by one: what a change copies is then one of them.
impl<C: Cell> Cell for Arc<C> {
    fn add(&mut self, value: u64, now_ns: u64) {
        Arc::make_mut(self).add(value, now_ns);
    }

    fn merge(&mut self, from: &Self) {
        Arc::make_mut(self).merge(from);
    }
}

/// Cells by key, up to a number of keys; what has no room shares one cell.
///
/// A copy shares the rows until either changes, and makes an index of its own when it first needs one.
#[derive(Debug)]
pub struct Keyed<C> {
    /// Most keys that adding makes rows for.
    pub max_keys: usize,
    empty: C,
    rows: Chunks<Entry<C>>,
    /// Place in `rows` by hash of the key.
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    other: Option<C>,
}

/// A row.
#[derive(Clone, Debug)]
pub struct Entry<C> {
    pub key: Box<[u8]>,
    pub cell: C,
}

impl<C: Clone> Clone for Keyed<C> {
    fn clone(&self) -> Self {
        Self {
            max_keys: self.max_keys,
            empty: self.empty.clone(),
            rows: self.rows.clone(),
            index: HashTable::new(),
            hasher: self.hasher.clone(),
            other: self.other.clone(),
        }
    }
}

impl<C: Cell> Keyed<C> {
    pub fn new(empty: C, max_keys: usize) -> Self {
        Self {
            max_keys,
            empty,
            rows: Chunks::default(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            other: None,
        }
    }

    /// Adds to a key's row.
    pub fn add(&mut self, key: &[u8], value: u64, now_ns: u64) {
        let hash = self.hasher.hash_one(key);
        let cell = match self.find(key, hash) {
            Some(place) => &mut self.rows.get_mut(place).cell,
            None if self.rows.len() < self.max_keys => {
                self.push(key, hash, self.empty.clone());
                &mut self.rows.get_mut(self.rows.len() - 1).cell
            }
            None => self.other.get_or_insert_with(|| self.empty.clone()),
        };
        cell.add(value, now_ns);
    }

    /// Adds the rows of another one. A row of either is one of the sum, whatever the cap: which rows
    /// find no room would depend on the order of merging.
    pub fn merge(&mut self, from: &Self) {
        self.max_keys = self.max_keys.max(from.max_keys);
        for Entry { key, cell } in from.rows.iter() {
            let hash = self.hasher.hash_one(&key[..]);
            match self.find(key, hash) {
                Some(place) => self.rows.get_mut(place).cell.merge(cell),
                None => self.push(key, hash, cell.clone()),
            }
        }
        if let Some(other) = &from.other {
            self.other.get_or_insert_with(|| self.empty.clone()).merge(other);
        }
    }

    fn find(&mut self, key: &[u8], hash: u64) -> Option<usize> {
        if self.index.len() < self.rows.len() {
            self.index_rows();
        }
        let same = |&place: &u32| *self.rows.get(place as usize).key == *key;
        self.index.find(hash, same).map(|&place| place as usize)
    }

    /// Makes the index of a copy.
    fn index_rows(&mut self) {
        self.index.clear();
        for (place, entry) in (0..).zip(self.rows.iter()) {
            let hash = self.hasher.hash_one(&entry.key[..]);
            let hash_of =
                |&place: &u32| self.hasher.hash_one(&self.rows.get(place as usize).key[..]);
            self.index.insert_unique(hash, place, hash_of);
        }
    }

    /// Adds a row that is not there.
    fn push(&mut self, key: &[u8], hash: u64, cell: C) {
        let place = self.rows.len() as u32;
        self.rows.push(Entry { key: key.into(), cell });
        let hash_of = |&place: &u32| self.hasher.hash_one(&self.rows.get(place as usize).key[..]);
        self.index.insert_unique(hash, place, hash_of);
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn rows(&self) -> impl Iterator<Item = (&[u8], &C)> {
        self.rows.iter().map(|entry| (&entry.key[..], &entry.cell))
    }

    pub fn other(&self) -> Option<&C> {
        self.other.as_ref()
    }

    /// The rows as they are shared.
    pub fn chunks(&self) -> &[Arc<Chunk<Entry<C>>>] {
        self.rows.chunks()
    }

    /// Puts a row back that was there before; one that is there already is kept as it is.
    pub fn put_back(&mut self, key: &[u8], cell: C) {
        let hash = self.hasher.hash_one(key);
        if self.find(key, hash).is_none() {
            self.push(key, hash, cell);
        }
    }

    /// Puts back what keys beyond the cap share.
    pub fn put_back_other(&mut self, other: Option<C>) {
        self.other = other;
    }
}
