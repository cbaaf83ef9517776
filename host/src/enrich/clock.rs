//! What the wall clock shows, and what it showed at boot.

use rustix::time::{ClockId, clock_gettime};

/// Beyond that, a new reading means that somebody set the clock; below, that this thread had to
/// wait between two readings.
const SET_NS: u64 = 1_000_000;

/// Now: nanoseconds since the Unix epoch.
pub fn now_ns() -> u64 {
    nanoseconds(ClockId::Realtime)
}

/// When the system booted. Kept, so that a process has started at the same time in all its events.
pub struct Boot {
    unix_ns: u64,
}

impl Boot {
    /// Reads the clocks.
    pub fn new() -> Self {
        Self { unix_ns: read() }
    }

    /// Follows the wall clock if it was set.
    pub fn follow(&mut self) {
        let unix_ns = read();
        if unix_ns.abs_diff(self.unix_ns) > SET_NS {
            self.unix_ns = unix_ns;
        }
    }

    /// Nanoseconds since boot → nanoseconds since the Unix epoch.
    pub fn unix_ns(&self, since_boot_ns: u64) -> u64 {
        self.unix_ns.wrapping_add(since_boot_ns)
    }
}

fn read() -> u64 {
    let before = nanoseconds(ClockId::Boottime);
    let now = now_ns();
    let after = nanoseconds(ClockId::Boottime);
    now.wrapping_sub(before + (after - before) / 2)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_stays_where_it_was() {
        let mut boot = Boot::new();
        let first = boot.unix_ns(0);
        boot.follow();
        assert_eq!(boot.unix_ns(0), first);
        assert!(first < now_ns());
        boot.unix_ns -= 3_600_000_000_000;
        boot.follow();
        assert!(boot.unix_ns(0).abs_diff(first) < 1_000_000_000, "it follows a clock that was set");
    }
}
