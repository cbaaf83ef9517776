//! Rows on their way to the host, that cost no allocation once there is room for those of a batch.

use crate::short;

/// Rows as `table_add_many` takes them, one behind the other: length of the key and zero, of 32 bits each,
/// the value, the key padded to a multiple of eight.
///
/// Beside them an open-addressing hash table of rows by key: a slot has 1 + the index of its entry, 0 is free.
#[derive(Debug, Default)]
pub struct Rows {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    slots: Vec<u32>,
}

#[derive(Debug)]
struct Entry {
    /// Start of its row.
    start: usize,
    hash: u32,
}

/// Slots to begin with: a power of two.
const SLOTS: usize = 64;
/// What a row has before its key.
const FIXED: usize = 16;
/// Where in a row its value is.
const VALUE: usize = 8;

impl Rows {
    /// Makes one value of this and the one that the key's row has, if it has one. The key is written behind
    /// the rows and stays there if it is new.
    #[inline]
    pub fn join(&mut self, value: u64, join: fn(u64, u64) -> u64, key: impl FnOnce(&mut Vec<u8>)) {
        let start = self.begin(value, key);
        let hash = short::hash(&self.bytes[start + FIXED..]);
        let place = self.find(hash, |own| short::same(own.key, &self.bytes[start + FIXED..]));
        match place {
            Ok(known) => {
                self.bytes.truncate(start);
                if let Some(known) = self.bytes[known + VALUE..].first_chunk_mut() {
                    *known = join(u64::from_le_bytes(*known), value).to_le_bytes();
                }
            }
            Err(slot) => self.keep(start, hash, slot),
        }
    }

    /// Adds a row with this key and value, unless there is one.
    #[inline]
    pub fn once(&mut self, value: u64, key: impl FnOnce(&mut Vec<u8>)) {
        let start = self.begin(value, key);
        // Value and key are in one piece.
        let hash = short::hash(&self.bytes[start + VALUE..]);
        let place = self.find(hash, |own| {
            own.value == value && short::same(own.key, &self.bytes[start + FIXED..])
        });
        match place {
            Ok(_) => self.bytes.truncate(start),
            Err(slot) => self.keep(start, hash, slot),
        }
    }

    /// Adds a row, whatever rows there are.
    #[inline]
    pub fn push(&mut self, value: u64, key: impl FnOnce(&mut Vec<u8>)) {
        let start = self.begin(value, key);
        self.end(start);
    }

    /// Writes a row without the length of its key, and returns where it starts.
    #[inline]
    fn begin(&mut self, value: u64, key: impl FnOnce(&mut Vec<u8>)) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; VALUE]);
        self.bytes.extend_from_slice(&value.to_le_bytes());
        key(&mut self.bytes);
        start
    }

    /// Completes the last row.
    #[inline]
    fn end(&mut self, start: usize) {
        let key_len = (self.bytes.len() - start - FIXED) as u32;
        if let Some(place) = self.bytes[start..].first_chunk_mut() {
            *place = key_len.to_le_bytes();
        }
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }

    /// The start of the row that is looked for, or the slot that it would have.
    #[inline]
    fn find(&self, hash: u32, is_it: impl Fn(Row<'_>) -> bool) -> Result<usize, usize> {
        let Some(mask) = self.slots.len().checked_sub(1) else { return Err(0) };
        let mut slot = hash as usize & mask;
        while let Some(index) = self.slots[slot].checked_sub(1) {
            let entry = &self.entries[index as usize];
            if entry.hash == hash && is_it(row_at(&self.bytes, entry.start)) {
                return Ok(entry.start);
            }
            slot = (slot + 1) & mask;
        }
        Err(slot)
    }

    fn keep(&mut self, start: usize, hash: u32, slot: usize) {
        self.end(start);
        self.entries.push(Entry { start, hash });
        if self.slots.len() < 2 * (self.entries.len() + 1) {
            self.grow();
        } else {
            self.slots[slot] = self.entries.len() as u32;
        }
    }

    fn grow(&mut self) {
        let len = (2 * self.slots.len()).max(SLOTS);
        self.slots.clear();
        self.slots.resize(len, 0);
        for (index, entry) in self.entries.iter().enumerate() {
            let mut slot = entry.hash as usize & (len - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (len - 1);
            }
            self.slots[slot] = index as u32 + 1;
        }
    }

    /// Hands out all rows, and keeps the room.
    pub fn drain(&mut self, take: impl FnOnce(&[u8])) {
        if self.bytes.is_empty() {
            return;
        }
        take(&self.bytes);
        if !self.entries.is_empty() {
            self.slots.fill(0);
        }
        self.entries.clear();
        self.bytes.clear();
    }
}

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// Its value.
    pub value: u64,
}

