//! The time that a run takes: of the processor, so that a script is not ended for what others did.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{Store, StoreContextMut, Trap, UpdateDeadline};

use super::{Limits, guest::State};

/// What is known of the time of the run at hand.
///
/// Reading the processor's clock is a system call, so it is not read before an epoch has passed:
/// what the run took until then is not charged.
#[derive(Debug, Default)]
pub struct Clock {
    first: Option<Reading>,
    /// Whether the run was ended although it got little of the processor.
    pub starved: bool,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    used: Duration,
    at: Instant,
}

impl Reading {
    fn now() -> Self {
        Self { used: processor_time(), at: Instant::now() }
    }
}

/// What the calling thread has had of the processor. A system call.
pub fn processor_time() -> Duration {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
}

/// Sets up the end of runs that take too long.
pub fn watch(store: &mut Store<State>) {
    store.epoch_deadline_callback(at_deadline);
}

/// Begins a run.
pub fn begin(store: &mut Store<State>) {
    store.data_mut().clock = Clock::default();
    store.set_epoch_deadline(1);
}

fn at_deadline(mut store: StoreContextMut<'_, State>) -> wasmtime::Result<UpdateDeadline> {
    let State { clock, limits, .. } = store.data_mut();
    clock.more(Reading::now(), limits).map(UpdateDeadline::Continue).ok_or(Trap::Interrupt.into())
}

impl Clock {
    /// In how many epochs to look again; none if the time is over.
    fn more(&mut self, now: Reading, limits: &Limits) -> Option<u64> {
        let first = *self.first.get_or_insert(now);
        let left = limits.batch_time.saturating_sub(now.used.saturating_sub(first.used));
        if left.is_zero() {
            return None;
        }
        if now.at.duration_since(first.at) >= limits.wall_time() {
            self.starved = true;
            return None;
        }
        Some(Limits::epochs(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_time_is_charged() {
        let limits = Limits { batch_time: Duration::from_millis(20), ..Limits::default() };
        let began = Instant::now();
        let at = |used_ms: u64, wall_ms| Reading {
            used: Duration::from_millis(1000 + used_ms),
            at: began + Duration::from_millis(wall_ms),
        };
        let mut clock = Clock::default();
        assert_eq!(clock.more(at(0, 0), &limits), Some(4));
        // Others had the processor.
        assert_eq!(clock.more(at(3, 200), &limits), Some(4));
        assert_eq!(clock.more(at(18, 300), &limits), Some(1));
        assert_eq!(clock.more(at(20, 305), &limits), None);
        assert!(!clock.starved);
        assert_eq!(clock.more(at(19, 400), &limits), None);
        assert!(clock.starved);
    }
}
