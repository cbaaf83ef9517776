//! The number of different items.

use std::cell::RefCell;

use super::{Kind, Label, Labels, Table, gathered::Gathered};

/// A table that tells how many different items each key had: exactly while they are few, then with a
/// relative error of some 2 %.
///
/// Each item of a batch goes to the host once, when the batch ends.
#[derive(Debug)]
pub struct Distinct {
    items: Gathered,
    /// Room for an item's text.
    text: RefCell<Vec<u8>>,
}

impl Distinct {
    /// Opens a table made by [`Table::distinct`]; what it has from before, it keeps.
    pub fn open(table: &Table) -> Self {
        Self { items: Gathered::open(table, Kind::Distinct), text: RefCell::default() }
    }

    /// Adds an item to the row of a key, which has as many labels as the table.
    ///
    /// ```
    /// # use weir_sdk::{Distinct, Event};
    /// # fn event(peers: Distinct, event: Event) {
    /// peers.add(event.comm(), event.destination());
    /// # }
    /// ```
    #[inline]
    pub fn add<L: Labels, I: Label>(&self, labels: L, item: I) {
        let text = &mut *self.text.borrow_mut();
        text.clear();
        item.write(text);
        self.add_id(labels, hash(text));
    }

    /// Adds an item that has a number of its own, such as a process or an inode: cheaper than its text.
    #[inline]
    pub fn add_id<L: Labels>(&self, labels: L, id: u64) {
        self.items.once(labels, id);
    }
}

/// FNV-1a. Scripts in other languages use it as well, so that a table outlives a change of language.
fn hash(text: &[u8]) -> u64 {
    text.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calls::recorder, table::flush};

    #[test]
    fn each_item_goes_to_the_host_once() {
        let peers = Distinct::open(&Table::distinct("peers", &["process"]));
        peers.add("curl", "a");
        peers.add_id("curl", 7);
        peers.add("curl", String::from("a"));
        peers.add("x", "a");
        flush();
        recorder::with(|recorder| {
            // The published value of FNV-1a for "a".
            let a = 0xaf63_dc4c_8601_ec8c;
            let row = |key: &str, item| (0, key.as_bytes().to_vec(), item);
            assert_eq!(recorder.added, [row("curl", a), row("curl", 7), row("x", a)]);
        });
    }
}
