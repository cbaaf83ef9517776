//! What the kernel knows of the calling thread.

use core::ffi::c_void;

use aya_ebpf::helpers::{bpf_get_current_pid_tgid, bpf_get_current_task, bpf_probe_read_kernel};
use weir_ebpf::UNKNOWN;

use crate::maps::config;

/// The calling thread's id.
#[inline(always)]
pub fn tid() -> u32 {
    bpf_get_current_pid_tgid() as u32
}

/// A field of the struct at `base`, if its offset is known and it can be read.
#[inline(always)]
fn field<T>(base: u64, offset: u32) -> Option<T> {
    if offset == UNKNOWN {
        return None;
    }
    // SAFETY: the helper checks the address.
    unsafe { bpf_probe_read_kernel((base + u64::from(offset)) as *const T) }.ok()
}

/// The parent's process id.
#[inline(always)]
pub fn ppid() -> Option<u32> {
    // SAFETY: the helper has no precondition; settings are constant once loaded.
    let (task, real_parent, tgid) = unsafe {
        (
            bpf_get_current_task(),
            (&raw const (*config()).real_parent).read_volatile(),
            (&raw const (*config()).tgid).read_volatile(),
        )
    };
    let parent: *const c_void = field(task, real_parent)?;
    field(parent as u64, tgid)
}

/// When the process started.
#[inline(always)]
pub fn start_ns() -> Option<u64> {
    // SAFETY: as above.
    let (task, group_leader, start_boottime) = unsafe {
        (
            bpf_get_current_task(),
            (&raw const (*config()).group_leader).read_volatile(),
            (&raw const (*config()).start_boottime).read_volatile(),
        )
    };
    let leader: *const c_void = field(task, group_leader)?;
    field(leader as u64, start_boottime)
}
