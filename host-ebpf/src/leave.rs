//! What is read when a call returns.

use aya_ebpf::helpers::{bpf_ktime_get_ns, bpf_probe_read_user};
use weir_ebpf::Slot;
use weir_sdk::event::{
    CALL_IO_URING, CALL_RECVFROM, CALL_RECVMSG, CALL_SENDFILE, GROUP_CONTROL, GROUP_IOV, GROUP_MSG,
    GROUP_NAME, GROUP_PAYLOAD, STATUS_ABSENT, STATUS_FAULT, STATUS_OK,
};

use crate::{call, enter, files, heap::Memory, message};

/// A call that is one message has returned. `place` is where sendfile put its offset.
///
/// # Safety
///
/// `slot` is the calling thread's.
#[inline(always)]
pub unsafe fn one(slot: *mut Slot, ret: i64, place: u64, memory: Memory) {
    // SAFETY: the helper has no precondition; the caller vouches for the slot.
    unsafe {
        call::returned(slot, ret, bpf_ktime_get_ns());
        let head = &raw mut (*slot).record.head;
        let more = match (*head).call {
            CALL_RECVMSG | CALL_RECVFROM => received(slot, ret),
            CALL_SENDFILE => {
                sent_file(slot, place, memory);
                None
            }
            CALL_IO_URING => None,
            _ => faulted(slot),
        };
        if let Some(More { header, name_len, most }) = more {
            read_again(slot, header, name_len, most);
        }
        call::submit(slot);
    }
}

/// What is to be read at return.
struct More {
    /// The message header, too.
    header: bool,
    /// Length of the address, if the header does not say another.
    name_len: i32,
    /// Bytes of payload.
    most: u64,
}

/// Groups that can be read at return.
const GROUPS: [usize; 5] = [GROUP_MSG, GROUP_NAME, GROUP_IOV, GROUP_CONTROL, GROUP_PAYLOAD];

/// Reads what is not read yet, and marks it.
#[inline(always)]
unsafe fn read_again(slot: *mut Slot, header: bool, name_len: i32, most: u64) {
    // SAFETY: the caller vouches for the slot.
    unsafe {
        let head = &raw mut (*slot).record.head;
        let receives = (*head).call == CALL_RECVMSG;
        let before = (*head).status;
        let mut name_len = name_len;
        if header {
            if !message::header(slot, (*head).msg_ptr) {
                return;
            }
            name_len = (*head).namelen;
            // The kernel says how long the address is, and writes as much as there is room for.
            if receives {
                name_len = within(name_len, (*head).name_room);
            }
        }
        message::parts(slot, name_len, most);
        for group in GROUPS {
            if before[group] != (*head).status[group] {
                (*head).late |= 1 << group;
            }
        }
        if receives {
            (*head).late |= 1 << GROUP_MSG;
        }
        if (*head).late & 1 << GROUP_CONTROL != 0 {
            files::of_control(slot);
        }
    }
}

/// At most as many bytes as there is room for, if that is known.
#[inline(always)]
fn within(len: i32, room: i32) -> i32 {
    if room >= 0 && len > room { room } else { len }
}

/// What a sending call's entry could not read.
#[inline(always)]
unsafe fn faulted(slot: *mut Slot) -> Option<More> {
    // SAFETY: the caller vouches for the slot.
    let head = unsafe { &(*slot).record.head };
    if !GROUPS.iter().any(|&group| head.status[group] == STATUS_FAULT) {
        return None;
    }
    let header = head.status[GROUP_MSG] == STATUS_FAULT;
    Some(More { header, name_len: head.namelen, most: message::ALL })
}

/// What the kernel filled in.
#[inline(always)]
unsafe fn received(slot: *mut Slot, ret: i64) -> Option<More> {
    // SAFETY: the caller vouches for the slot; the helper checks the address.
    unsafe {
        let head = &raw mut (*slot).record.head;
        if ret < 0 {
            if (*head).status[GROUP_MSG] == STATUS_OK {
                for group in [GROUP_NAME, GROUP_CONTROL, GROUP_PAYLOAD] {
                    (*head).status[group] = STATUS_ABSENT;
                }
            }
            // What the header still says is of before the call.
            let header = (*head).call == CALL_RECVMSG && (*head).status[GROUP_MSG] == STATUS_FAULT;
            return if header { Some(More { header, name_len: 0, most: 0 }) } else { None };
        }
        let mut name_len = 0;
        let header = (*head).call == CALL_RECVMSG;
        if !header && (*slot).pending.name != 0 {
            match bpf_probe_read_user((*slot).pending.control as *const i32) {
                Ok(filled) => (name_len, (*head).status[GROUP_MSG]) = (filled, STATUS_OK),
                Err(_) => (*head).status[GROUP_MSG] = STATUS_FAULT,
            }
            (*head).namelen = name_len;
            (*head).late |= 1 << GROUP_MSG;
            name_len = within(name_len, (*head).name_room);
        }
        Some(More { header, name_len, most: ret as u64 })
    }
}

#[inline(always)]
unsafe fn sent_file(slot: *mut Slot, place: u64, memory: Memory) {
    // SAFETY: the caller vouches for the slot.
    unsafe {
        let head = &mut (*slot).record.head;
        if head.status[GROUP_MSG] != STATUS_OK || place == 0 {
            return;
        }
        let (offset, status) = enter::offset(place, memory);
        if status == STATUS_OK {
            head.offset_after = offset;
            head.late |= 1 << GROUP_MSG;
        }
    }
}
