//! What the kernel knows of the calling thread.

use aya_ebpf::helpers::{bpf_get_current_pid_tgid, bpf_get_current_task};
use weir_ebpf::offset;

use crate::kernel::{field, pointer, value};

/// `TS_COMPAT` (arch/x86/include/asm/thread_info.h): the thread is in a call of the 32-bit
/// interface.
const COMPAT: u32 = 2;

/// The calling thread's id.
#[inline(always)]
pub fn tid() -> u32 {
    bpf_get_current_pid_tgid() as u32
}

/// The calling thread's `struct task_struct`.
#[inline(always)]
pub fn current() -> u64 {
    // SAFETY: the helper has no precondition.
    unsafe { bpf_get_current_task() }
}

/// The parent's process id.
#[inline(always)]
pub fn ppid() -> Option<u32> {
    field(pointer(current(), offset::TASK_REAL_PARENT), offset::TASK_TGID)
}

/// When the process started.
#[inline(always)]
pub fn start_ns() -> Option<u64> {
    field(pointer(current(), offset::TASK_GROUP_LEADER), offset::TASK_START)
}

/// The network namespace.
#[inline(always)]
pub fn net() -> u64 {
    pointer(pointer(current(), offset::TASK_NSPROXY), offset::NSPROXY_NET)
}

/// Whether the thread is in a call of the 32-bit interface.
#[inline(always)]
pub fn compat() -> bool {
    value::<u32>(current(), offset::TASK_STATUS) & COMPAT != 0
}

/// Whether the calling thread, which ends, is the last of its process.
#[inline(always)]
pub fn is_last() -> bool {
    field::<u32>(pointer(current(), offset::TASK_SIGNAL), offset::SIGNAL_LIVE) == Some(0)
}