/// The row that starts here.
#[inline]
fn row_at(bytes: &[u8], start: usize) -> Row<'_> {
    let number = |at| u64::from_le_bytes(*bytes[at..].first_chunk().unwrap_or(&[0; 8]));
    // What follows the length is zero.
    let key = start + FIXED;
    Row { key: &bytes[key..key + number(start) as usize], value: number(start + VALUE) }
}

/// The rows of what `table_add_many` was given.
#[cfg(not(target_arch = "wasm32"))]
pub fn each(bytes: &[u8], mut see: impl FnMut(Row<'_>)) {
    let mut start = 0;
    while start < bytes.len() {
        let row = row_at(bytes, start);
        see(row);
        start += FIXED + row.key.len().next_multiple_of(8);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn drained(rows: &mut Rows) -> Vec<(String, u64)> {
        let mut all = Vec::new();
        rows.drain(|bytes| {
            each(bytes, |row| all.push((String::from_utf8(row.key.to_vec()).unwrap(), row.value)));
        });
        all
    }

    #[test]
    fn as_the_host_reads_them() {
        let mut rows = Rows::default();
        rows.push(0x0102, |to| to.extend_from_slice(b"curl\0dns!"));
        rows.push(u64::MAX, |_| {});
        let mut seen = Vec::new();
        rows.drain(|bytes| seen.extend_from_slice(bytes));
        let mut expected = vec![9, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0];
        expected.extend(b"curl\0dns!\0\0\0\0\0\0\0");
        expected.extend([0; 8]);
        expected.extend([255; 8]);
        assert_eq!(seen, expected);
        rows.drain(|_| panic!("nothing is left"));
    }

    #[test]
    fn adds_up_what_has_the_same_key() {
        let mut rows = Rows::default();
        let mut expected = BTreeMap::new();
        for round in 0..3_u64 {
            for number in 0..5_000_u64 {
                let key = format!("key {}", number % 1_777);
                *expected.entry(key.clone()).or_default() += number + round;
                rows.join(number + round, u64::saturating_add, |to| {
                    to.extend_from_slice(key.as_bytes());
                });
            }
        }
        let all = drained(&mut rows);
        assert_eq!(all.len(), expected.len(), "a key comes once");
        assert_eq!(all.into_iter().collect::<BTreeMap<_, _>>(), expected);
        rows.join(1, u64::saturating_add, |to| to.push(b'a'));
        rows.join(2, u64::saturating_add, |_| {});
        rows.join(u64::MAX, u64::saturating_add, |to| to.push(b'a'));
        assert_eq!(drained(&mut rows), [("a".into(), u64::MAX), ("".into(), 2)]);
    }

    #[test]
    fn a_pair_of_key_and_value_once() {
        let mut rows = Rows::default();
        let pairs = (0..9_000_u64).map(|number| (format!("{}", number % 7), number % 300));
        for (key, value) in pairs.clone() {
            rows.once(value, |to| to.extend_from_slice(key.as_bytes()));
        }
        let all = drained(&mut rows);
        assert_eq!(all.len(), 2_100);
        assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), pairs.collect());
    }
}
