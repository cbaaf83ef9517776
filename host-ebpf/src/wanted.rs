//! Whether anybody wants a call: asked before anything of it is read, and again before it is sent.

use core::ptr;

use aya_ebpf::helpers::{
    bpf_get_current_cgroup_id, bpf_get_current_uid_gid, generated::bpf_get_current_comm,
};
use weir_ebpf::{
    Slot, control,
    want::{self, Caller, Want},
};
use weir_sdk::event::COMM_BYTES;

use crate::{
    heap,
    maps::{self, WANTED},
    repeat::{END, ON, repeat},
};

/// What the rounds need, and what they find.
struct Asked {
    caller: Caller,
    /// Of a record only.
    slot: *mut Slot,
    want: *const Want,
    port: u32,
    /// Of the want at hand: the lists in which the call is.
    lists: u8,
    found: bool,
}

/// Whether anybody may want a call of this thread.
#[inline(always)]
pub fn may_be(call: u16, pid: u32) -> bool {
    let wants = maps::control(control::WANTS);
    if wants == 0 {
        return true;
    }
    // SAFETY: the helpers have no precondition.
    let (uid, cgroup) = unsafe { (bpf_get_current_uid_gid() as u32, bpf_get_current_cgroup_id()) };
    let mut comm = [0u64; COMM_BYTES / 8];
    // SAFETY: the destination holds COMM_BYTES bytes. The helper does not fail.
    unsafe { bpf_get_current_comm(comm.as_mut_ptr().cast(), COMM_BYTES as u32) };
    let caller = Caller { call, pid, uid, cgroup, comm };
    let mut asked = Asked::new(caller, ptr::null_mut(), 0);
    repeat(wants, may, &mut asked);
    asked.found
}

/// Whether anybody wants the record in the slot.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn is_wanted(slot: *mut Slot) -> u64 {
    if slot.is_null() {
        return 0;
    }
    let wants = maps::control(control::WANTS);
    if wants == 0 {
        return 1;
    }
    // SAFETY: the slot is the calling thread's; places are checked.
    unsafe {
        let head = &raw const (*slot).record.head;
        let name = (*head).name;
        let start =
            heap::at::<4>(slot, name.offset).map_or(0, |at| at.cast::<u32>().read_volatile());
        let caller = Caller {
            call: (*head).call,
            pid: (*head).pid,
            uid: (*head).uid,
            cgroup: (*head).cgroup_id,
            comm: (&raw const (*head).comm).cast::<[u64; COMM_BYTES / 8]>().read_volatile(),
        };
        let port = want::port(start.to_ne_bytes(), name.len);
        let mut asked = Asked::new(caller, slot, port);
        repeat(wants, fits, &mut asked);
        asked.found.into()
    }
}

impl Asked {
    #[inline(always)]
    fn new(caller: Caller, slot: *mut Slot, port: u32) -> Self {
        Self { caller, slot, want: ptr::null(), port, lists: 0, found: false }
    }
}

/// Asks one want before anything is read.
#[inline(never)]
extern "C" fn may(index: u64, asked: *mut Asked) -> i64 {
    let Some(want) = WANTED.get_ptr(index as u32) else { return END };
    // SAFETY: `may_be` hands it what it needs; the host writes a want while none is looked at.
    unsafe {
        let asked = &mut *asked;
        (asked.want, asked.lists) = (want, 0);
        repeat((*want).longest, value_of_caller, asked);
        asked.found = (*want).may(asked.caller.call, asked.lists);
        if asked.found { END } else { ON }
    }
}

/// Asks one want of a record.
#[inline(never)]
extern "C" fn fits(index: u64, asked: *mut Asked) -> i64 {
    let Some(want) = WANTED.get_ptr(index as u32) else { return END };
    // SAFETY: as in `may`, of `is_wanted`, which hands it the calling thread's slot.
    unsafe {
        let asked = &mut *asked;
        (asked.want, asked.lists) = (want, 0);
        repeat((*want).longest, value_of_call, asked);
        let head = &(*asked.slot).record.head;
        asked.found =
            (*want).may(asked.caller.call, asked.lists) && (*want).fits(head, asked.lists);
        if asked.found { END } else { ON }
    }
}

/// Looks at one value of each list that is of the caller.
#[inline(never)]
extern "C" fn value_of_caller(index: u64, asked: *mut Asked) -> i64 {
    // SAFETY: as in `may`.
    unsafe {
        let asked = &mut *asked;
        asked.lists |= (*asked.want).of_caller(index, &asked.caller);
    }
    ON
}

/// Looks at one value of each list.
#[inline(never)]
extern "C" fn value_of_call(index: u64, asked: *mut Asked) -> i64 {
    // SAFETY: as in `fits`.
    unsafe {
        let asked = &mut *asked;
        asked.lists |= (*asked.want).of_caller(index, &asked.caller);
        let head = &(*asked.slot).record.head;
        asked.lists |= (*asked.want).of_call(index, head, asked.port);
    }
    ON
}
