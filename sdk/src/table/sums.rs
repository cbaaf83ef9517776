//! Sums by key that cost no allocation once they have grown to the size of their batches.

use crate::short;

/// An open-addressing hash table: a slot has 1 + the index of its entry, 0 is free. Entries are in the
/// order in which their keys came; the keys lie one behind the other.
#[derive(Debug, Default)]
pub struct Sums {
    keys: Vec<u8>,
    entries: Vec<Entry>,
    slots: Vec<u32>,
}

#[derive(Debug)]
struct Entry {
    /// End of its key, which begins where the key before it ends.
    end: usize,
    hash: u32,
    value: u64,
}

/// Slots to begin with: a power of two.
const SLOTS: usize = 64;

impl Sums {
    /// Adds to the sum of a key, which is written behind the others and stays there if it is new.
    #[inline]
    pub fn add(&mut self, value: u64, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.keys.len();
        write(&mut self.keys);
        self.add_last(start, value);
    }

    fn add_last(&mut self, start: usize, value: u64) {
        if self.slots.len() < 2 * (self.entries.len() + 1) {
            self.grow();
        }
        let hash = short::hash(&self.keys[start..]);
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        while let Some(index) = self.slots[slot].checked_sub(1) {
            let index = index as usize;
            if self.entries[index].hash == hash && short::same(self.key(index), &self.keys[start..])
            {
                let sum = &mut self.entries[index].value;
                *sum = sum.saturating_add(value);
                self.keys.truncate(start);
                return;
            }
            slot = (slot + 1) & mask;
        }
        self.entries.push(Entry { end: self.keys.len(), hash, value });
        self.slots[slot] = self.entries.len() as u32;
    }

    fn key(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.entries[before].end);
        &self.keys[start..self.entries[index].end]
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

    /// Hands out all sums, and keeps the room.
    pub fn drain(&mut self, mut take: impl FnMut(&[u8], u64)) {
        let mut start = 0;
        for entry in &self.entries {
            take(&self.keys[start..entry.end], entry.value);
            start = entry.end;
        }
        if !self.entries.is_empty() {
            self.slots.fill(0);
        }
        self.entries.clear();
        self.keys.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn drained(sums: &mut Sums) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        sums.drain(|key, value| {
            let before = all.insert(String::from_utf8(key.to_vec()).unwrap(), value);
            assert_eq!(before, None, "a key comes once");
        });
        all
    }

    #[test]
    fn adds_up_what_has_the_same_key() {
        let mut sums = Sums::default();
        let mut expected = BTreeMap::new();
        for round in 0..3_u64 {
            for number in 0..5_000_u64 {
                let key = format!("key {}", number % 1_777);
                *expected.entry(key.clone()).or_default() += number + round;
                sums.add(number + round, |to| to.extend_from_slice(key.as_bytes()));
            }
        }
        assert_eq!(drained(&mut sums), expected);
        assert_eq!(drained(&mut sums), BTreeMap::new());
        sums.add(1, |to| to.push(b'a'));
        sums.add(2, |_| {});
        sums.add(u64::MAX, |to| to.push(b'a'));
        assert_eq!(drained(&mut sums), BTreeMap::from([("".into(), 2), ("a".into(), u64::MAX)]));
    }
}
