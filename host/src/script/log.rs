//! What a script says of itself, for people.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime},
};

use serde::Serialize;

/// Lines that are kept.
const LINES: usize = 500;
/// Longest line in bytes; what is longer is cut.
pub(super) const LINE_BYTES: usize = 1024;

/// The last lines of a script's log.
#[derive(Debug)]
pub struct Log {
    lines_per_second: AtomicU32,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    lines: VecDeque<Line>,
    dropped: u64,
    second: Instant,
    in_second: u32,
}

/// One line.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Line {
    /// When.
    #[serde(serialize_with = "super::rfc3339")]
    #[schema(value_type = String)]
    pub time: SystemTime,
    /// `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// What.
    pub text: String,
}

impl Log {
    /// An empty log that takes so many lines in a second.
    pub fn new(lines_per_second: u32) -> Self {
        let inner =
            Inner { lines: VecDeque::new(), dropped: 0, second: Instant::now(), in_second: 0 };
        Self { lines_per_second: lines_per_second.into(), inner: Mutex::new(inner) }
    }

    /// Sets how many lines it takes in a second.
    pub fn limit(&self, lines_per_second: u32) {
        self.lines_per_second.store(lines_per_second, Relaxed);
    }

    /// Adds a line, or counts it as dropped where there are too many.
    pub fn add(&self, level: &'static str, text: &[u8]) {
        let mut inner = self.inner.lock().expect("no panic while locked");
        let now = Instant::now();
        if now.duration_since(inner.second) >= Duration::from_secs(1) {
            (inner.second, inner.in_second) = (now, 0);
        }
        if inner.in_second >= self.lines_per_second.load(Relaxed) {
            inner.dropped += 1;
            return;
        }
        inner.in_second += 1;
        if inner.lines.len() == LINES {
            inner.lines.pop_front();
        }
        let text = String::from_utf8_lossy(&text[..text.len().min(LINE_BYTES)]).into_owned();
        inner.lines.push_back(Line { time: SystemTime::now(), level, text });
    }

    /// The last lines, oldest first, and how many were dropped for being too many.
    pub fn last(&self, limit: usize) -> (Vec<Line>, u64) {
        let inner = self.inner.lock().expect("no panic while locked");
        let skip = inner.lines.len().saturating_sub(limit);
        (inner.lines.iter().skip(skip).cloned().collect(), inner.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_so_many_lines_in_a_second_and_counts_the_rest() {
        let log = Log::new(3);
        for line in ["a", "b", "c", "d", "e"] {
            log.add("info", line.as_bytes());
        }
        let (lines, dropped) = log.last(2);
        assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(dropped, 2);
    }
}
