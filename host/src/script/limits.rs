//! What a script may use.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::engine::EPOCH;

/// The limits of each script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Processor time for one batch, and for each of describe, start, tick, save and restore. Told
    /// apart in steps of [`EPOCH`].
    pub batch_time: Duration,
    /// Memory of one instance, in bytes.
    pub memory_bytes: usize,
    /// Size of a module, in bytes. The same for all scripts.
    pub module_bytes: usize,
    /// Attributes and emitted results of one second, in bytes.
    pub output_bytes: usize,
    /// Lines that the log takes in a second.
    pub log_lines: u32,
    /// Rows of each table.
    pub table_keys: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_time: Duration::from_millis(100),
            // SpiderMonkey's collector of garbage begins at some 70 MB.
            memory_bytes: 128 << 20,
            module_bytes: 32 << 20,
            output_bytes: 32 << 20,
            log_lines: 100,
            table_keys: crate::table::MAX_KEYS,
        }
    }
}

/// A script is ended after so many times its time on the wall, however little of the processor it
/// got: what waits behind it has waited long enough.
const STARVED: u32 = 20;

impl Limits {
    /// Longest time on the wall for one batch.
    pub(super) fn wall_time(&self) -> Duration {
        self.batch_time * STARVED
    }

    /// So much time in epochs, at least one.
    pub(super) fn epochs(time: Duration) -> u64 {
        (time.as_nanos().div_ceil(EPOCH.as_nanos()) as u64).max(1)
    }
}

/// Limits of one script as the API shows and takes them; what is left out is not changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitValues {
    /// Milliseconds of processor time for one batch.
    pub batch_time_ms: Option<u64>,
    /// Memory of one instance.
    pub memory_bytes: Option<u64>,
    /// Attributes and emitted results.
    pub output_bytes_per_second: Option<u64>,
    /// Lines of the log.
    pub log_lines_per_second: Option<u32>,
    /// Rows of each table.
    pub table_keys: Option<u64>,
}

/// A limit that cannot be.
#[derive(Clone, Debug, thiserror::Error)]
#[error("limit {name}: {value} is not within {least} to {most}")]
pub struct LimitError {
    name: &'static str,
    value: u64,
    least: u64,
    most: u64,
}

impl LimitValues {
    /// All of them.
    pub fn of(limits: &Limits) -> Self {
        Self {
            batch_time_ms: Some(limits.batch_time.as_millis() as u64),
            memory_bytes: Some(limits.memory_bytes as u64),
            output_bytes_per_second: Some(limits.output_bytes as u64),
            log_lines_per_second: Some(limits.log_lines),
            table_keys: Some(limits.table_keys as u64),
        }
    }

    /// These, and what they leave out as in the others.
    pub fn or(self, others: Self) -> Self {
        Self {
            batch_time_ms: self.batch_time_ms.or(others.batch_time_ms),
            memory_bytes: self.memory_bytes.or(others.memory_bytes),
            output_bytes_per_second: self
                .output_bytes_per_second
                .or(others.output_bytes_per_second),
            log_lines_per_second: self.log_lines_per_second.or(others.log_lines_per_second),
            table_keys: self.table_keys.or(others.table_keys),
        }
    }

    /// These limits, with what is given here in their place.
    pub fn change(&self, limits: Limits) -> Result<Limits, LimitError> {
        let within = |name, value: Option<u64>, now: u64, least, most| match value {
            Some(value) if value < least || value > most => {
                Err(LimitError { name, value, least, most })
            }
            value => Ok(value.unwrap_or(now)),
        };
        let now_ms = limits.batch_time.as_millis() as u64;
        let batch_time_ms = within("batch_time_ms", self.batch_time_ms, now_ms, 1, 60_000)?;
        let memory = limits.memory_bytes as u64;
        let memory_bytes = within("memory_bytes", self.memory_bytes, memory, 64 << 10, 4 << 30)?;
        let output = limits.output_bytes as u64;
        let output_bytes =
            within("output_bytes_per_second", self.output_bytes_per_second, output, 0, 1 << 30)?;
        let lines = self.log_lines_per_second.map(u64::from);
        let log_lines = within("log_lines_per_second", lines, limits.log_lines.into(), 0, 100_000)?;
        let keys = limits.table_keys as u64;
        let table_keys = within("table_keys", self.table_keys, keys, 1, 1_000_000)?;
        Ok(Limits {
            batch_time: match self.batch_time_ms {
                Some(_) => Duration::from_millis(batch_time_ms),
                None => limits.batch_time,
            },
            memory_bytes: memory_bytes as usize,
            module_bytes: limits.module_bytes,
            output_bytes: output_bytes as usize,
            log_lines: log_lines as u32,
            table_keys: table_keys as usize,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_changed_and_the_rest_stays() {
        let before = Limits { batch_time: Duration::from_micros(1500), ..Limits::default() };
        let given: LimitValues = serde_json::from_str(r#"{"table_keys": 7}"#).unwrap();
        let after = given.change(before).unwrap();
        assert_eq!(after, Limits { table_keys: 7, ..before });
        assert_eq!(LimitValues::of(&after).table_keys, Some(7));
        assert_eq!(LimitValues::of(&after).change(before).unwrap().table_keys, 7);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (json, name) in [
            (r#"{"batch_time_ms": 0}"#, "batch_time_ms"),
            (r#"{"memory_bytes": 1}"#, "memory_bytes"),
            (r#"{"table_keys": 100000000}"#, "table_keys"),
        ] {
            let given: LimitValues = serde_json::from_str(json).unwrap();
            let error = given.change(Limits::default()).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        serde_json::from_str::<LimitValues>(r#"{"colour": 1}"#).unwrap_err();
    }
}
