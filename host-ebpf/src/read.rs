//! What the caller's memory says: `struct msghdr` and what it points to.

use aya_ebpf::helpers::{bpf_probe_read_user, generated};
use weir_ebpf::Record;
use weir_sdk::event::{
    GROUP_IOV, GROUP_MSG, GROUP_NAME, Head, IOV_ENTRIES, NAME_BYTES, STATUS_ABSENT, STATUS_FAULT,
    STATUS_NOT_SEEN, STATUS_OK, STATUS_TRUNCATED, Span,
};

/// A 32-bit caller's msghdr has another layout (include/linux/socket.h).
const MSG_CMSG_COMPAT: u32 = 0x8000_0000;

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
    flags: u64,
}

/// `struct iovec` (include/uapi/linux/uio.h).
#[derive(Clone, Copy)]
#[repr(C)]
struct Iovec {
    base: u64,
    len: u64,
}

/// Entries of the iovec table read at once.
const CHUNK: usize = 8;

/// Reads the message header and what it points to into the record.
#[inline(always)]
pub fn message(record: *mut Record, msg: u64, flags: u32) {
    // SAFETY: `record` is this thread's slot, which nobody else writes during the call.
    let head = unsafe { &mut (*record).head };
    head.msg_ptr = msg;
    head.name = Span { offset: 0, len: 0 };
    (head.iovlen, head.controllen, head.namelen, head.bytes) = (0, 0, 0, 0);
    head.status[GROUP_NAME] = STATUS_NOT_SEEN;
    head.status[GROUP_IOV] = STATUS_NOT_SEEN;
    if flags & MSG_CMSG_COMPAT != 0 {
        head.status[GROUP_MSG] = STATUS_NOT_SEEN;
        return;
    }
    // SAFETY: the helper checks the address.
    let Ok(user) = (unsafe { bpf_probe_read_user(msg as *const UserMsghdr) }) else {
        head.status[GROUP_MSG] = STATUS_FAULT;
        return;
    };
    head.status[GROUP_MSG] = STATUS_OK;
    head.namelen = user.namelen;
    head.iovlen = user.iovlen;
    head.controllen = user.controllen;
    iovec_lengths(head, user.iov);
    // SAFETY: as for `head`.
    name(head, unsafe { (&raw mut (*record).name).cast() }, user.name);
}

#[inline(always)]
fn name(head: &mut Head, to: *mut u8, from: u64) {
    let len = head.namelen;
    if from == 0 || len == 0 {
        head.status[GROUP_NAME] = STATUS_ABSENT;
        return;
    }
    if len < 0 {
        return;
    }
    let mut size = len as u32;
    head.status[GROUP_NAME] = STATUS_OK;
    if size > NAME_BYTES as u32 {
        size = NAME_BYTES as u32;
        head.status[GROUP_NAME] = STATUS_TRUNCATED;
    }
    // SAFETY: `to` has NAME_BYTES bytes.
    if unsafe { generated::bpf_probe_read_user(to.cast(), size, from as *const _) } == 0 {
        head.name.len = size;
    } else {
        head.status[GROUP_NAME] = STATUS_FAULT;
    }
}

/// Adds up the lengths of the iovec table.
#[inline(always)]
fn iovec_lengths(head: &mut Head, table: u64) {
    if head.iovlen == 0 {
        head.status[GROUP_IOV] = STATUS_ABSENT;
        return;
    }
    let total = iovec_total(table, head.iovlen);
    if total == FAULT {
        head.status[GROUP_IOV] = STATUS_FAULT;
        return;
    }
    head.bytes = total;
    // The kernel refuses such a call (EMSGSIZE).
    let truncated = head.iovlen > IOV_ENTRIES;
    head.status[GROUP_IOV] = if truncated { STATUS_TRUNCATED } else { STATUS_OK };
}

/// What [`iovec_total`] returns when it cannot read the table.
const FAULT: u64 = u64::MAX;
/// The largest sum it returns: lengths that add up to more. The kernel refuses them (EINVAL).
const MOST: u64 = i64::MAX as u64;

/// The sum of the first entries' lengths, at most [`IOV_ENTRIES`].
///
/// A function of its own: inlined, its loops are walked by the verifier for each of the paths that
/// lead to them, and Linux 6.1 gives up.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn iovec_total(table: u64, entries: u64) -> u64 {
    let mut left = if entries > IOV_ENTRIES { IOV_ENTRIES } else { entries };
    let mut from = table;
    let (mut total, mut carry) = (0u64, 0u64);
    let mut add = |len: u64| {
        let sum = total.wrapping_add(len);
        // The carry, without a branch: each branch would double the verifier's work.
        carry |= (total & len) | ((total | len) & !sum) | sum;
        total = sum;
    };
    for _ in 0..IOV_ENTRIES as usize / CHUNK {
        if left < CHUNK as u64 {
            break;
        }
        // SAFETY: the helper checks the address.
        let Ok(chunk) = (unsafe { bpf_probe_read_user(from as *const [Iovec; CHUNK]) }) else {
            return FAULT;
        };
        for entry in &chunk {
            add(entry.len);
        }
        left -= CHUNK as u64;
        from += size_of::<[Iovec; CHUNK]>() as u64;
    }
    for _ in 1..CHUNK {
        if left == 0 {
            break;
        }
        // SAFETY: the helper checks the address.
        let Ok(entry) = (unsafe { bpf_probe_read_user(from as *const Iovec) }) else {
            return FAULT;
        };
        add(entry.len);
        left -= 1;
        from += size_of::<Iovec>() as u64;
    }
    if carry >> 63 == 0 { total } else { MOST }
}
