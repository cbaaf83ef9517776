//! The message as the kernel uses it, against what the caller showed at entry.

use weir_ebpf::{Slot, offset};
use weir_sdk::event::{
    CALL_IO_URING, CALL_SENDMMSG, CALL_SENDMSG, CALL_SENDTO, CONTROL_BYTES, GROUP_CONTROL,
    GROUP_IOV, GROUP_MSG, GROUP_NAME, NAME_BYTES, STATUS_ABSENT, STATUS_OK, STATUS_TRUNCATED, Span,
    TOCTOU_CHANGED, TOCTOU_SAME, TOCTOU_UNREAD,
};

use crate::{
    files,
    heap::{self, Memory},
    kernel::{field, pointer, value},
    repeat::{END, ON, repeat},
    socket,
};

/// The kernel sends no more at once (`MAX_RW_COUNT`, include/linux/fs.h).
const MAX_RW_COUNT: u64 = 0x7fff_f000;
/// Bytes of the head of `Head::kernel`.
const KERNEL_HEAD: u32 = 16;

/// `security_socket_sendmsg(struct socket *sock, struct msghdr *msg, int size)`
/// (security/security.c): every send passes here, with the message in kernel memory.
///
/// # Safety
///
/// `slot` is the calling thread's.
#[inline(always)]
pub unsafe fn used(slot: *mut Slot, sock: u64, msg: u64) {
    // SAFETY: the caller vouches for the slot.
    unsafe {
        // A message passes here once. What comes after that the kernel sends on its behalf.
        let compared = &raw mut (*slot).pending.compared;
        if compared.read_volatile() != 0 {
            return;
        }
        compared.write_volatile(1);
        match (*slot).record.head.call {
            CALL_SENDMSG | CALL_SENDMMSG | CALL_SENDTO => compare(slot, msg),
            CALL_IO_URING => take(slot, sock, msg),
            _ => {}
        }
    }
}

/// `____sys_sendmsg(struct socket *sock, struct msghdr *msg_sys, …)` (net/socket.c): the message of
/// sendmmsg is the kernel's but for its control messages. One to the address of the message before does
/// not come by `security_socket_sendmsg`, so it is compared here if it has none.
///
/// # Safety
///
/// `slot` is the calling thread's.
#[inline(always)]
pub unsafe fn copied(slot: *mut Slot, msg: u64) {
    // SAFETY: the caller vouches for the slot.
    unsafe {
        let compared = &raw mut (*slot).pending.compared;
        let control = field::<u64>(msg, offset::MSGHDR_CONTROLLEN);
        if (*slot).record.head.call == CALL_SENDMMSG
            && compared.read_volatile() == 0
            && control == Some(0)
        {
            compared.write_volatile(1);
            compare(slot, msg);
        }
    }
}

/// What the kernel says of a message.
struct Used {
    name: u64,
    name_len: u32,
    control: u64,
    control_len: u64,
    bytes: u64,
}

#[inline(always)]
fn message(msg: u64) -> Option<Used> {
    let name = pointer(msg, offset::MSGHDR_NAME);
    let name_len: u32 = field(msg, offset::MSGHDR_NAMELEN)?;
    let control_len: u64 = field(msg, offset::MSGHDR_CONTROLLEN)?;
    Some(Used {
        name,
        name_len: if name == 0 { 0 } else { name_len },
        control: pointer(msg, offset::MSGHDR_CONTROL),
        control_len,
        bytes: field(msg, offset::MSGHDR_COUNT)?,
    })
}

