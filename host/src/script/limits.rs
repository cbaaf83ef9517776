//! What a script may use.

use std::time::Duration;

use super::engine::EPOCH;

/// The limits of each script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time for one batch, and for each of describe, start and tick. Told apart in steps of
    /// [`EPOCH`].
    pub batch_time: Duration,
    /// Memory of one instance, in bytes.
    pub memory_bytes: usize,
    /// Size of a module, in bytes.
    pub module_bytes: usize,
    /// Table updates and attributes of one batch, in bytes.
    pub output_bytes: usize,
    /// Lines that the log takes in a second.
    pub log_lines: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_time: Duration::from_millis(100),
            memory_bytes: 64 << 20,
            module_bytes: 32 << 20,
            output_bytes: 1 << 20,
            log_lines: 100,
        }
    }
}

impl Limits {
    /// The time per batch in epochs: at least what it says, at most one more.
    pub(super) fn epochs(&self) -> u64 {
        self.batch_time.as_nanos().div_ceil(EPOCH.as_nanos()) as u64 + 1
    }
}
