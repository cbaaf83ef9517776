//! sendmmsg and recvmmsg: one record per message, told when the call has returned.

use aya_ebpf::helpers::{bpf_ktime_get_ns, bpf_probe_read_user};
use weir_ebpf::{Slot, counter};
use weir_sdk::event::{
    CALL_SENDMMSG, GROUP_CONTROL, GROUP_IOV, GROUP_MSG, GROUP_NAME, GROUP_PAYLOAD, STATUS_ABSENT,
    STATUS_NOT_SEEN, Span,
};

use crate::{
    call, files, iovec,
    maps::{count, count_many},
    message,
};

/// Messages told of by one run of the program, which then calls itself; the kernel lets it do so 33
/// times at most (`MAX_TAIL_CALL_CNT`).
pub const A_RUN: u32 = 2;

/// Bytes of `struct mmsghdr`, and of `struct compat_mmsghdr`; the result stands behind the header.
const ENTRY: (u64, u64) = (64, 56);
const COMPAT_ENTRY: (u64, u64) = (32, 28);

/// The call has returned: notes what goes for all messages.
///
/// # Safety
///
/// `slot` is the calling thread's, as for all functions here.
#[inline(always)]
pub unsafe fn returned(slot: *mut Slot, ret: i64) {
    // SAFETY: the helper has no precondition; the caller vouches for the slot.
    unsafe {
        call::returned(slot, ret, bpf_ktime_get_ns());
        // Until the last message is told of.
        (*slot).pending.in_flight = 2;
        (*slot).pending.next = 0;
        (*slot).pending.shared = (*slot).pending.used;
        (*slot).pending.ret = ret;
    }
}

/// Whether the call has returned, and its messages are being told of.
#[inline(always)]
pub unsafe fn is_returned(slot: *mut Slot) -> bool {
    // SAFETY: the caller vouches for the slot.
    unsafe { (*slot).pending.in_flight == 2 }
}

/// Tells of the next message; false when all are told.
#[inline(always)]
pub unsafe fn tell(slot: *mut Slot) -> bool {
    // SAFETY: the caller vouches for the slot; the helper checks the address.
    unsafe {
        let index = (&raw const (*slot).pending.next).read_volatile();
        let ret = (&raw const (*slot).pending.ret).read_volatile();
        // A call that sent or received nothing is one event, too.
        let all = if ret < 1 { 1 } else { ret };
        if i64::from(index) >= all {
            (*slot).pending.in_flight = 0;
            return false;
        }
        if index != 0 {
            count(counter::SEEN);
        }
        let head = &raw mut (*slot).record.head;
        let (stride, result) = if (*head).compat == 0 { ENTRY } else { COMPAT_ENTRY };
        let entry = (*slot).pending.msg + stride * u64::from(index);
        start(slot, entry, index);
        if (*head).vlen == 0 {
            (*head).status[GROUP_MSG] = STATUS_ABSENT;
        } else if message::header(slot, entry) {
            iovec::table(slot);
            message::name(slot, (*head).namelen);
            let own = bpf_probe_read_user((entry + result) as *const u32).unwrap_or(0);
            (*head).ret = if ret < 1 { ret } else { own.into() };
            let sends = (*head).call == CALL_SENDMMSG;
            iovec::payload(slot, if sends { (*head).bytes } else { own.into() });
            message::control(slot);
            files::of_control(slot);
        }
        (*head).late = 1 << GROUP_MSG
            | 1 << GROUP_NAME
            | 1 << GROUP_IOV
            | 1 << GROUP_CONTROL
            | 1 << GROUP_PAYLOAD;
        (&raw mut (*slot).pending.next).write_volatile(index + 1);
        call::submit(slot);
        true
    }
}

/// Nothing of the message before stays.
#[inline(always)]
unsafe fn start(slot: *mut Slot, entry: u64, index: u32) {
    const NONE: Span = Span { offset: 0, len: 0 };
    // SAFETY: the caller vouches for the slot.
    unsafe {
        (*slot).pending.used = (*slot).pending.shared;
        let head = &mut (*slot).record.head;
        (head.msg_ptr, head.index) = (entry, index);
        (head.namelen, head.iovlen, head.controllen, head.bytes) = (0, 0, 0, 0);
        (head.name, head.iov, head.control, head.payload, head.files) =
            (NONE, NONE, NONE, NONE, NONE);
        for group in [GROUP_MSG, GROUP_NAME, GROUP_IOV, GROUP_CONTROL, GROUP_PAYLOAD] {
            head.status[group] = STATUS_NOT_SEEN;
        }
    }
}

/// The kernel lets the program call itself no more: the rest is counted.
#[inline(always)]
pub unsafe fn give_up(slot: *mut Slot) {
    // SAFETY: the caller vouches for the slot.
    unsafe {
        (*slot).pending.in_flight = 0;
        let (ret, told) = ((*slot).pending.ret, i64::from((*slot).pending.next));
        if ret > told {
            count_many(counter::SEEN, (ret - told) as u64);
            count_many(counter::TOO_MANY, (ret - told) as u64);
        }
    }
}
