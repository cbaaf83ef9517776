//! sendmmsg and recvmmsg: one record per message. recvmmsg's are told when the call has returned; so are
//! those of sendmmsg where its messages are not seen one by one (`___sys_sendmsg`).

use aya_ebpf::helpers::{bpf_ktime_get_ns, bpf_probe_read_user};
use weir_ebpf::{Slot, counter, in_flight};
use weir_sdk::event::{
    CALL_SENDMMSG, GROUP_CONTROL, GROUP_IOV, GROUP_MSG, GROUP_NAME, GROUP_PAYLOAD, STATUS_ABSENT,
    STATUS_NOT_SEEN, Span, TOCTOU_UNREAD,
};

use crate::{
    call, files,
    heap::Memory,
    leave,
    maps::{count, count_many},
    message,
    repeat::{ON, repeat},
};

/// Most messages of one call that are told of. sendmmsg takes no more (`UIO_MAXIOV`,
/// include/uapi/linux/uio.h); recvmmsg does.
const MOST: i64 = 1024;

/// Bytes of `struct mmsghdr`, and of `struct compat_mmsghdr`; the result stands behind the header.
const ENTRY: (u64, u64) = (64, 56);
const COMPAT_ENTRY: (u64, u64) = (32, 28);

const NONE: Span = Span { offset: 0, len: 0 };

/// A message of sendmmsg enters. Its call has entered before, and is seen with the first.
#[inline(always)]
pub fn entered(msg: u64) {
    let Some(slot) = call::in_flight() else { return };
    // SAFETY: it is this thread's; the helper has no precondition.
    unsafe {
        // sendmsg passes here, too.
        if (*slot).record.head.call != CALL_SENDMMSG {
            return;
        }
        let index = (*slot).pending.messages;
        if index == 0 {
            (*slot).pending.shared = (*slot).pending.used;
        } else {
            if (*slot).pending.in_flight == in_flight::CALL {
                // It was not seen to return, but there is no next one unless it was sent.
                sent(slot);
            }
            count(counter::SEEN);
            (*slot).pending.used = (*slot).pending.shared;
        }
        start(slot, msg, index);
        (*slot).pending.messages = index + 1;
        (*slot).pending.compared = 0;
        let head = &raw mut (*slot).record.head;
        ((*head).toctou, (*head).late, (*head).kernel) = (TOCTOU_UNREAD, 0, NONE);
        if message::header(slot, msg) {
            message::parts(slot, (*head).namelen, message::ALL);
            files::of_control(slot);
        }
        (*slot).pending.in_flight = in_flight::CALL;
        (*head).time_ns = bpf_ktime_get_ns();
    }
}

/// A message of sendmmsg has returned.
#[inline(always)]
pub fn returned(ret: i32) {
    let Some(slot) = call::in_flight() else { return };
    // SAFETY: it is this thread's.
    unsafe {
        let pending = &raw const (*slot).pending;
        let of_several = (*slot).record.head.call == CALL_SENDMMSG && (*pending).messages != 0;
        if of_several && (*pending).in_flight == in_flight::CALL {
            tell_entered(slot, ret.into());
        }
    }
}

/// The call has returned.
#[inline(always)]
pub unsafe fn ended(slot: *mut Slot, ret: i64) {
    // SAFETY: the caller vouches for the slot.
    unsafe {
        let messages = i64::from((*slot).pending.messages);
        if messages == 0 {
            self::messages(slot, ret);
            return;
        }
        if (*slot).pending.in_flight == in_flight::CALL {
            // The last was not seen to return. What it returned is known, unless it failed behind others.
            if ret >= messages {
                sent(slot);
            } else if messages == 1 {
                tell_entered(slot, ret);
            } else {
                count(counter::OVERWRITTEN);
            }
        }
        (*slot).pending.in_flight = in_flight::NONE;
    }
}

/// The message that entered last was sent: its result is where the kernel put it.
#[inline(always)]
unsafe fn sent(slot: *mut Slot) {
    // SAFETY: the caller vouches for the slot; the helper checks the address.
    unsafe {
        let head = &raw const (*slot).record.head;
        let (_, result) = if (*head).compat == 0 { ENTRY } else { COMPAT_ENTRY };
        let own = bpf_probe_read_user(((*head).msg_ptr + result) as *const u32).unwrap_or(0);
        tell_entered(slot, own.into());
    }
}

/// Tells of the message that entered last.
#[inline(always)]
unsafe fn tell_entered(slot: *mut Slot, ret: i64) {
    // SAFETY: the caller vouches for the slot.
    unsafe {
        leave::one(slot, ret, 0, Memory::User);
        (*slot).pending.in_flight = in_flight::BETWEEN;
    }
}

/// What a round needs.
struct Told {
    slot: *mut Slot,
    ret: i64,
    shared: u32,
}

/// The call has returned: tells of each message.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn messages(slot: *mut Slot, ret: i64) -> u64 {
    if slot.is_null() {
        return 0;
    }
    // SAFETY: the helper has no precondition; the slot is the calling thread's.
    unsafe {
        call::returned(slot, ret, bpf_ktime_get_ns());
        let shared = (*slot).pending.used;
        // A call that sent or received nothing is one event, too.
        let all = if ret < 1 { 1 } else { ret };
        let told = if all > MOST { MOST } else { all };
        // The first was counted when it entered.
        count_many(counter::SEEN, (all - 1) as u64);
        count_many(counter::TOO_MANY, (all - told) as u64);
        repeat(told as u32, tell, &mut Told { slot, ret, shared });
        0
    }
}

/// Tells of one message.
#[inline(never)]
extern "C" fn tell(index: u64, told: *mut Told) -> i64 {
    // SAFETY: `messages` hands it the calling thread's slot; the helper checks the address.
    unsafe {
        let Told { slot, ret, shared } = *told;
        (*slot).pending.used = shared;
        let head = &raw mut (*slot).record.head;
        let (stride, result) = if (*head).compat == 0 { ENTRY } else { COMPAT_ENTRY };
        let entry = (*slot).pending.msg + stride * index;
        start(slot, entry, index as u32);
        if (*head).vlen == 0 {
            (*head).status[GROUP_MSG] = STATUS_ABSENT;
        } else if message::header(slot, entry) {
            let own = bpf_probe_read_user((entry + result) as *const u32).unwrap_or(0);
            (*head).ret = if ret < 1 { ret } else { own.into() };
            let sends = (*head).call == CALL_SENDMMSG;
            message::parts(slot, (*head).namelen, if sends { message::ALL } else { own.into() });
            files::of_control(slot);
        }
        (*head).late = 1 << GROUP_MSG
            | 1 << GROUP_NAME
            | 1 << GROUP_IOV
            | 1 << GROUP_CONTROL
            | 1 << GROUP_PAYLOAD;
        call::submit(slot);
        ON
    }
}

/// Nothing of the message before stays.
#[inline(always)]
unsafe fn start(slot: *mut Slot, entry: u64, index: u32) {
    // SAFETY: the caller vouches for the slot.
    unsafe {
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
