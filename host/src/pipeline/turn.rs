//! Short turns on the processor, for the threads of the event path.

/// The shortest turn that the kernel grants, in nanoseconds.
const SHORTEST_NS: u64 = 100_000;

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
