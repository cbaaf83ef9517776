//! The store's thread: takes kept events and looks at the tables from time to time, and writes both.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crossbeam_channel::{Receiver, Select};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{
    Before, Error, Order, Shared,
    before::{read, restored},
    blocks::{self, Block},
    history, nanoseconds,
    record::put_history,
    refusals::Refusals,
    room, schema,
    scripts::{self, Modules},
    seconds, totals,
};
use crate::pipeline::{Definitions, Left, Passed, Pipelines};

/// Events wait so long for their block to fill before it is written as it is.
const EVENTS: Duration = Duration::from_secs(1);
/// Blocks that wait for a database at most, in bytes about. What comes then is counted as dropped.
const WAITING_EVENTS: usize = 200_000;
/// After a commit that took long the next one waits so many times as long: storing takes at most so much
/// of one processor.
const REST: u32 = 20;
/// How often what is old is looked for, in seconds.
const OLD: i64 = 60;
/// The one who writes. It belongs to the store's thread.
pub struct Writer {
    shared: Arc<Shared>,
    orders: Receiver<Order>,
    database: Option<Connection>,
    lock: Option<schema::Lock>,
    /// When this process began to store.
    began: SystemTime,
    /// What of the tables is in the database.
    written: totals::Written,
    definitions: Option<Definitions>,
    /// Scripts that could not be loaded again.
    pub refusals: Refusals,
    open: BTreeMap<Arc<str>, blocks::Open>,
    blocks: VecDeque<(Arc<str>, Block)>,
    looked_for_old: i64,
    /// Modules that no script was made of at the last look for what is old.
    unused: BTreeSet<String>,
    /// Whether there is room within the size that it may take.
    has_room: bool,
}

impl Writer {
    /// Opens the database, and reads what was there before.
    pub fn open(shared: Arc<Shared>, orders: Receiver<Order>, now: SystemTime) -> (Self, Before) {
        let mut this = Self {
            shared,
            orders,
            database: None,
            lock: None,
            began: now,
            written: totals::Written::new(),
            definitions: None,
            refusals: Refusals::default(),
            open: BTreeMap::new(),
            blocks: VecDeque::new(),
            looked_for_old: 0,
            unused: BTreeSet::new(),
            has_room: true,
        };
        let before = this.open_database(now).unwrap_or_else(|error| {
            this.failed(&error);
            None
        });
        (this, before.unwrap_or_default())
    }

    /// Opens the database, unless it is open. One that is of no use is put aside. Returns what is in it, the
    /// first time.
    fn open_database(&mut self, now: SystemTime) -> Result<Option<Before>, Error> {
        if self.database.is_some() {
            return Ok(None);
        }
        let folder = self.shared.options.folder.clone();
        if self.lock.is_none() {
            self.lock = Some(schema::lock(&folder)?);
        }
        let is_first = self.shared.pipelines.get().is_none();
        let opened = schema::open(&folder).and_then(|(database, was_there)| {
            let before = (was_there && is_first).then(|| read(&database, now)).transpose()?;
            Ok((database, before))
        });
        let (database, before) = match opened {
            Err(error) if error.is_of_file() => {
                let aside = schema::put_aside(&folder, now)?;
                tracing::warn!(
                    "the store is begun anew, and {} is put aside as {}: {error}",
                    folder.join(schema::FILE).display(),
                    aside.display()
                );
                self.status(|status| status.put_aside = Some(aside));
                (schema::open(&folder)?.0, None)
            }
            opened => opened?,
        };
        let mut readers = self.shared.readers.lock().expect("no panic while locked");
        readers.database += 1;
        readers.is_open = true;
        readers.free.clear();
        drop(readers);
        let events = room::events(&database)?;
        self.database = Some(database);
        self.written.clear();
        self.definitions = None;
        // What a database holds that is opened again is what this process wrote.
        let restored = before.as_ref().filter(|_| is_first).and_then(restored);
        if let Some(restored) = &restored {
            tracing::info!(
                "the store is as of {}, {:.1} s before this start{}",
                restored.last_commit,
                restored.age_s,
                if restored.complete { "" } else { "; what came after that is lost" },
            );
        }
        let bytes = self.disk_bytes();
        self.status(|status| {
            status.events = events;
            status.bytes = bytes;
            if let Some(restored) = restored {
                status.last_commit = Some(restored.last_commit.clone());
                status.restored = Some(restored);
            }
        });
        Ok(before)
    }

