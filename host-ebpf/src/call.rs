//! A call's entry, its return, and the slot in which it waits between them.

use core::ffi::c_void;

use aya_ebpf::{
    bindings::{BPF_NOEXIST, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP},
    helpers::{
        bpf_get_current_cgroup_id, bpf_get_current_pid_tgid, bpf_get_current_uid_gid,
        bpf_get_smp_processor_id, bpf_ktime_get_ns,
        generated::{bpf_get_current_comm, bpf_ringbuf_output},
    },
};
use weir_ebpf::{HEAP_BYTES, Notice, Record, Slot, control, counter, in_flight, offset};
use weir_sdk::event::{
    COMM_BYTES, GROUP_PPID, GROUP_START, HEAD_BYTES, STATUS_NOT_SEEN, STATUS_OK,
};

use crate::{
    kernel::value,
    maps::{self, IN_FLIGHT, RECORDS, count},
    task, wanted,
};

/// A new slot's content. It stands in read-only data, so that the stack (512 bytes) need not hold it.
// SAFETY: integers only, for which zero is a value.
static NEW_SLOT: Slot = unsafe { core::mem::zeroed() };

/// A thread enters a call, of the 32-bit interface or not: its slot, with what goes for every call.
/// `msg` may be the greeting.
#[inline(always)]
pub fn begin(call: u16, compat: bool, fd: i32, msg: u64, flags: u32) -> Option<*mut Slot> {
    let id = bpf_get_current_pid_tgid();
    let (pid, tid) = ((id >> 32) as u32, id as u32);
    if from_host(pid, msg) {
        return None;
    }
    count(counter::SEEN);
    if !wanted::may_be(call, pid) {
        count(counter::FILTERED);
        abandon(tid);
        return None;
    }
    let Some(slot) = slot(tid) else {
        count(counter::NO_SLOT);
        return None;
    };
    // SAFETY: a thread is in one call at a time, so its slot has one writer.
    unsafe {
        if (*slot).pending.in_flight == in_flight::CALL {
            count(counter::OVERWRITTEN);
        }
        clear(slot);
        let head = &mut (*slot).record.head;
        (head.call, head.pid, head.tid) = (call, pid, tid);
        let ids = bpf_get_current_uid_gid();
        (head.uid, head.gid) = (ids as u32, (ids >> 32) as u32);
        (head.fd, head.flags, head.msg_ptr) = (fd, flags, msg);
        (head.cgroup_id, head.cpu) = (bpf_get_current_cgroup_id(), bpf_get_smp_processor_id());
        // The destination holds COMM_BYTES bytes. The helper does not fail.
        bpf_get_current_comm(head.comm.as_mut_ptr().cast(), COMM_BYTES as u32);
        (head.ppid, head.status[GROUP_PPID]) = match task::ppid() {
            Some(ppid) => (ppid, STATUS_OK),
            None => (0, STATUS_NOT_SEEN),
        };
        head.compat = compat.into();
    }
    Some(slot)
}

/// The thread enters a call that nobody wants: the one before was not seen to return.
#[inline(always)]
fn abandon(tid: u32) {
    if let Some(slot) = IN_FLIGHT.get_ptr_mut(tid) {
        // SAFETY: as in `begin`.
        unsafe {
            if (*slot).pending.in_flight == in_flight::CALL {
                count(counter::OVERWRITTEN);
            }
            (*slot).pending.in_flight = in_flight::NONE;
        }
    }
}

/// All is read: the call goes on. Last, so that the duration holds as little as can be of this
/// program's own time.
///
/// # Safety
///
/// `slot` is the calling thread's.
#[inline(always)]
pub unsafe fn go(slot: *mut Slot) {
    // SAFETY: the caller vouches for the slot.
    unsafe {
        // Most processes use sockets of their own network namespace.
        let (net, known) = (task::net(), &raw const (*slot).socket);
        let same = net == (*known).net && net != 0;
        (*slot).record.head.netns =
            if same { (*known).netns } else { value(net, offset::NET_INUM) };
        (*slot).pending.in_flight = in_flight::CALL;
        (*slot).record.head.time_ns = bpf_ktime_get_ns();
    }
}

/// The slot of the calling thread, if it is in a call.
#[inline(always)]
pub fn in_flight() -> Option<*mut Slot> {
    // A call that entered before the programs were attached, or the host's own, has none.
    let slot = IN_FLIGHT.get_ptr_mut(task::tid())?;
    // SAFETY: as in `begin`.
    if unsafe { (*slot).pending.in_flight } == in_flight::NONE { None } else { Some(slot) }
}

/// The call has returned.
///
/// # Safety
///
/// `slot` is the calling thread's.
#[inline(always)]
pub unsafe fn returned(slot: *mut Slot, ret: i64, now: u64) {
    // SAFETY: the caller vouches for the slot.
    unsafe {
        (*slot).pending.in_flight = in_flight::NONE;
        let head = &mut (*slot).record.head;
        head.duration_ns = now - head.time_ns;
        head.ret = ret;
    }
}

