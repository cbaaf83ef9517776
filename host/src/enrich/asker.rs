//! The reader's way to the look-ups' thread.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crossbeam_channel::Sender;

use super::lookup::Ask;

/// Look-ups that wait.
pub const QUEUE: usize = 1024;
/// Of these, look-ups that no event asked for.
const AHEAD: usize = QUEUE / 4 * 3;
/// What was not found is not looked up again for events within this time, in nanoseconds.
const AGAIN_NS: u64 = 1_000_000_000;

/// Asks, and never waits.
pub struct Asker {
    /// Where to ask.
    pub queue: Sender<Ask>,
    /// Look-ups that were not made because too many waited.
    pub refused: Arc<AtomicU64>,
}

impl Asker {
    /// Asks for what an event needs.
    pub fn ask(&self, ask: Ask) -> bool {
        self.count(self.queue.try_send(ask).is_ok())
    }

    /// Asks for what an event may need later.
    pub fn ask_ahead(&self, ask: Ask) -> bool {
        self.count(self.queue.len() < AHEAD && self.queue.try_send(ask).is_ok())
    }

    fn count(&self, asked: bool) -> bool {
        if !asked {
            self.refused.fetch_add(1, Relaxed);
        }
        asked
    }
}

/// How far a look-up is.
#[derive(Debug, Default)]
pub enum Known<T> {
    /// Not asked for.
    #[default]
    Unasked,
    /// The answer is awaited.
    Awaited,
    /// Not found at this time: nanoseconds since the Unix epoch.
    Missing(u64),
    /// The answer.
    Found(T),
}

impl<T> Known<T> {
    /// Whether an event of this time asks.
    pub fn asks(&self, time_ns: u64) -> bool {
        match self {
            Self::Unasked => true,
            // An event so much later shows that it is there all the same.
            Self::Missing(since_ns) => time_ns >= since_ns.saturating_add(AGAIN_NS),
            Self::Awaited | Self::Found(_) => false,
        }
    }

    /// The answer, if there is one.
    pub fn found(&self) -> Option<&T> {
        match self {
            Self::Found(found) => Some(found),
            _ => None,
        }
    }

    /// Takes an answer that came at this time.
    pub fn answer(&mut self, found: Option<T>, time_ns: u64) {
        *self = found.map_or(Self::Missing(time_ns), Self::Found);
    }
}
