//! The counter.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use super::{Kind, Labels, Table, sums::Sums};
use crate::calls::table_add::table_add;

/// A table that adds values up.
///
/// The values of a batch are added up here, and go to the host once, when the batch ends.
#[derive(Debug)]
pub struct Counter {
    table: Table,
    sums: Rc<RefCell<Open>>,
}

#[derive(Debug)]
struct Open {
    handle: u32,
    sums: Sums,
}

thread_local! {
    /// What [`flush`] looks through.
    static OPEN: RefCell<Vec<Weak<RefCell<Open>>>> = const { RefCell::new(Vec::new()) };
}

impl Counter {
    /// Opens a table made by [`Table::counter`]; what it has from before, it keeps.
    pub fn open(table: &Table) -> Self {
        let open = Open { handle: table.open(Kind::Counter), sums: Sums::default() };
        let sums = Rc::new(RefCell::new(open));
        OPEN.with_borrow_mut(|all| all.push(Rc::downgrade(&sums)));
        Self { table: *table, sums }
    }

    /// Adds to the row of a key, which has as many labels as the table.
    ///
    /// ```
    /// # use weir_sdk::{Counter, Event, Table};
    /// # fn event(by_process: Counter, by_both: Counter, event: Event) {
    /// by_process.add(event.comm(), 1);
    /// by_both.add((event.comm(), event.destination()), event.bytes().unwrap_or(0));
    /// # }
    /// ```
    #[inline]
    pub fn add<L: Labels>(&self, labels: L, value: u64) {
        self.table.check::<L>();
        self.sums.borrow_mut().sums.add(value, |key| labels.write(key));
    }
}

/// Hands all sums to the host.
pub(crate) fn flush() {
    OPEN.with_borrow_mut(|all| {
        all.retain(|open| {
            let Some(open) = open.upgrade() else { return false };
            let Open { handle, sums } = &mut *open.borrow_mut();
            sums.drain(|key, value| table_add(*handle, key, value));
            true
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::recorder;

    #[test]
    fn goes_to_the_host_once() {
        let calls = Counter::open(&Table::counter("calls", &["process", "service"]));
        calls.add(["curl", "dns"], 1);
        calls.add(["curl", "dns"], 2);
        calls.add(("curl", "http"), 4);
        recorder::with(|recorder| assert!(recorder.added.is_empty()));
        flush();
        flush();
        recorder::with(|recorder| {
            assert_eq!(
                recorder.added,
                [(0, b"curl\0dns".to_vec(), 3), (0, b"curl\0http".to_vec(), 4)]
            );
        });
        drop(calls);
        flush();
        OPEN.with_borrow(|all| assert!(all.is_empty()));
    }

    #[test]
    #[should_panic(expected = "table `calls` has 2 labels, the key has 1")]
    fn a_key_with_too_few_labels() {
        Counter::open(&Table::counter("calls", &["process", "service"])).add("curl", 1);
    }
}
