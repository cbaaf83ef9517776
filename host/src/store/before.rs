//! What was there before this process.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use super::{
    Error, Restored, history,
    scripts::{self, Modules},
    totals,
};
use crate::pipeline::{Definitions, Remembered};

/// Numbers of events begin at a multiple of this after a process that did not end by itself: how many it
/// gave out is not known.
const SEQS: u64 = 10_000_000;

/// What was there before this process.
#[derive(Default)]
pub struct Before {
    /// Pipelines and scripts.
    pub definitions: Definitions,
    /// The modules of scripts.
    pub modules: Modules,
    /// Tables, and what scripts left.
    pub remembered: Remembered,
    /// The number that the next event is to have, so that none is given twice.
    pub next_seq: u64,
    /// Whether the process before ended by itself.
    pub is_clean: bool,
    /// The last commit, and how old it was when this process began; none if there was nothing.
    pub last_commit: Option<(SystemTime, Duration)>,
}

/// What is in a database.
pub fn read(database: &Connection, now: SystemTime) -> Result<Before, Error> {
    let (definitions, modules) = scripts::read(database)?;
    let tables = totals::read(database)?;
    let left = totals::read_left(database)?;
    let last = history::meta(database, "last_commit_ns")?;
    let last = last.map(|at| UNIX_EPOCH + Duration::from_nanos(at.max(0).cast_unsigned()));
    let next_seq = history::meta(database, "next_seq")?.unwrap_or(0).max(0).cast_unsigned();
    let is_clean = history::meta(database, "clean")? == Some(1);
    let stored: i64 =
        database
            .query_row("SELECT coalesce(max(last_seq), 0) FROM events", [], |row| row.get(0))?;
    let next_seq = next_seq.max(stored.max(0).cast_unsigned() + 1);
    Ok(Before {
        definitions,
        modules,
        remembered: Remembered { tables, left },
        next_seq: if is_clean { next_seq } else { next_seq.next_multiple_of(SEQS) + 1 },
        is_clean,
        last_commit: last.map(|last| (last, now.duration_since(last).unwrap_or_default())),
    })
}

/// The same, as the status shows it.
pub fn restored(before: &Before) -> Option<Restored> {
    let (at, age) = before.last_commit?;
    Some(Restored {
        last_commit: humantime::format_rfc3339_nanos(at).to_string(),
        age_s: age.as_secs_f64(),
        complete: before.is_clean,
        tables: before.remembered.tables.values().map(Vec::len).sum(),
        scripts: before.definitions.scripts.values().filter(|script| !script.given).count(),
    })
}