    /// Runs until told to end.
    pub fn run(mut self) {
        let every = self.shared.options.every.max(Duration::from_millis(100));
        let mut next_look = Instant::now() + until_next(every, SystemTime::now());
        let mut next_events = Instant::now() + EVENTS;
        // From now on numbers of events are given out that only a commit tells of.
        _ = self.commit(SystemTime::now(), |_, one| history::set_meta(one, "clean", 0));
        // What is loaded by now.
        self.write_scripts();
        loop {
            let outlet = self.shared.outlet.clone();
            let orders = self.orders.clone();
            let mut select = Select::new();
            select.recv(&orders);
            select.recv(outlet.waiting());
            // Whatever it is, or the time of a look, is seen to below.
            _ = select.ready_deadline(next_look.min(next_events));
            for passed in outlet.waiting().try_iter().take(256) {
                self.take(&passed);
            }
            let mut changed = false;
            for order in orders.try_iter() {
                match order {
                    Order::Changed => changed = true,
                    Order::End(left) => return self.end(&left),
                }
            }
            if changed {
                self.write_scripts();
            }
            let began = Instant::now();
            if began >= next_look {
                self.look(SystemTime::now(), None);
                let rest = began.elapsed() * REST;
                let soon = until_next(every, SystemTime::now());
                next_look = Instant::now() + if soon < rest { rest } else { soon };
            }
            if began >= next_events {
                self.write_events(SystemTime::now());
                next_events = Instant::now() + EVENTS;
            }
        }
    }

    /// Takes a batch of kept events.
    fn take(&mut self, passed: &Passed) {
        let Passed { pipeline, batch } = passed;
        self.shared.outlet.taken(batch);
        let waiting: usize = self.blocks.iter().map(|(_, block)| block.count).sum();
        if waiting > WAITING_EVENTS || !self.has_room {
            let events = batch.heads.len() as u64;
            return self.status(|status| status.dropped += events);
        }
        let open = self.open.entry(pipeline.clone()).or_default();
        open.add(batch);
        if open.is_full()
            && let Some(block) = open.close()
        {
            self.blocks.push_back((pipeline.clone(), block));
        }
        if self.blocks.len() >= 16 && self.database.is_some() {
            self.write_events(SystemTime::now());
        }
    }

    /// Writes the kept events that were taken.
    fn write_events(&mut self, now: SystemTime) {
        for (pipeline, open) in &mut self.open {
            if let Some(block) = open.close() {
                self.blocks.push_back((pipeline.clone(), block));
            }
        }
        // Without a database they wait for the next look, which tries to open one.
        if !self.blocks.is_empty() && self.database.is_some() {
            let done = self.commit(now, |this, one| this.put_events(one));
            if done.is_some() {
                self.events_are_written();
            }
        }
    }

    fn put_events(&self, one: &Transaction<'_>) -> Result<(), Error> {
        self.blocks.iter().try_for_each(|(pipeline, block)| blocks::write(one, pipeline, block))
    }

    fn events_are_written(&mut self) {
        let events: usize = self.blocks.drain(..).map(|(_, block)| block.count).sum();
        self.status(|status| status.events += events as u64);
    }

