//! The cgroups that the reader knows.

use std::{collections::HashMap, mem};

use weir_sdk::event::Span;

use super::{
    asker::{Asker, Known},
    lookup::{Ask, Cgroup},
    processes::Caller,
};

/// Cgroups that are remembered.
const REMEMBERED: usize = 16_384;

/// A cgroup.
#[derive(Debug, Default)]
pub struct Group {
    /// What is known.
    pub known: Known<Cgroup>,
    /// Number of the batch that had it last, and where the path lies in its heap.
    pub placed: (u64, Span),
    used: bool,
}

/// All of them, by id.
#[derive(Default)]
pub struct Groups(HashMap<u64, Group>);

impl Groups {
    /// A cgroup, which a caller in this batch was in; asks for it.
    pub fn group(&mut self, id: u64, caller: &Caller, batch: u64, asker: &Asker) -> &mut Group {
        self.make_room();
        let group = self.0.entry(id).or_default();
        group.used = true;
        // Once per batch is enough, should the queue be full.
        if group.placed.0 != batch && group.known.asks(caller.time_ns) {
            let asked = asker.ask(Ask::Cgroup { id, pid: caller.pid });
            group.known = if asked { Known::Awaited } else { Known::Unasked };
        }
        group
    }

    /// Takes an answer.
    pub fn answer(&mut self, id: u64, found: Option<Cgroup>, looked_ns: u64) {
        self.make_room();
        let group = self.0.entry(id).or_default();
        // An id is never used again: what is known stays so, the cgroup be there or not.
        if group.known.found().is_none() {
            group.known.answer(found, looked_ns);
            group.placed = Default::default();
        }
    }

    /// What is known of a cgroup.
    pub fn get(&self, id: u64) -> Option<&Cgroup> {
        self.0.get(&id)?.known.found()
    }

    /// When there are too many, those go that no event had since the last time, or else all.
    fn make_room(&mut self) {
        if self.0.len() < REMEMBERED {
            return;
        }
        self.0.retain(|_, group| mem::take(&mut group.used));
        if self.0.len() > REMEMBERED / 4 * 3 {
            self.0.clear();
        }
    }
}
