//! What calls returned, counted.

use std::{collections::BTreeMap, io};

use serde::Serialize;
use weir_sdk::Errno;

/// The calls of one kind.
#[derive(Debug, Default, Serialize)]
pub struct Tally {
    /// All of them.
    pub calls: u64,
    /// Those that succeeded.
    pub ok: u64,
    /// Those that failed, by the name of the error.
    pub errors: BTreeMap<String, u64>,
    /// Why this kind ended early.
    pub stopped: Option<String>,
}

impl Tally {
    /// Counts one call by what it returned.
    pub fn count(&mut self, result: io::Result<usize>) {
        self.calls += 1;
        match result {
            Ok(_) => self.ok += 1,
            Err(error) => {
                let number = error.raw_os_error().unwrap_or_default();
                let name = Errno(number.unsigned_abs()).to_string();
                *self.errors.entry(name).or_default() += 1;
            }
        }
    }

    /// Adds another's calls.
    pub fn add(&mut self, more: Self) {
        let Self { calls, ok, errors, stopped } = more;
        self.calls += calls;
        self.ok += ok;
        for (error, count) in errors {
            *self.errors.entry(error).or_default() += count;
        }
        self.stopped = self.stopped.take().or(stopped);
    }
}
