//! The processes that the reader knows, by id, and which program they ran when.

use std::{
    collections::{HashMap, VecDeque, hash_map},
    mem,
};

use weir_sdk::event::Span;

use super::{
    asker::{Asker, Known},
    lookup::{Ask, Program},
};

/// Processes that are remembered.
const REMEMBERED: usize = 16_384;
/// Bytes of what is known of them.
const REMEMBERED_BYTES: usize = 32 << 20;
/// How far apart two readings of the clock may be that tell the same time, in nanoseconds.
const CLOCK_NS: u64 = 1_000_000;
/// Batches for which a process stays known after its exit, the one being filled included.
const STAYS: u64 = 2;

/// Who made a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Process id.
    pub pid: u32,
    /// When the process started, in clock ticks since boot, if the kernel side could tell.
    pub start: Option<u64>,
    /// When the call entered the kernel: nanoseconds since the Unix epoch.
    pub time_ns: u64,
}

/// A process while it runs one program.
#[derive(Debug, Default)]
pub struct Image {
    /// What is known.
    pub known: Known<Program>,
    /// Where that lies in the heap of the batch that had it last.
    pub placed: Placed,
    /// When the process started, in clock ticks since boot. `None` until an event or an answer
    /// tells.
    start: Option<u64>,
    /// When it executed the program: nanoseconds since the Unix epoch; 0 when that was not seen.
    since_ns: u64,
    /// From when to when the answer was looked up: nanoseconds since the Unix epoch.
    looked_ns: (u64, u64),
    /// Tells it from what had the same id before; 0 before it was asked for.
    generation: u64,
}

/// Parts that lie in a batch's heap, for a caller's user and cgroup.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placed {
    /// Number of the batch, user id, id of the cgroup.
    pub of: (u64, u32, u64),
    /// [`weir_sdk::event::Head::exe`].
    pub exe: Span,
    /// [`weir_sdk::event::Head::process`].
    pub process: Span,
}

#[derive(Debug, Default)]
struct Process {
    now: Image,
    /// What it ran before, for events that come late.
    before: Option<Image>,
    /// Whether an event had it since room was made last.
    used: bool,
}

impl Process {
    fn bytes(&self) -> usize {
        let images = [Some(&self.now), self.before.as_ref()];
        let programs = images.into_iter().flatten().filter_map(|image| image.known.found());
        programs.map(|program| program.exe.len() + program.parts.len()).sum()
    }
}

/// A process that has exited: its id, what tells it from the next one with the same id, when it
/// exited, and the batch that was filled then.
struct Exited {
    pid: u32,
    generation: u64,
    at_ns: u64,
    batch: u64,
}

/// All of them.
#[derive(Default)]
pub struct Processes {
    by_id: HashMap<u32, Process>,
    exited: VecDeque<Exited>,
    generation: u64,
    bytes: usize,
}

impl Processes {
    /// The program that a caller in this batch ran; asks for it. None when it is too late to ask.
    /// The same holds for other calls of this process from the first to before the second time.
    pub fn image(
        &mut self,
        caller: &Caller,
        batch: u64,
        asker: &Asker,
    ) -> (Option<&mut Image>, (u64, u64)) {
        let Some(start) = caller.start else { return (None, (0, u64::MAX)) };
        self.make_room();
        let process = self.by_id.entry(caller.pid).or_default();
        process.used = true;
        let since_ns = process.now.since_ns;
        if caller.time_ns < since_ns {
            let Some(before) = &mut process.before else { return (None, (0, since_ns)) };
            if caller.time_ns < before.since_ns {
                return (None, (0, before.since_ns));
            }
            let span_ns = (before.since_ns, since_ns);
            return (Some(before).filter(|before| before.start == caller.start), span_ns);
        }
        if process.now.start.is_some_and(|other| other != start) {
            // Another process under the same id.
            self.bytes -= process.bytes();
            *process = Process { used: true, ..Process::default() };
        }
        let now = &mut process.now;
        now.start = caller.start;
        // Once per batch is enough, should the queue be full.
        if now.placed.of.0 != batch && now.known.asks(caller.time_ns) {
            if now.generation == 0 {
                self.generation += 1;
                now.generation = self.generation;
            }
            let Caller { pid, start, .. } = *caller;
            let ask = Ask::Process { pid, start, generation: now.generation };
            now.known = if asker.ask(ask) { Known::Awaited } else { Known::Unasked };
        }
        let from_ns = now.since_ns;
        (Some(now), (from_ns, u64::MAX))
    }

