//! Where exports read: everything at one moment, off the event path.

use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use super::{
    metric::{Metric, TableName},
    own, tables,
    tally::Tallies,
};
use crate::{
    pipeline::{Ledger, Pipelines},
    probe::{self, Choice},
};

/// What there is to be read.
pub struct Source {
    /// Pipelines and scripts.
    pub pipelines: Arc<Pipelines>,
    /// The account of every call.
    pub ledger: Arc<Ledger>,
    /// The backend in use.
    pub choice: Choice,
    /// When the process started, by the wall clock.
    pub started: SystemTime,
    /// The same by the monotonic clock.
    pub began: Instant,
    /// Most rows of each table that are read, those that the table is for first.
    pub rows: usize,
    /// What exports have done.
    pub tallies: Tallies,
}

impl Source {
    /// Weir's own state, and every table. A table is copied once, whoever else looks at it.
    pub fn read(&self) -> Result<Vec<Metric>, probe::Error> {
        let ledger = self.ledger.snapshot(self.pipelines.rows())?;
        let mut metrics = own::metrics(self, &ledger);
        let now_ns = unix_ns(SystemTime::now());
        let mut left_out = Vec::new();
        for ((script, table), copy) in self.pipelines.tables() {
            let name = TableName { script, table };
            let (of_table, rows_left_out) = tables::metrics(&name, &copy, self.rows, now_ns);
            metrics.extend(of_table);
            left_out.push((name, rows_left_out));
        }
        metrics.push(tables::left_out(&left_out));
        Ok(metrics)
    }
}

/// Nanoseconds since the Unix epoch.
pub fn unix_ns(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