    /// Writes pipelines and scripts, if they are others than there.
    fn write_scripts(&mut self) {
        let Some(pipelines) = self.shared.pipelines.get().cloned() else { return };
        if self.database.is_none() {
            return;
        }
        let (definitions, modules) = self.now_defined(&pipelines);
        if self.definitions.as_ref() == Some(&definitions) && modules.is_empty() {
            return;
        }
        let done = self.commit(SystemTime::now(), |this, one| {
            scripts::replace(one, this.definitions.as_ref(), &definitions, &modules)
        });
        if done.is_some() {
            self.scripts_are_written(&pipelines, definitions, &modules);
        }
    }

    fn now_defined(&self, pipelines: &Pipelines) -> (Definitions, Modules) {
        let mut status = self.shared.status.lock().expect("no panic while locked");
        self.refusals.beside(pipelines, &mut status)
    }

    fn scripts_are_written(
        &mut self,
        pipelines: &Pipelines,
        definitions: Definitions,
        modules: &Modules,
    ) {
        // They may be about to be used.
        self.unused.retain(|sha256| !modules.contains_key(sha256));
        pipelines.modules_stored(modules.keys());
        self.definitions = Some(definitions);
    }

    /// Looks at all tables and writes what there is: scripts, totals, history and events.
    fn look(&mut self, now: SystemTime, left: Option<&Left>) {
        let Some(pipelines) = self.shared.pipelines.get().cloned() else { return };
        if let Err(error) = self.open_database(now) {
            self.failed(&error);
        }
        let tables = pipelines.copies();
        let shared = self.shared.clone();
        // Held until what is pending is written: who asks for series sees it in one place.
        let mut recorder = shared.recorder();
        recorder.look(&tables);
        if self.database.is_none() {
            return;
        }
        let (definitions, modules) = self.now_defined(&pipelines);
        let ended = left.is_some();
        let next_seq = shared.next_seq.get().map_or(0, |next_seq| next_seq());
        let began = Instant::now();
        let done = self.commit(now, |this, one| {
            if this.definitions.as_ref() != Some(&definitions) || !modules.is_empty() {
                scripts::replace(one, this.definitions.as_ref(), &definitions, &modules)?;
            }
            let written = totals::write(one, &tables, &this.written, nanoseconds(now))?;
            if this.has_room {
                put_history(one, &recorder.pending, &tables, this.began, now)?;
            }
            one.execute("DELETE FROM left_by", [])?;
            if let Some(left) = left {
                totals::write_left(one, left)?;
            }
            history::set_meta(one, "last_commit_ns", nanoseconds(now))?;
            history::set_meta(one, "next_seq", next_seq.cast_signed())?;
            history::set_meta(one, "clean", ended.into())?;
            this.put_events(one)?;
            Ok(written)
        });
        let Some(written) = done else { return };
        recorder.pending.clear();
        drop(recorder);
        self.written = written;
        self.scripts_are_written(&pipelines, definitions, &modules);
        self.events_are_written();
        let at = humantime::format_rfc3339_nanos(now).to_string();
        let commit_ms = began.elapsed().as_secs_f64() * 1e3;
        self.status(|status| (status.last_commit, status.commit_ms) = (Some(at), commit_ms));
        self.tidy(now);
    }

    /// Forgets what is too old, or too much.
    fn tidy(&mut self, now: SystemTime) {
        let (age, most) = (self.shared.options.age.as_secs(), self.shared.options.size_bytes);
        let (age, at) = (i64::try_from(age).unwrap_or(i64::MAX / 4), seconds(now));
        let look_for_old = at - self.looked_for_old >= OLD;
        let done = self.commit(now, |this, one| {
            let mut unused = BTreeSet::new();
            if look_for_old {
                room::forget_old(one, at, age)?;
                unused = this.unused_modules(one)?;
                scripts::forget(one, unused.intersection(&this.unused))?;
            }
            let has_room = room::make_room(one, at, most)?;
            Ok((has_room, room::events(one)?, unused))
        });
        let Some((has_room, events, unused)) = done else { return };
        if look_for_old {
            self.looked_for_old = at;
            self.unused = unused.difference(&self.unused).cloned().collect();
        }
        if !has_room && self.has_room {
            tracing::warn!("tables and scripts alone take more than the store may: --store-size");
        }
        self.has_room = has_room;
        if let Some(database) = &self.database {
            // What is free goes back to the disk bit by bit.
            _ = database.execute_batch("PRAGMA incremental_vacuum(2000)");
        }
        let bytes = self.disk_bytes();
        self.status(|status| {
            status.bytes = bytes;
            status.events = events;
            status.has_room = has_room;
        });
    }

