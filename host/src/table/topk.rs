//! The heaviest items, in memory that does not grow with the number of items.
//!
//! Space-saving (Metwally, Agrawal, El Abbadi 2005): the lightest item makes room for a new one, which
//! takes over its count, as error.

use std::{cmp::Reverse, collections::BinaryHeap, hash::BuildHasher, sync::Arc};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::chunks::{Chunk, Chunks};

/// Items that are watched for each one that is shown. An error is at most the whole weight by the
/// number of items watched.
const WATCHED: usize = 8;

/// Which items have the largest sums of weights, each with a count and an error: the true sum is at
/// most `count` and at least `count - error`.
///
/// A copy shares the items until either changes, and makes index and heap of its own when it needs them.
#[derive(Debug)]
pub struct TopK {
    k: usize,
    /// Most items that are watched.
    room: usize,
    items: Chunks<Item>,
    /// Index in `items` by hash of the key.
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Every item once, the lightest on top. Counts in here may be out of date, which means too low:
    /// they are put right when they come to the top, so that adding to a known item costs nothing.
    lightest: BinaryHeap<Reverse<(u64, u32)>>,
    /// No item that is not watched has a larger sum.
    floor: u64,
    /// All weights.
    total: u64,
}

#[derive(Clone, Debug)]
pub struct Item {
    pub key: Vec<u8>,
    hash: u64,
    pub count: u64,
    pub error: u64,
}

impl Clone for TopK {
    fn clone(&self) -> Self {
        Self {
            k: self.k,
            room: self.room,
            items: self.items.clone(),
            index: HashTable::new(),
            hasher: self.hasher.clone(),
            lightest: BinaryHeap::new(),
            floor: self.floor,
            total: self.total,
        }
    }
}

/// An item as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighed<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// Its sum is at most this.
    pub count: u64,
    /// And by at most so much less.
    pub error: u64,
}

impl TopK {
    /// No items; later so many of the heaviest are shown.
    pub fn new(k: usize) -> Self {
        Self {
            k,
            room: k * WATCHED,
            items: Chunks::default(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            lightest: BinaryHeap::new(),
            floor: 0,
            total: 0,
        }
    }

    /// Changes how many are shown. Items that are watched already stay.
    pub fn show(&mut self, k: usize) {
        self.k = k;
        self.room = (k * WATCHED).max(self.items.len());
    }

    /// Adds to the sum of an item.
    pub fn add(&mut self, key: &[u8], weight: u64) {
        self.total = self.total.saturating_add(weight);
        let hash = self.hasher.hash_one(key);
        if let Some(place) = self.find(key, hash) {
            let count = &mut self.items.get_mut(place).count;
            *count = count.saturating_add(weight);
        } else if weight > 0 {
            self.watch(key, hash, weight);
        }
    }

    fn find(&mut self, key: &[u8], hash: u64) -> Option<usize> {
        if self.index.len() < self.items.len() {
            self.index_items();
        }
        let same = |&place: &u32| self.items.get(place as usize).key == key;
        self.index.find(hash, same).map(|&place| place as usize)
    }

    /// Makes index and heap of a copy.
    fn index_items(&mut self) {
        self.index.clear();
        self.lightest.clear();
        for (place, item) in (0..).zip(self.items.iter()) {
            let hash_of = |&place: &u32| self.items.get(place as usize).hash;
            self.index.insert_unique(item.hash, place, hash_of);
            self.lightest.push(Reverse((item.count, place)));
        }
    }

    /// Watches an item that is not watched yet, in the place of the lightest if there is no room.
    fn watch(&mut self, key: &[u8], hash: u64, weight: u64) {
        if self.items.len() < self.room {
            let (count, error) = (self.floor.saturating_add(weight), self.floor);
            return self.push(Item { key: key.to_owned(), hash, count, error });
        }
        let Some(place) = self.find_lightest() else { return };
        let item = self.items.get_mut(place);
        if let Ok(entry) = self.index.find_entry(item.hash, |&other| other as usize == place) {
            entry.remove();
        }
        self.floor = self.floor.max(item.count);
        (item.count, item.error) = (self.floor.saturating_add(weight), self.floor);
        item.key.clear();
        item.key.extend_from_slice(key);
        item.hash = hash;
        self.index.insert_unique(hash, place as u32, |&place| self.items.get(place as usize).hash);
    }

    fn push(&mut self, item: Item) {
        let place = self.items.len() as u32;
        self.lightest.push(Reverse((item.count, place)));
        self.items.push(item);
        let hash = self.items.get(place as usize).hash;
        self.index.insert_unique(hash, place, |&place| self.items.get(place as usize).hash);
    }

    /// The place of the lightest item. Each count that is put right on the way was added to since it
    /// was last looked at, so all that this does is paid for by an addition.
    fn find_lightest(&mut self) -> Option<usize> {
        while let Some(mut top) = self.lightest.peek_mut() {
            let Reverse((known, place)) = *top;
            let count = self.items.get(place as usize).count;
            if known == count {
                return Some(place as usize);
            }
            *top = Reverse((count, place));
        }
        None
    }

    /// Adds another one. All items of both stay, so that the order of merging does not matter: an item
    /// that one of the two does not watch may have had as much as that one's floor.
    pub fn merge(&mut self, from: &Self) {
        let own = self.items.len();
        let mut in_both = vec![false; own];
        for item in from.items.iter() {
            let hash = self.hasher.hash_one(item.key.as_slice());
            if let Some(place) = self.find(&item.key, hash) {
                in_both[place] = true;
                let known = self.items.get_mut(place);
                known.count = known.count.saturating_add(item.count);
                known.error = known.error.saturating_add(item.error);
            } else {
                let count = item.count.saturating_add(self.floor);
                let error = item.error.saturating_add(self.floor);
                self.push(Item { key: item.key.clone(), hash, count, error });
            }
        }
        for (place, in_both) in in_both.into_iter().enumerate() {
            if !in_both && from.floor > 0 {
                let item = self.items.get_mut(place);
                item.count = item.count.saturating_add(from.floor);
                item.error = item.error.saturating_add(from.floor);
            }
        }
        self.floor = self.floor.saturating_add(from.floor);
        self.total = self.total.saturating_add(from.total);
        self.k = self.k.max(from.k);
        self.room = self.room.max(from.room).max(self.items.len());
    }

    /// How many items are shown.
    pub fn len(&self) -> usize {
        self.items.len().min(self.k)
    }

    /// Whether nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.items.len() == 0
    }