#[inline(always)]
unsafe fn compare(slot: *mut Slot, msg: u64) {
    let Some(Used { name, name_len, control, control_len, bytes }) = message(msg) else { return };
    // SAFETY: the caller vouches for the slot; the room is as large as what is read to it.
    unsafe {
        let head = &mut (*slot).record.head;
        let read = |group: usize| matches!(head.status[group], STATUS_OK | STATUS_ABSENT);
        let capped = |bytes: u64| if bytes > MAX_RW_COUNT { MAX_RW_COUNT } else { bytes };
        // The kernel takes the first bytes of a longer address.
        let named = read(GROUP_NAME) || head.status[GROUP_NAME] == STATUS_TRUNCATED;
        // It makes its own control messages of a 32-bit caller's.
        let controlled = read(GROUP_CONTROL) && (head.compat == 0 || control_len == 0);
        let whole = read(GROUP_MSG) && named && read(GROUP_IOV) && controlled;

        let mut changed = read(GROUP_IOV) && capped(head.bytes) != capped(bytes);
        changed |= named && head.name.len != name_len;
        changed |= controlled && u64::from(head.control.len) != control_len;

        const ROOM: usize = KERNEL_HEAD as usize + NAME_BYTES + CONTROL_BYTES;
        let Some((start, to)) = heap::room::<{ 2 * ROOM }>(slot) else { return };
        let name_at = start + KERNEL_HEAD;
        let mut name_taken = 0;
        if name_len != 0 {
            let read = heap::fill::<NAME_BYTES>(slot, name_at, Memory::Kernel, name, name_len);
            let Some(read) = read else { return };
            name_taken = read;
        }
        let padded = (name_taken + 7) & !7;
        let control_at = name_at + padded;
        let mut taken = 0;
        if control_len != 0 && (*slot).record.head.compat == 0 {
            let len = if control_len > CONTROL_BYTES as u64 {
                CONTROL_BYTES as u32
            } else {
                control_len as u32
            };
            let read = heap::fill::<CONTROL_BYTES>(slot, control_at, Memory::Kernel, control, len);
            let Some(read) = read else { return };
            taken = read;
        }
        if !changed && named {
            changed = differs(slot, (*slot).record.head.name.offset, name_at, name_taken) != 0;
        }
        if !changed && controlled && taken != 0 {
            let offset = (*slot).record.head.control.offset;
            changed = differs(slot, offset, control_at, taken) != 0;
        }
        let head = &mut (*slot).record.head;
        if !changed {
            head.toctou = if whole { TOCTOU_SAME } else { TOCTOU_UNREAD };
            return;
        }
        head.toctou = TOCTOU_CHANGED;
        to.cast::<u64>().write_volatile(bytes);
        to.cast::<u32>().add(2).write_volatile(name_taken);
        to.cast::<u32>().add(3).write_volatile(taken);
        let len = KERNEL_HEAD + padded + taken;
        (*slot).record.head.kernel = heap::keep(slot, start, len);
    }
}

/// What a round of comparing needs, and whether there was a difference.
struct Comparing {
    slot: *mut Slot,
    a: u32,
    b: u32,
    len: u32,
    different: u64,
}

/// 1 if `len` bytes at two places of the heap are not the same.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn differs(slot: *mut Slot, a: u32, b: u32, len: u32) -> u64 {
    if slot.is_null() {
        return 1;
    }
    let mut comparing = Comparing { slot, a, b, len, different: 0 };
    repeat((CONTROL_BYTES / 8) as u32, compare_word, &mut comparing);
    comparing.different
}

/// Compares eight bytes, or what is left.
#[inline(never)]
extern "C" fn compare_word(word: u64, comparing: *mut Comparing) -> i64 {
    // SAFETY: `differs` hands it the calling thread's slot; places are checked.
    unsafe {
        let Comparing { slot, a, b, len, .. } = *comparing;
        let from = word as u32 * 8;
        if from >= len {
            return END;
        }
        (*comparing).different = 1;
        let (Some(a), Some(b)) = (heap::at::<8>(slot, a + from), heap::at::<8>(slot, b + from))
        else {
            return END;
        };
        let mut different = a.cast::<u64>().read_volatile() ^ b.cast::<u64>().read_volatile();
        if len - from < 8 {
            // What lies behind the end is not looked at.
            different <<= 64 - 8 * (len - from);
        }
        if different != 0 {
            return END;
        }
        (*comparing).different = 0;
        ON
    }
}

/// A send of io_uring's: all there is to know of it is what the kernel uses.
#[inline(always)]
unsafe fn take(slot: *mut Slot, sock: u64, msg: u64) {
    let Some(Used { name, name_len, control, control_len, bytes }) = message(msg) else { return };
    // SAFETY: the caller vouches for the slot.
    unsafe {
        let head = &raw mut (*slot).record.head;
        (*head).status[GROUP_MSG] = STATUS_OK;
        ((*head).bytes, (*head).status[GROUP_IOV]) = (bytes, STATUS_OK);
        (*head).flags = value(msg, offset::MSGHDR_FLAGS);
        (*head).namelen = name_len as i32;
        (*head).controllen = control_len;
        (*head).status[GROUP_NAME] = STATUS_ABSENT;
        if name_len != 0 {
            let read = heap::append::<NAME_BYTES>(slot, Memory::Kernel, name, name_len);
            (*head).name = read.unwrap_or(Span { offset: 0, len: 0 });
            (*head).status[GROUP_NAME] = STATUS_OK;
        }
        (*head).status[GROUP_CONTROL] = STATUS_ABSENT;
        if control_len != 0 {
            let whole = control_len <= CONTROL_BYTES as u64;
            let len = if whole { control_len as u32 } else { CONTROL_BYTES as u32 };
            let read = heap::append::<CONTROL_BYTES>(slot, Memory::Kernel, control, len);
            (*head).control = read.unwrap_or(Span { offset: 0, len: 0 });
            (*head).status[GROUP_CONTROL] = if whole { STATUS_OK } else { STATUS_TRUNCATED };
            files::of_control(slot);
        }
        let file = pointer(sock, offset::SOCKET_FILE);
        let inode = pointer(file, offset::FILE_INODE);
        socket::know(slot, file, value(inode, offset::INODE_INO), sock);
        socket::describe(slot);
    }
}
