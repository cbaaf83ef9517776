//! What a batch does to tables is gathered here, and goes to the host when it ends: one call per table.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use super::{Kind, Labels, Table, rows::Rows};
use crate::calls::table_add_many::table_add_many;

/// An open table, and what goes to it next.
#[derive(Debug)]
pub struct Gathered {
    table: Table,
    open: Rc<RefCell<Open>>,
}

#[derive(Debug)]
struct Open {
    handle: u32,
    rows: Rows,
}

thread_local! {
    /// What [`flush`] looks through.
    static OPEN: RefCell<Vec<Weak<RefCell<Open>>>> = const { RefCell::new(Vec::new()) };
}

impl Gathered {
    /// Opens a table of this kind; one that is open already shares its rows.
    pub fn open(table: &Table, kind: Kind) -> Self {
        let handle = table.open(kind);
        let open = OPEN.with_borrow_mut(|all| {
            let known =
                all.iter().filter_map(Weak::upgrade).find(|open| open.borrow().handle == handle);
            known.unwrap_or_else(|| {
                let open = Rc::new(RefCell::new(Open { handle, rows: Rows::default() }));
                all.push(Rc::downgrade(&open));
                open
            })
        });
        Self { table: *table, open }
    }

    /// Makes one value of this and the one that the key's row has.
    #[inline]
    pub fn join<L: Labels>(&self, labels: L, value: u64, join: fn(u64, u64) -> u64) {
        self.table.check::<L>();
        self.open.borrow_mut().rows.join(value, join, |key| labels.write(key));
    }

    /// Adds a value to a key, once.
    #[inline]
    pub fn once<L: Labels>(&self, labels: L, value: u64) {
        self.table.check::<L>();
        self.open.borrow_mut().rows.once(value, |key| labels.write(key));
    }

    /// Adds a value to a key, each time anew.
    #[inline]
    pub fn push<L: Labels>(&self, labels: L, value: u64) {
        self.table.check::<L>();
        self.open.borrow_mut().rows.push(value, |key| labels.write(key));
    }
}

/// Hands all rows to the host.
pub(crate) fn flush() {
    OPEN.with_borrow_mut(|all| {
        all.retain(|open| {
            let Some(open) = open.upgrade() else { return false };
            let Open { handle, rows } = &mut *open.borrow_mut();
            rows.drain(|rows| table_add_many(*handle, rows));
            true
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Counter, calls::recorder};

    #[test]
    fn what_is_dropped_is_forgotten() {
        let calls = Counter::open(&Table::counter("calls", &["process"]));
        let same = Counter::open(&Table::counter("calls", &["process"]));
        calls.add("x", 1);
        same.add("x", 2);
        flush();
        recorder::with(|recorder| assert_eq!(recorder.added, [(0, b"x".to_vec(), 3)]));
        drop((calls, same));
        flush();
        OPEN.with_borrow(|all| assert!(all.is_empty()));
    }

    #[test]
    #[should_panic(expected = "table `calls` has 2 labels, the key has 1")]
    fn a_key_with_too_few_labels() {
        Counter::open(&Table::counter("calls", &["process", "service"])).add("curl", 1);
    }
}