    /// How many items are shown at most.
    pub fn k(&self) -> usize {
        self.k
    }

    /// The heaviest items, the heaviest first.
    pub fn heaviest(&self) -> Vec<Weighed<'_>> {
        let mut all: Vec<_> = self
            .items
            .iter()
            .map(|&Item { ref key, hash: _, count, error }| Weighed { key, count, error })
            .collect();
        all.sort_unstable_by_key(|item| (Reverse(item.count), item.key));
        all.truncate(self.k);
        all
    }

    /// All items that are watched, in no order.
    pub fn watched(&self) -> impl Iterator<Item = Weighed<'_>> {
        let items = self.items.iter();
        items.map(|item| Weighed { key: &item.key, count: item.count, error: item.error })
    }

    /// All weights.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// What an item that is not watched can have at most.
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// The items as they are shared.
    pub fn chunks(&self) -> &[Arc<Chunk<Item>>] {
        self.items.chunks()
    }

    /// Puts an item back that was there before; one that is there already is kept as it is.
    pub fn put_back(&mut self, key: &[u8], count: u64, error: u64) {
        let hash = self.hasher.hash_one(key);
        if self.find(key, hash).is_none() {
            self.push(Item { key: key.to_owned(), hash, count, error: error.min(count) });
            self.room = self.room.max(self.items.len());
        }
    }

    /// Puts back what is known beside the items.
    pub fn put_back_sums(&mut self, floor: u64, total: u64) {
        (self.floor, self.total) = (floor, total);
    }

    /// Count and error of all items together that are not among the heaviest; `None` if there are
    /// none. What is certain of those and this count make up all weights.
    pub fn other(&self) -> Option<(u64, u64)> {
        if self.items.len() <= self.k && self.floor == 0 {
            return None;
        }
        let shown = self.heaviest();
        let sum = |of: fn(&Weighed) -> u64| shown.iter().map(of).fold(0, u64::saturating_add);
        let count = self.total.saturating_sub(sum(|item| item.count - item.error));
        Some((count, sum(|item| item.error).min(count)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    type Added = Vec<(u8, u64)>;
    /// By key: count and error; then the floor and the total.
    type Content<'a> = (BTreeMap<&'a [u8], (u64, u64)>, u64, u64);

    fn of(k: usize, added: &[(u8, u64)]) -> TopK {
        let mut top = TopK::new(k);
        for &(key, weight) in added {
            top.add(&[key], weight);
        }
        top
    }

    /// What two that are equal have in common: not the order in which items came.
    fn content(top: &TopK) -> Content<'_> {
        let items = top.items.iter().map(|item| (&item.key[..], (item.count, item.error)));
        (items.collect(), top.floor, top.total)
    }

    fn merged(first: &TopK, second: &TopK) -> TopK {
        let mut to = first.clone();
        to.merge(second);
        to
    }

    /// Many light items and some heavy ones, as traffic is.
    fn added(most: usize) -> impl Strategy<Value = Added> {
        let item = (any::<u8>(), 0..6_u32).prop_map(|(key, spread)| key >> spread);
        prop::collection::vec((item, 0..1_000_u64), 0..most)
    }

    /// Every promise, against exact sums.
    fn check(top: &TopK, added: &[(u8, u64)]) -> Result<(), TestCaseError> {
        let mut exact = BTreeMap::<u8, u64>::new();
        added.iter().for_each(|&(key, weight)| *exact.entry(key).or_default() += weight);
        for item in top.items.iter() {
            let sum = exact[&item.key[0]];
            prop_assert!(item.count - item.error <= sum && sum <= item.count, "{item:?} {sum}");
        }
        for (&key, &sum) in &exact {
            let watched = top.items.iter().any(|item| item.key == [key]);
            prop_assert!(watched || sum <= top.floor, "{key} {sum} {}", top.floor);
        }
        let shown = top.heaviest();
        let is_shown = |key: &u8| shown.iter().any(|item| item.key == [*key]);
        let beyond: u64 = exact.iter().filter(|(key, _)| !is_shown(key)).map(|(_, sum)| sum).sum();
        match top.other() {
            None => prop_assert_eq!(beyond, 0),
            Some((count, error)) => {
                prop_assert!(
                    count - error <= beyond && beyond <= count,
                    "{beyond} {count} {error}"
                );
                let certain: u64 = shown.iter().map(|item| item.count - item.error).sum();
                prop_assert_eq!(
                    certain + count,
                    added.iter().map(|&(_, weight)| weight).sum::<u64>()
                );
            }
        }
        Ok(())
    }

    #[test]
    fn few_items_are_counted_exactly() {
        let top = of(3, &[(1, 5), (2, 7), (1, 4), (3, 0)]);
        let item = |key, count| Weighed { key, count, error: 0 };
        assert_eq!(top.heaviest(), [item(&[1], 9), item(&[2], 7)]);
        assert_eq!((top.len(), top.other()), (2, None));
    }

    #[test]
    fn what_is_not_shown_is_in_other() {
        let top = of(1, &[(1, 5), (2, 7), (3, 4)]);
        assert_eq!(top.heaviest(), [Weighed { key: &[2], count: 7, error: 0 }]);
        assert_eq!(top.other(), Some((9, 0)));
    }

    #[test]
    fn a_heavy_item_among_very_many_is_found() {
        let mut top = TopK::new(2);
        for number in 0..10_000_u32 {
            top.add(&number.to_le_bytes(), 1);
            top.add(b"heavy", 1);
        }
        let heaviest = top.heaviest();
        assert_eq!((heaviest[0].key, heaviest.len()), (&b"heavy"[..], 2));
        assert!((10_000..=10_000 + 20_000 / 16).contains(&heaviest[0].count), "{heaviest:?}");
        assert_eq!(top.items.len(), 16);
        assert_eq!(top.lightest.len(), 16);
    }

    proptest! {
        #[test]
        fn true_sums_lie_within_the_bounds(added in added(600), k in 1..6_usize) {
            let top = of(k, &added);
            check(&top, &added)?;
            // Each error is what an item that made room had: at most the mean.
            let total: u64 = added.iter().map(|&(_, weight)| weight).sum();
            prop_assert!(top.floor <= total / (k * WATCHED) as u64);
        }

        #[test]
        fn merging_in_any_order_and_grouping_is_the_same(
            parts in prop::array::uniform3(added(200)),
            ks in prop::array::uniform3(1..4_usize),
        ) {
            let [a, b, c] = [0, 1, 2].map(|part| of(ks[part], &parts[part]));
            let all = merged(&merged(&a, &b), &c);
            for other in
                [merged(&a, &merged(&b, &c)), merged(&merged(&c, &b), &a), merged(&b, &merged(&a, &c))]
            {
                prop_assert_eq!(content(&all), content(&other));
                prop_assert_eq!((all.heaviest(), all.other()), (other.heaviest(), other.other()));
            }
            let added = parts.concat();
            check(&all, &added)?;
            // It goes on from there.
            let mut more = all;
            added.iter().for_each(|&(key, weight)| more.add(&[key ^ 0x5a], weight));
            let twice: Added = added.iter().map(|&(key, weight)| (key ^ 0x5a, weight)).collect();
            check(&more, &[added, twice].concat())?;
        }
    }
}
