//! What is read when a call enters, call by call. Arguments are as the kernel's functions take them.

use weir_ebpf::Slot;
use weir_sdk::event::{
    CALL_RECVFROM, CALL_RECVMSG, CALL_SENDFILE, CALL_SENDMSG, CALL_SENDTO, GROUP_CONTROL,
    GROUP_IOV, GROUP_MSG, GROUP_NAME, GROUP_PAYLOAD, ROOM_UNKNOWN, STATUS_ABSENT, STATUS_FAULT,
    STATUS_OK, TOCTOU_UNREAD,
};

use crate::{
    call, files,
    heap::Memory,
    iovec, kernel,
    message::{self, MSG_CMSG_COMPAT},
    socket,
};
use aya_ebpf::helpers::bpf_probe_read_user;

/// sendmsg. `compared`: the kernel's copy will be seen.
#[inline(always)]
pub fn sendmsg(compat: bool, fd: i32, msg: u64, flags: u32, compared: bool) {
    let Some(slot) = call::begin(CALL_SENDMSG, compat, fd, msg, flags) else { return };
    // SAFETY: it is this thread's.
    unsafe {
        unmark(slot);
        if compared {
            (*slot).record.head.toctou = TOCTOU_UNREAD;
        }
        socket::behind(slot, fd);
        if message::header(slot, msg) {
            let head = &raw const (*slot).record.head;
            message::parts(slot, (*head).namelen, message::ALL);
            files::of_control(slot);
        }
        call::go(slot);
    }
}

/// sendto.
#[inline(always)]
pub fn sendto(compat: bool, args: [u64; 6], compared: bool) {
    let [fd, buffer, len, flags, name, namelen] = args;
    let Some(slot) = call::begin(CALL_SENDTO, compat, fd as i32, 0, flags as u32) else { return };
    // SAFETY: it is this thread's.
    unsafe {
        if compared {
            (*slot).record.head.toctou = TOCTOU_UNREAD;
        }
        socket::behind(slot, fd as i32);
        (*slot).pending.name = name;
        let head = &mut (*slot).record.head;
        head.namelen = namelen as i32;
        head.status[GROUP_MSG] = STATUS_OK;
        head.status[GROUP_CONTROL] = STATUS_ABSENT;
        iovec::one(slot, buffer, len);
        message::name(slot, namelen as i32);
        iovec::payload(slot, len);
        call::go(slot);
    }
}

/// recvmsg: what the caller has room for. The rest comes at return.
#[inline(always)]
pub fn recvmsg(compat: bool, fd: i32, msg: u64, flags: u32) {
    let Some(slot) = call::begin(CALL_RECVMSG, compat, fd, msg, flags) else { return };
    // SAFETY: it is this thread's.
    unsafe {
        unmark(slot);
        socket::behind(slot, fd);
        if message::header(slot, msg) {
            let head = &mut (*slot).record.head;
            head.name_room = if (*slot).pending.name == 0 { 0 } else { head.namelen };
            head.control_room = head.controllen;
            iovec::table(slot);
        } else {
            (*slot).record.head.name_room = ROOM_UNKNOWN;
        }
        call::go(slot);
    }
}

/// recvfrom: what the caller has room for. The rest comes at return.
#[inline(always)]
pub fn recvfrom(compat: bool, args: [u64; 6]) {
    let [fd, buffer, len, flags, name, namelen] = args;
    let Some(slot) = call::begin(CALL_RECVFROM, compat, fd as i32, 0, flags as u32) else { return };
    // SAFETY: it is this thread's; the helper checks the address.
    unsafe {
        unmark(slot);
        socket::behind(slot, fd as i32);
        ((*slot).pending.name, (*slot).pending.control) = (name, namelen);
        let head = &mut (*slot).record.head;
        head.status[GROUP_MSG] = STATUS_OK;
        head.status[GROUP_CONTROL] = STATUS_ABSENT;
        if name != 0 {
            match bpf_probe_read_user(namelen as *const i32) {
                Ok(room) => head.name_room = room,
                Err(_) => (head.name_room, head.status[GROUP_MSG]) = (ROOM_UNKNOWN, STATUS_FAULT),
            }
        }
        iovec::one(slot, buffer, len);
        call::go(slot);
    }
}

/// sendmmsg, recvmmsg: all is told at return.
#[inline(always)]
pub fn messages(call: u16, compat: bool, args: [u64; 4]) {
    let [fd, messages, vlen, flags] = args;
    let (fd, vlen, flags) = (fd as i32, vlen as u32, flags as u32);
    let Some(slot) = call::begin(call, compat, fd, messages, flags) else { return };
    // SAFETY: it is this thread's.
    unsafe {
        unmark(slot);
        (*slot).pending.msg = messages;
        (*slot).record.head.vlen = vlen;
        socket::behind(slot, fd);
        call::go(slot);
    }
}

/// sendfile. `place` points to the offset, in the memory that is said.
#[inline(always)]
pub fn sendfile(compat: bool, args: [u64; 4], memory: Memory) {
    let [out, input, place, count] = args;
    let (out, input) = (out as i32, input as i32);
    let Some(slot) = call::begin(CALL_SENDFILE, compat, out, 0, 0) else { return };
    // SAFETY: it is this thread's; the helpers check the addresses.
    unsafe {
        socket::behind(slot, out);
        let head = &mut (*slot).record.head;
        (head.in_fd, head.bytes) = (input, count);
        head.status[GROUP_IOV] = STATUS_OK;
        for group in [GROUP_NAME, GROUP_CONTROL, GROUP_PAYLOAD] {
            head.status[group] = STATUS_ABSENT;
        }
        (head.offset, head.status[GROUP_MSG]) = offset(place, memory);
        files::describe(slot, input, files::of(input));
        files::describe(slot, out, files::of(out));
        call::go(slot);
    }
}

/// The offset that sendfile was given, and how it was read.
#[inline(always)]
pub fn offset(place: u64, memory: Memory) -> (i64, u8) {
    if place == 0 {
        return (0, STATUS_ABSENT);
    }
    let mut offset = 0i64;
    // SAFETY: `offset` has room for 8 bytes; the helpers check the addresses.
    let read = unsafe {
        match memory {
            Memory::Kernel => kernel::read((&raw mut offset).cast(), 8, place),
            Memory::NarrowUser => {
                bpf_probe_read_user(place as *const i32).map(|place| offset = place.into()).is_ok()
            }
            Memory::User => {
                bpf_probe_read_user(place as *const i64).map(|place| offset = place).is_ok()
            }
        }
    };
    (offset, if read { STATUS_OK } else { STATUS_FAULT })
}

/// The kernel marks the flags of a 32-bit caller, who did not.
#[inline(always)]
unsafe fn unmark(slot: *mut Slot) {
    // SAFETY: the caller vouches for the slot.
    let head = unsafe { &mut (*slot).record.head };
    if head.compat != 0 {
        head.flags &= !MSG_CMSG_COMPAT;
    }
}
