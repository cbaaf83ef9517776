//! A call's entry, its return, and the slot in which it waits between them.

use aya_ebpf::{
    bindings::{BPF_NOEXIST, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP},
    helpers::{
        bpf_get_current_cgroup_id, bpf_get_current_pid_tgid, bpf_get_current_uid_gid,
        bpf_get_smp_processor_id, bpf_ktime_get_ns,
        generated::{bpf_get_current_comm, bpf_ringbuf_output},
    },
};
use weir_ebpf::{Record, Slot, control, counter};
use weir_sdk::event::{
    CALL_SENDMSG, COMM_BYTES, GROUP_PPID, GROUP_START, HEAD_BYTES, NAME_BYTES, STATUS_NOT_SEEN,
    STATUS_OK,
};

use crate::{
    maps::{self, IN_FLIGHT, RECORDS, count},
    read, task,
};

/// A new slot's content. It stands in read-only data, so that the stack (512 bytes) need not hold it.
// SAFETY: integers only, for which zero is a value.
static NEW_SLOT: Slot = unsafe { core::mem::zeroed() };

/// A thread entered the call.
#[inline(always)]
pub fn enter(fd: i32, msg: u64, flags: u32) {
    let id = bpf_get_current_pid_tgid();
    let (pid, tid) = ((id >> 32) as u32, id as u32);
    if from_host(pid, msg) {
        return;
    }
    count(counter::SEEN);
    let Some(slot) = slot(tid) else {
        count(counter::NO_SLOT);
        return;
    };
    // SAFETY: a thread is in one call at a time, so its slot has one writer.
    let (slot, record) = unsafe { (&mut *slot, &raw mut (*slot).record) };
    if slot.in_flight != 0 {
        count(counter::OVERWRITTEN);
    }
    let head = &mut slot.record.head;
    head.call = CALL_SENDMSG;
    (head.pid, head.tid) = (pid, tid);
    let ids = bpf_get_current_uid_gid();
    (head.uid, head.gid) = (ids as u32, (ids >> 32) as u32);
    (head.fd, head.flags) = (fd, flags);
    // SAFETY: the helpers have no precondition.
    (head.cgroup_id, head.cpu) =
        unsafe { (bpf_get_current_cgroup_id(), bpf_get_smp_processor_id()) };
    // SAFETY: the destination holds COMM_BYTES bytes. The helper does not fail.
    unsafe { bpf_get_current_comm(head.comm.as_mut_ptr().cast(), COMM_BYTES as u32) };
    (head.ppid, head.status[GROUP_PPID]) = match task::ppid() {
        Some(ppid) => (ppid, STATUS_OK),
        None => (0, STATUS_NOT_SEEN),
    };
    read::message(record, msg, flags);
    slot.in_flight = 1;
    // Last, so that the duration holds as little as can be of this program's own time.
    // SAFETY: the helper has no precondition.
    slot.record.head.time_ns = unsafe { bpf_ktime_get_ns() };
}

/// A thread returned from the call.
#[inline(always)]
pub fn exit(ret: i64) {
    // SAFETY: the helper has no precondition.
    let now = unsafe { bpf_ktime_get_ns() };
    // A call that entered before the programs were attached, or the host's own, has none.
    let Some(slot) = IN_FLIGHT.get_ptr_mut(task::tid()) else {
        return;
    };
    // SAFETY: as in `enter`.
    let slot = unsafe { &mut *slot };
    if slot.in_flight == 0 {
        return;
    }
    slot.in_flight = 0;
    let head = &mut slot.record.head;
    head.duration_ns = now - head.time_ns;
    head.ret = ret;
    let mut name = head.name.len;
    if name > NAME_BYTES as u32 {
        name = NAME_BYTES as u32;
    }
    let wakeup = if maps::control(control::READER_SLEEPS) == 1 {
        maps::set_control(control::READER_SLEEPS, 0);
        BPF_RB_FORCE_WAKEUP
    } else {
        BPF_RB_NO_WAKEUP
    };
    let record: *mut Record = &raw mut slot.record;
    // SAFETY: the record holds HEAD_BYTES + NAME_BYTES bytes.
    let full = unsafe {
        bpf_ringbuf_output(
            (&raw const RECORDS).cast_mut().cast(),
            record.cast(),
            HEAD_BYTES as u64 + u64::from(name),
            u64::from(wakeup),
        )
    };
    count(if full == 0 { counter::SUBMITTED } else { counter::RING_FULL });
}

/// A thread's slot goes.
#[inline(always)]
pub fn forget(tid: u32) {
    let Some(slot) = IN_FLIGHT.get_ptr(tid) else {
        return;
    };
    // SAFETY: the value lives until the program ends, also when another removes it.
    if unsafe { (*slot).in_flight } != 0 {
        count(counter::THREAD_EXIT);
    }
    // It may be gone by now, which is what is wanted.
    _ = IN_FLIGHT.remove(tid);
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
