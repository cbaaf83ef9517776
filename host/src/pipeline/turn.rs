//! Turns on the processor: short ones for the threads of the event path, late ones for what is done beside it.

use std::{panic, thread};

use rustix::process::{getpriority_process, setpriority_process};

/// The shortest turn that the kernel grants, in nanoseconds.
const SHORTEST_NS: u64 = 100_000;
/// The priority of [`beside`], as a nice value: a tenth of a processor that others want as well (sched(7)). With
/// the lowest there is, a start on a busy machine would take longer than a script may.
const LOW: i32 = 10;

/// Asks for short turns for the calling thread. It has no more of the processor for that, but has it sooner:
/// since Linux 6.12 a thread whose turns are shorter than those of the one that runs does not wait for the
/// end of that one's turn (`PREEMPT_SHORT` in kernel/sched/features.h, `sched_runtime` in sched_setattr(2)). So
/// what the host does beside the event path, loading a script for one, does not hold it up.
///
/// Older kernels ignore the wish, and where it is refused the thread has turns like any other.
pub fn short_turns() {
    // SAFETY: the struct is integers only, for which zero is valid.
    let mut attr: libc::sched_attr = unsafe { std::mem::zeroed() };
    let size = size_of_val(&attr) as u32;
    let at = &raw mut attr;
    // SAFETY: the kernel writes no more than `size` bytes, and the struct outlives both calls.
    unsafe {
        if libc::syscall(libc::SYS_sched_getattr, 0, at, size, 0) == 0 {
            (*at).sched_runtime = SHORTEST_NS;
            libc::syscall(libc::SYS_sched_setattr, 0, at, 0);
        }
    }
}

/// Does this at a low priority, in a thread of its own, and waits for it: the event path then takes the processor
/// from what loads a script. A priority once lowered is not raised again without a capability, so the caller keeps
/// its own.
///
/// # Panics
///
/// As `work` does, and where the system cannot start a thread.
pub(super) fn beside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let low = move || {
            // Where that is refused, it is done all the same.
            _ = getpriority_process(None).and_then(|own| setpriority_process(None, own.max(LOW)));
            work()
        };
        let thread = thread::Builder::new()
            .name("weir-load".to_owned())
            .spawn_scoped(scope, low)
            .expect("the system can start a thread");
        thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_work_has_a_low_priority() {
        let own = getpriority_process(None).unwrap();
        assert_eq!(beside(|| getpriority_process(None).unwrap()), own.max(LOW));
        assert_eq!(getpriority_process(None).unwrap(), own);
    }
}
