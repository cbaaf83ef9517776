//! What survives a restart: scripts, the totals of tables and their history, kept events. An embedded
//! database in the data folder, written by a thread of its own. Nothing that traces waits for it.

mod answer;
mod before;
mod blocks;
mod error;
mod history;
mod point;
mod record;
mod recorder;
mod refusals;
mod room;
mod schema;
mod scripts;
mod status;
#[cfg(test)]
mod tests;
mod then;
mod totals;
mod writer;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crossbeam_channel::{Sender, bounded};
use rusqlite::Connection;

pub use answer::{Answer, AnswerError, Line, Wish};
pub use before::Before;
pub use error::Error;
pub use status::{Refused, Restored, Status};
pub use then::Then;

use crate::{
    decode::Batch,
    pipeline::{Left, Outlet, Pipelines},
    table::Query,
};
use recorder::Recorder;
use writer::Writer;

/// How the store is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data folder.
    pub folder: PathBuf,
    /// What the database may take, in bytes.
    pub size_bytes: u64,
    /// How long history and events are kept.
    pub age: Duration,
    /// How often the tables are written.
    pub every: Duration,
    /// Pipelines whose kept events are stored.
    pub events: Vec<String>,
}

/// The store. Without a database that can be used it stores nothing, says why, and tries again.
pub struct Store {
    shared: Arc<Shared>,
    orders: Sender<Order>,
    writer: Mutex<Option<Writer>>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

/// What the store's thread and those who ask share.
struct Shared {
    options: Options,
    outlet: Arc<Outlet>,
    pipelines: OnceLock<Arc<Pipelines>>,
    recorder: Mutex<Recorder>,
    status: Mutex<Status>,
    readers: Mutex<Readers>,
    /// The highest number of an event that was seen, for the next process.
    next_seq: OnceLock<Box<dyn Fn() -> u64 + Send + Sync>>,
    closed: AtomicBool,
}

/// Connections that are free to read, of the database that is open now.
#[derive(Default)]
struct Readers {
    /// Counts databases: one that was put aside is not read any more.
    database: u64,
    is_open: bool,
    free: Vec<Connection>,
}

/// What the thread is told.
enum Order {
    /// Pipelines or scripts changed.
    Changed,
    /// Write all there is, and end.
    End(Left),
}

impl Store {
    /// Opens the store of a data folder. A database that is of no use is put aside.
    pub fn open(options: Options, now: SystemTime) -> (Self, Before) {
        let outlet = Arc::new(Outlet::new(options.events.clone()));
        let status = Status::new(options.folder.join(schema::FILE), options.size_bytes);
        let shared = Arc::new(Shared {
            options,
            outlet,
            pipelines: OnceLock::new(),
            recorder: Mutex::default(),
            status: Mutex::new(status),
            readers: Mutex::default(),
            next_seq: OnceLock::new(),
            closed: false.into(),
        });
        let (orders, told) = bounded(64);
        let (writer, before) = Writer::open(shared.clone(), told, now);
        let writer = Mutex::new(Some(writer));
        (Self { shared, orders, writer, thread: Mutex::default() }, before)
    }

    /// Where pipelines hand on what they keep.
    pub fn outlet(&self) -> Arc<Outlet> {
        self.shared.outlet.clone()
    }

    /// Notes which scripts of before are not at work, and why: they stay in the store.
    pub fn refused(&self, before: &Before, refused: Vec<Refused>) {
        if let Some(writer) = self.writer.lock().expect("no panic while locked").as_mut() {
            writer.refusals.keep(&before.definitions, &before.modules, &refused);
        }
        let mut status = self.status();
        if let Some(restored) = &mut status.restored {
            restored.scripts = restored.scripts.saturating_sub(refused.len());
        }
        status.refused = refused;
    }

    /// Starts to store what these pipelines do. Their tables must be as they were before, and no event may
    /// have come yet. `next_seq` tells the number that the next event will have.
    pub fn start(
        &self,
        pipelines: Arc<Pipelines>,
        next_seq: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        self.shared.recorder().prime(&pipelines.copies());
        let orders = self.orders.clone();
        // A full queue holds such an order already.
        pipelines.on_changed(move || _ = orders.try_send(Order::Changed));
        _ = self.shared.pipelines.set(pipelines);
        _ = self.shared.next_seq.set(Box::new(next_seq));
        let Some(writer) = self.writer.lock().expect("no panic while locked").take() else {
            return;
        };
        let thread = thread::Builder::new()
            .name("weir-store".to_owned())
            .spawn(move || writer.run())
            .expect("the system can start a thread");
        *self.thread.lock().expect("no panic while locked") = Some(thread);
    }