/// Hands the record to the host, if anybody wants it.
///
/// # Safety
///
/// As for [`returned`].
#[inline(always)]
pub unsafe fn submit(slot: *mut Slot) {
    if wanted::is_wanted(slot) == 0 {
        count(counter::FILTERED);
        return;
    }
    // SAFETY: the caller vouches for the slot; the record is at least as long as what is copied.
    let sent = unsafe {
        let mut used = (&raw const (*slot).pending.used).read_volatile();
        if used > HEAP_BYTES as u32 {
            used = HEAP_BYTES as u32;
        }
        let record: *mut Record = &raw mut (*slot).record;
        output(record.cast(), HEAD_BYTES as u64 + u64::from(used))
    };
    count(if sent { counter::SUBMITTED } else { counter::RING_FULL });
}

/// Tells the host what becomes of the calling process.
#[inline(always)]
pub fn notice(what: u32) {
    // SAFETY: the helper has no precondition.
    let time_ns = unsafe { bpf_ktime_get_ns() };
    let pid = (bpf_get_current_pid_tgid() >> 32) as u32;
    let mut notice = Notice { time_ns, pid, what };
    // SAFETY: the notice is as long as is said.
    if !unsafe { output((&raw mut notice).cast(), size_of::<Notice>() as u64) } {
        count(counter::NOTICES_LOST);
    }
}

/// Copies `len` bytes into the ring buffer, and wakes the reader if it asked for that; whether
/// there was room.
#[inline(always)]
unsafe fn output(from: *mut c_void, len: u64) -> bool {
    let wakeup = if maps::control(control::READER_SLEEPS) == 1 {
        maps::set_control(control::READER_SLEEPS, 0);
        BPF_RB_FORCE_WAKEUP
    } else {
        BPF_RB_NO_WAKEUP
    };
    let ring = (&raw const RECORDS).cast_mut().cast();
    // SAFETY: the caller vouches for what is copied.
    unsafe { bpf_ringbuf_output(ring, from, len, u64::from(wakeup)) == 0 }
}

/// A thread's slot goes.
#[inline(always)]
pub fn forget(tid: u32) {
    let Some(slot) = IN_FLIGHT.get_ptr(tid) else {
        return;
    };
    // SAFETY: the value lives until the program ends, also when another removes it.
    if unsafe { (*slot).pending.in_flight } == in_flight::CALL {
        count(counter::THREAD_EXIT);
    }
    // It may be gone by now, which is what is wanted.
    _ = IN_FLIGHT.remove(tid);
}

/// Nothing of the call before stays, but for when the process started.
#[inline(always)]
unsafe fn clear(slot: *mut Slot) {
    // SAFETY: the caller vouches for the slot, whose head is of HEAD_BYTES bytes, aligned to 8.
    unsafe {
        let head = &raw mut (*slot).record.head;
        let (start_ns, status) = ((*head).start_ns, (*head).status[GROUP_START]);
        let words = head.cast::<u64>();
        for word in 0..HEAD_BYTES / 8 {
            words.add(word).write_volatile(0);
        }
        ((*head).start_ns, (*head).status[GROUP_START]) = (start_ns, status);
        let pending = &mut (*slot).pending;
        (pending.used, pending.compared, pending.messages) = (0, 0, 0);
    }
}

/// Whether the host itself calls. It makes itself known by its greeting: in a pid namespace it
/// cannot know the number by which the kernel calls it.
#[inline(always)]
fn from_host(pid: u32, msg: u64) -> bool {
    // SAFETY: settings are constant once loaded.
    let greeting = unsafe { (&raw const (*maps::config()).greeting).read_volatile() };
    if msg == greeting && greeting != 0 {
        maps::set_control(control::HOST, pid);
        return true;
    }
    maps::control(control::HOST) == pid
}

/// The thread's slot, made at its first call.
#[inline(always)]
fn slot(tid: u32) -> Option<*mut Slot> {
    if let Some(slot) = IN_FLIGHT.get_ptr_mut(tid) {
        return Some(slot);
    }
    #[expect(clippy::needless_borrows_for_generic_args, reason = "a copy would be on the stack")]
    IN_FLIGHT.insert(tid, &NEW_SLOT, u64::from(BPF_NOEXIST)).ok()?;
    let slot = IN_FLIGHT.get_ptr_mut(tid)?;
    if let Some(start_ns) = task::start_ns() {
        // SAFETY: nobody else knows of the new slot.
        unsafe {
            (*slot).record.head.start_ns = start_ns;
            (*slot).record.head.status[GROUP_START] = STATUS_OK;
        }
    }
    Some(slot)
}
