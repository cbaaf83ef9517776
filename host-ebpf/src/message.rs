//! What the caller's memory says: `struct msghdr`, the address and the control messages.

use aya_ebpf::helpers::bpf_probe_read_user;
use weir_ebpf::Slot;
use weir_sdk::event::{
    CONTROL_BYTES, GROUP_CONTROL, GROUP_IOV, GROUP_MSG, GROUP_NAME, GROUP_PAYLOAD, NAME_BYTES,
    STATUS_ABSENT, STATUS_FAULT, STATUS_NOT_SEEN, STATUS_OK, STATUS_TRUNCATED,
};

use crate::{
    heap::{self, Memory},
    iovec,
};

/// The kernel's mark of a message in a 32-bit caller's layout (include/linux/socket.h).
pub const MSG_CMSG_COMPAT: u32 = 0x8000_0000;

/// `struct user_msghdr` (include/linux/socket.h).
#[derive(Clone, Copy)]
#[repr(C)]
struct UserMsghdr {
    name: u64,
    namelen: i32,
    _pad: u32,
    iov: u64,
    iovlen: u64,
    control: u64,
    controllen: u64,
    flags: u32,
    _pad2: u32,
}

/// `struct compat_msghdr` (include/net/compat.h).
#[derive(Clone, Copy)]
#[repr(C)]
struct CompatMsghdr {
    name: u32,
    namelen: i32,
    iov: u32,
    iovlen: u32,
    control: u32,
    controllen: u32,
    flags: u32,
}

/// Reads the message header; whether there is one to go on with.
///
/// # Safety
///
/// `slot` is the calling thread's.
#[inline(always)]
pub unsafe fn header(slot: *mut Slot, msg: u64) -> bool {
    // SAFETY: the caller vouches for the slot; the helper checks the address.
    unsafe {
        let (head, pending) = (&mut (*slot).record.head, &mut (*slot).pending);
        if head.compat == 0 {
            // From a 64-bit caller the mark is an error, and the kernel reads nothing.
            if head.flags & MSG_CMSG_COMPAT != 0 {
                head.status[GROUP_MSG] = STATUS_NOT_SEEN;
                return false;
            }
            let Ok(user) = bpf_probe_read_user(msg as *const UserMsghdr) else {
                head.status[GROUP_MSG] = STATUS_FAULT;
                return false;
            };
            (head.namelen, head.iovlen, head.controllen) =
                (user.namelen, user.iovlen, user.controllen);
            head.msg_flags = user.flags;
            (pending.name, pending.iov, pending.control) = (user.name, user.iov, user.control);
        } else {
            let Ok(user) = bpf_probe_read_user(msg as *const CompatMsghdr) else {
                head.status[GROUP_MSG] = STATUS_FAULT;
                return false;
            };
            (head.namelen, head.iovlen, head.controllen) =
                (user.namelen, user.iovlen.into(), user.controllen.into());
            head.msg_flags = user.flags;
            (pending.name, pending.iov, pending.control) =
                (user.name.into(), user.iov.into(), user.control.into());
        }
        head.status[GROUP_MSG] = STATUS_OK;
        true
    }
}

/// As much payload as the iovec table says.
pub const ALL: u64 = u64::MAX;

/// Reads those parts of a message that are not read yet: an address of `name_len` bytes, and at most
/// `most` bytes of payload.
///
/// A function of its own, as all that several programs or rounds of a loop go through: the verifier
/// walks it once, and not on each of the ways that lead there.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn parts(slot: *mut Slot, name_len: i32, most: u64) -> u64 {
    if slot.is_null() {
        return 0;
    }
    // SAFETY: the slot is the calling thread's.
    unsafe {
        let head = &raw mut (*slot).record.head;
        if unread((*head).status[GROUP_NAME]) {
            name(slot, name_len);
        }
        if unread((*head).status[GROUP_IOV]) {
            iovec::table(slot);
        }
        if unread((*head).status[GROUP_PAYLOAD]) {
            iovec::payload(slot, if most == ALL { (*head).bytes } else { most });
        }
        // Last, because the descriptors may fill what room is left.
        if unread((*head).status[GROUP_CONTROL]) {
            control(slot);
        }
    }
    0
}

/// Whether a part may still be read.
#[inline(always)]
pub fn unread(status: u8) -> bool {
    status == STATUS_NOT_SEEN || status == STATUS_FAULT
}

/// Reads an address of `len` bytes, as the caller says.
///
/// # Safety
///
/// As for [`header`].
#[inline(always)]
pub unsafe fn name(slot: *mut Slot, len: i32) {
    // SAFETY: the caller vouches for the slot.
    unsafe {
        let (head, from) = (&mut (*slot).record.head, (*slot).pending.name);
        if from == 0 || len == 0 {
            head.status[GROUP_NAME] = STATUS_ABSENT;
            return;
        }
        if len < 0 {
            return;
        }
        let whole = len as u32 <= NAME_BYTES as u32;
        match heap::append::<NAME_BYTES>(slot, Memory::User, from, len as u32) {
            Some(span) => {
                head.name = span;
                head.status[GROUP_NAME] = if whole { STATUS_OK } else { STATUS_TRUNCATED };
            }
            None => head.status[GROUP_NAME] = STATUS_FAULT,
        }
    }
}

/// Reads the control messages; what the descriptors in them are is for `files`.
///
/// # Safety
///
/// As for [`header`].
#[inline(always)]
pub unsafe fn control(slot: *mut Slot) {
    // SAFETY: the caller vouches for the slot.
    unsafe {
        let (head, from) = (&mut (*slot).record.head, (*slot).pending.control);
        let len = head.controllen;
        if len == 0 {
            head.status[GROUP_CONTROL] = STATUS_ABSENT;
            return;
        }
        let whole = len <= CONTROL_BYTES as u64;
        let len = if whole { len as u32 } else { CONTROL_BYTES as u32 };
        match heap::append::<CONTROL_BYTES>(slot, Memory::User, from, len) {
            Some(span) => {
                head.control = span;
                head.status[GROUP_CONTROL] = if whole { STATUS_OK } else { STATUS_TRUNCATED };
            }
            None => head.status[GROUP_CONTROL] = STATUS_FAULT,
        }
    }
}