    /// Writes all there is, with what scripts left, and ends.
    pub fn stop(&self, left: Left) {
        self.shared.closed.store(true, Relaxed);
        // An error means that the thread is gone.
        _ = self.orders.send(Order::End(left));
        let thread = self.thread.lock().expect("no panic while locked").take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's thread panicked: this is a bug in weir");
        }
    }

    /// How it is.
    pub fn state(&self) -> Status {
        let mut status = self.status().clone();
        status.dropped += self.shared.outlet.refused();
        if !status.has_room && status.error.is_none() {
            let error =
                "scripts and tables alone take more than --store-size: nothing else is stored";
            status.error = Some(error.to_owned());
        }
        status.age_s = status
            .last_commit
            .as_deref()
            .and_then(|at| humantime::parse_rfc3339(at).ok())
            .and_then(|at| SystemTime::now().duration_since(at).ok())
            .map(|age| age.as_secs_f64());
        status
    }

    fn status(&self) -> std::sync::MutexGuard<'_, Status> {
        self.shared.status.lock().expect("no panic while locked")
    }

    /// Series of a table, up to now.
    pub fn series(
        &self,
        script: &str,
        name: &str,
        wish: &Wish,
        now: SystemTime,
    ) -> Result<Answer, AnswerError> {
        // What happened since the last commit: looked at before the database is, so that none is missed
        // and none is told twice.
        let tables = self.shared.pipelines.get().map(|pipelines| pipelines.copies());
        let mut recorder = self.shared.recorder();
        if let Some(tables) = &tables {
            recorder.look(tables);
        }
        let key = (script.to_owned(), name.to_owned());
        let pending = recorder.pending.get(&key).cloned();
        self.shared.reading(|database| {
            // The first look fixes which commit is seen; the next one waits for the recorder until then.
            database.query_row("SELECT count(*) FROM meta", [], |_| Ok(())).map_err(Error::from)?;
            drop(recorder);
            answer::series(database, (script, name), wish, pending.as_ref(), seconds(now))
        })
    }

    /// A table as it was at a time, seconds since the Unix epoch.
    pub fn table_at(
        &self,
        script: &str,
        name: &str,
        at: i64,
        query: &Query,
    ) -> Result<Then, AnswerError> {
        self.shared.reading(|database| then::table_at(database, script, name, at, query))
    }

    /// Whether the kept events of a pipeline are stored.
    pub fn has_events_of(&self, pipeline: &str) -> bool {
        self.shared.outlet.is_for(pipeline)
    }

    /// The block with the last stored events of a pipeline before a number.
    pub fn events_before(&self, pipeline: &str, seq: u64) -> Result<Option<Batch>, Error> {
        self.shared.reading(|database| blocks::before(database, pipeline, seq))
    }

    /// Forgets a script that is in the store and could not be loaded again. Whether there was one.
    pub fn forget_refused(&self, script: &str) -> bool {
        let mut status = self.status();
        let before = status.refused.len();
        status.refused.retain(|refused| refused.script != script);
        let there_was = status.refused.len() < before;
        drop(status);
        if there_was {
            _ = self.orders.try_send(Order::Changed);
        }
        there_was
    }
}

impl Shared {
    fn recorder(&self) -> std::sync::MutexGuard<'_, Recorder> {
        self.recorder.lock().expect("no panic while locked")
    }

    /// Does something with a connection of its own, in one transaction, so that all that it reads is of one
    /// commit.
    fn reading<T, E: From<Error>>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let (of, free) = {
            let mut readers = self.readers.lock().expect("no panic while locked");
            if !readers.is_open {
                let error = self.status.lock().expect("no panic while locked").error.clone();
                let error = error.unwrap_or_else(|| "it is not open yet".to_owned());
                return Err(Error::NotStored(error).into());
            }
            (readers.database, readers.free.pop())
        };
        let database = match free {
            Some(database) => database,
            None => schema::open_to_read(&self.options.folder)?,
        };
        let one = database.unchecked_transaction().map_err(Error::from)?;
        let result = read(&one);
        one.finish().map_err(Error::from)?;
        let mut readers = self.readers.lock().expect("no panic while locked");
        if readers.database == of {
            readers.free.push(database);
        }
        result
    }
}

/// Whole seconds since the Unix epoch.
fn seconds(now: SystemTime) -> i64 {
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

/// Nanoseconds since the Unix epoch.
fn nanoseconds(now: SystemTime) -> i64 {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