    /// Takes an answer; returns whether it was of the program that the process runs.
    pub fn answer(
        &mut self,
        pid: u32,
        generation: u64,
        found: Option<Program>,
        looked_ns: (u64, u64),
    ) -> bool {
        let Some(process) = self.by_id.get_mut(&pid) else { return false };
        let now = &mut process.now;
        if now.generation != generation || !matches!(now.known, Known::Awaited) {
            return false;
        }
        // The process that an event showed after the exec has gone if this is not it.
        let found = found.filter(|found| *now.start.get_or_insert(found.start) == found.start);
        self.bytes += found.as_ref().map_or(0, |found| found.exe.len() + found.parts.len());
        now.known.answer(found, looked_ns.1);
        now.looked_ns = looked_ns;
        // What was placed before the answer came is less than there is now.
        now.placed = Placed::default();
        true
    }

    /// A process executed a program: what was known holds for earlier calls only.
    pub fn executed(&mut self, pid: u32, at_ns: u64, asker: &Asker) {
        self.make_room();
        self.generation += 1;
        let process = match self.by_id.entry(pid) {
            hash_map::Entry::Vacant(entry) => entry.insert(Process::default()),
            hash_map::Entry::Occupied(entry) => entry.into_mut(),
        };
        let (from_ns, to_ns) = process.now.looked_ns;
        let found = process.now.known.found().is_some();
        self.bytes -= process.bytes();
        process.before = None;
        if found && at_ns != 0 && from_ns > at_ns.saturating_add(CLOCK_NS) {
            // It was looked up since.
            process.now.since_ns = at_ns;
        } else {
            let now = Image { since_ns: at_ns, generation: self.generation, ..Image::default() };
            let before = mem::replace(&mut process.now, now);
            // What was read while it happened may be of either program.
            if found && to_ns.saturating_add(CLOCK_NS) < at_ns {
                process.before = Some(before);
            }
            let ask = Ask::Process { pid, start: None, generation: self.generation };
            if asker.ask_ahead(ask) {
                process.now.known = Known::Awaited;
            }
        }
        self.bytes += process.bytes();
    }

    /// A process exited; its last events may still be on their way. `batch` is the number of the
    /// one being filled.
    pub fn exited(&mut self, pid: u32, at_ns: u64, batch: u64) {
        let Some(process) = self.by_id.get(&pid) else { return };
        let generation = process.now.generation;
        self.exited.push_back(Exited { pid, generation, at_ns, batch });
        if self.exited.len() > REMEMBERED
            && let Some(oldest) = self.exited.pop_front()
        {
            self.forget(&oldest);
        }
    }

    /// Forgets the processes that exited before a batch was filled and before the last call in it
    /// returned.
    pub fn forget_exited(&mut self, batch: u64, returned_ns: u64) {
        while let Some(exited) = self
            .exited
            .pop_front_if(|exited| batch + 1 >= exited.batch + STAYS && returned_ns >= exited.at_ns)
        {
            self.forget(&exited);
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.by_id.clear();
        self.exited.clear();
        self.bytes = 0;
    }

    /// Processes, exits, and bytes that are counted; these are counted anew as well.
    #[cfg(test)]
    pub fn size(&self) -> (usize, usize, usize) {
        assert_eq!(self.bytes, self.by_id.values().map(Process::bytes).sum::<usize>());
        (self.by_id.len(), self.exited.len(), self.bytes)
    }

    fn forget(&mut self, exited: &Exited) {
        if let hash_map::Entry::Occupied(process) = self.by_id.entry(exited.pid)
            && process.get().now.generation == exited.generation
        {
            self.bytes -= process.remove().bytes();
        }
    }

    /// When there are too many, those go that no event had since the last time, or else all.
    fn make_room(&mut self) {
        if self.by_id.len() < REMEMBERED && self.bytes < REMEMBERED_BYTES {
            return;
        }
        self.by_id.retain(|_, process| mem::take(&mut process.used));
        self.bytes = self.by_id.values().map(Process::bytes).sum();
        if self.by_id.len() > REMEMBERED / 4 * 3 || self.bytes > REMEMBERED_BYTES / 4 * 3 {
            self.clear();
        }
    }
}