    /// Modules that no script is made of, nor one that may be put back.
    fn unused_modules(&self, one: &Transaction<'_>) -> Result<BTreeSet<String>, Error> {
        let (Some(definitions), Some(pipelines)) = (&self.definitions, self.shared.pipelines.get())
        else {
            return Ok(BTreeSet::new());
        };
        let mut unused = scripts::unused(one, definitions)?;
        for sha256 in pipelines.may_come_back() {
            unused.remove(&sha256);
        }
        Ok(unused)
    }

    /// Does something in one transaction. If that fails, nothing of it is done.
    fn commit<T>(
        &mut self,
        now: SystemTime,
        write: impl FnOnce(&Self, &Transaction<'_>) -> Result<T, Error>,
    ) -> Option<T> {
        let mut database = self.database.take()?;
        let done = database
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(Error::from)
            .and_then(|one| {
                let done = write(self, &one)?;
                one.commit()?;
                Ok(done)
            });
        match done {
            Ok(done) => {
                self.database = Some(database);
                self.status(|status| {
                    if status.error.take().is_some() {
                        tracing::info!("the store goes on");
                    }
                });
                Some(done)
            }
            Err(error) => {
                self.failed(&error);
                if matches!(error, Error::Full) {
                    // It is as it was at the last commit.
                    self.database = Some(database);
                    return None;
                }
                // The next look opens it again, or begins a new one.
                drop(database);
                self.shared.readers.lock().expect("no panic while locked").is_open = false;
                if error.is_of_file() {
                    self.put_aside(now);
                }
                None
            }
        }
    }

    fn put_aside(&mut self, now: SystemTime) {
        match schema::put_aside(&self.shared.options.folder, now) {
            Ok(aside) => {
                tracing::warn!("the store is put aside as {}", aside.display());
                self.status(|status| status.put_aside = Some(aside));
            }
            Err(error) => tracing::warn!("the store cannot be put aside: {error}"),
        }
    }

    /// Notes why nothing is stored.
    fn failed(&self, error: &Error) {
        let text = error.to_string();
        self.status(|status| {
            if status.error.as_ref() != Some(&text) {
                tracing::warn!("nothing is stored: {text}");
            }
            status.error = Some(text);
        });
    }

    /// Writes all there is, for the last time.
    fn end(mut self, left: &Left) {
        let outlet = self.shared.outlet.clone();
        for passed in outlet.waiting().try_iter() {
            self.take(&passed);
        }
        self.write_events(SystemTime::now());
        self.look(SystemTime::now(), Some(left));
        if let Some(database) = self.database.take() {
            // The log is taken over into the file, as far as nobody reads.
            _ = database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }

    fn status(&self, change: impl FnOnce(&mut super::Status)) {
        change(&mut self.shared.status.lock().expect("no panic while locked"));
    }

    fn disk_bytes(&self) -> u64 {
        let path = self.shared.options.folder.join(schema::FILE);
        let sizes = ["", "-wal"].map(|suffix| {
            let mut path = path.clone().into_os_string();
            path.push(suffix);
            fs::metadata(path).map_or(0, |meta| meta.len())
        });
        sizes.iter().sum()
    }
}

/// How long it is to the next multiple of a span of time.
fn until_next(every: Duration, now: SystemTime) -> Duration {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let every_ns = every.as_nanos().max(1);
    Duration::from_nanos((every_ns - since.as_nanos() % every_ns) as u64)
}
