//! The iovec table: how much it is, its first entries, and the payload that they point to.

use aya_ebpf::helpers::{bpf_probe_read_user, generated};
use weir_ebpf::{Slot, control};
use weir_sdk::event::{
    GROUP_IOV, GROUP_PAYLOAD, IOV_ENTRIES, IOV_SHOWN, PAYLOAD_BYTES, STATUS_ABSENT, STATUS_FAULT,
    STATUS_NOT_SEEN, STATUS_OK, STATUS_TRUNCATED, Span,
};

use crate::{
    heap::{self, Memory},
    maps,
};

/// `struct iovec` (include/uapi/linux/uio.h).
#[derive(Clone, Copy)]
#[repr(C)]
struct Iovec {
    base: u64,
    len: u64,
}

/// `struct compat_iovec` (include/linux/compat.h).
#[derive(Clone, Copy)]
#[repr(C)]
struct CompatIovec {
    base: u32,
    len: u32,
}

/// Entries of the iovec table read at once.
const CHUNK: usize = 8;

/// Reads the table that the message header points to.
///
/// # Safety
///
/// `slot` is the calling thread's.
#[inline(always)]
pub unsafe fn table(slot: *mut Slot) {
    // SAFETY: the caller vouches for the slot.
    let (head, from) = unsafe { (&mut (*slot).record.head, (*slot).pending.iov) };
    if head.iovlen == 0 {
        head.status[GROUP_IOV] = STATUS_ABSENT;
        return;
    }
    let compat = head.compat != 0;
    let entry = if compat { size_of::<CompatIovec>() } else { size_of::<Iovec>() } as u32;
    let shown = if head.iovlen > IOV_SHOWN as u64 { IOV_SHOWN as u64 } else { head.iovlen };
    // SAFETY: as above.
    let read = unsafe {
        heap::append::<{ IOV_SHOWN * size_of::<Iovec>() }>(
            slot,
            Memory::User,
            from,
            shown as u32 * entry,
        )
    };
    let Some(span) = read else {
        head.status[GROUP_IOV] = STATUS_FAULT;
        return;
    };
    head.iov = span;
    let (mut total, mut carry) = (total_shown(slot, compat.into()), 0);
    if head.iovlen > IOV_SHOWN as u64 {
        let (rest, left) = (from + u64::from(span.len), head.iovlen - IOV_SHOWN as u64);
        let more = if compat { compat_iovec_total(rest, left) } else { iovec_total(rest, left) };
        if more == FAULT {
            head.iov = Span { offset: 0, len: 0 };
            head.status[GROUP_IOV] = STATUS_FAULT;
            return;
        }
        (total, carry) = sum((total, 0), more);
    }
    head.bytes = if carry >> 63 == 0 { total } else { MOST };
    // The kernel refuses a longer table (EMSGSIZE).
    let truncated = head.iovlen > IOV_ENTRIES;
    head.status[GROUP_IOV] = if truncated { STATUS_TRUNCATED } else { STATUS_OK };
}

/// The sum of the lengths in the part of the table that lies in the heap. A function of its own, as
/// the next: what is known of the loop's end would go on to be looked at in as many states.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn total_shown(slot: *mut Slot, compat: u32) -> u64 {
    let mut total = (0, 0);
    // SAFETY: the slot is the calling thread's; places are checked.
    unsafe {
        let table = (*slot).record.head.iov;
        let Some(start) = heap::at::<{ IOV_SHOWN * size_of::<Iovec>() }>(slot, table.offset) else {
            return 0;
        };
        for entry in 0..IOV_SHOWN {
            let len = if compat != 0 {
                if entry as u32 * 8 >= table.len {
                    break;
                }
                u64::from(start.cast::<u32>().add(2 * entry + 1).read_volatile())
            } else {
                if entry as u32 * 16 >= table.len {
                    break;
                }
                start.cast::<u64>().add(2 * entry + 1).read_volatile()
            };
            total = sum(total, len);
        }
    }
    let (total, carry) = total;
    if carry >> 63 == 0 { total } else { MOST }
}

/// Adds a length to a sum and its carry. Without a branch: each would double the verifier's work.
#[inline(always)]
fn sum((total, carry): (u64, u64), len: u64) -> (u64, u64) {
    let sum = total.wrapping_add(len);
    (sum, carry | (total & len) | ((total | len) & !sum) | sum)
}

/// The table of a call that has one buffer.
///
/// # Safety
///
/// As for [`table`].
#[inline(always)]
pub unsafe fn one(slot: *mut Slot, base: u64, len: u64) {
    // SAFETY: the caller vouches for the slot, and the room is of 16 bytes, aligned to 8.
    unsafe {
        let head = &mut (*slot).record.head;
        (head.iovlen, head.bytes, head.status[GROUP_IOV]) = (1, len, STATUS_OK);
        let Some((offset, to)) = heap::room::<16>(slot) else { return };
        let mut size = 16;
        if head.compat == 0 {
            to.cast::<u64>().write_volatile(base);
            to.cast::<u64>().add(1).write_volatile(len);
        } else {
            to.cast::<u32>().write_volatile(base as u32);
            to.cast::<u32>().add(1).write_volatile(len as u32);
            size = 8;
        }
        head.iov = heap::keep(slot, offset, size);
    }
}

/// What the sums return when the table cannot be read.
const FAULT: u64 = u64::MAX;
/// The largest sum: lengths that add up to more. The kernel refuses them (EINVAL).
const MOST: u64 = i64::MAX as u64;

/// The sum of the lengths of the entries that follow, at most [`IOV_ENTRIES`] in all.
///
/// A function of its own: inlined, its loops are walked by the verifier for each of the paths that
/// lead to them, and Linux 6.1 gives up.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn iovec_total(table: u64, entries: u64) -> u64 {
    total::<Iovec>(table, entries, |entry| entry.len)
}

/// The same for the table of a 32-bit caller.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn compat_iovec_total(table: u64, entries: u64) -> u64 {
    total::<CompatIovec>(table, entries, |entry| u64::from(entry.len))
}

#[inline(always)]
fn total<E: Copy>(table: u64, entries: u64, len: impl Fn(&E) -> u64) -> u64 {
    let most = IOV_ENTRIES - IOV_SHOWN as u64;
    // Hidden, or the compiler sees that it bounds the loop as well, and leaves out the count, which is
    // what the verifier goes by.
    let mut left = core::hint::black_box(if entries > most { most } else { entries });
    let mut from = table;
    let mut total = (0u64, 0u64);
    let mut add = |len: u64| total = sum(total, len);
    for _ in 0..IOV_ENTRIES as usize / CHUNK {
        if left < CHUNK as u64 {
            break;
        }
        // SAFETY: the helper checks the address.
        let Ok(chunk) = (unsafe { bpf_probe_read_user(from as *const [E; CHUNK]) }) else {
            return FAULT;
        };
        for entry in &chunk {
            add(len(entry));
        }
        left -= CHUNK as u64;
        from += size_of::<[E; CHUNK]>() as u64;
    }
    for _ in 1..CHUNK {
        if left == 0 {
            break;
        }
        // SAFETY: the helper checks the address.
        let Ok(entry) = (unsafe { bpf_probe_read_user(from as *const E) }) else {
            return FAULT;
        };
        add(len(&entry));
        left -= 1;
        from += size_of::<E>() as u64;
    }
    let (total, carry) = total;
    if carry >> 63 == 0 { total } else { MOST }
}

/// Copies the first bytes of the payload, as many as somebody wants and at most `most`.
///
/// # Safety
///
/// As for [`table`].
#[inline(always)]
pub unsafe fn payload(slot: *mut Slot, most: u64) {
    let wanted = maps::control(control::PAYLOAD);
    // SAFETY: the caller vouches for the slot.
    let head = unsafe { &mut (*slot).record.head };
    if wanted == 0 || !matches!(head.status[GROUP_IOV], STATUS_OK | STATUS_TRUNCATED) {
        head.status[GROUP_PAYLOAD] = STATUS_NOT_SEEN;
        return;
    }
    if most == 0 {
        head.status[GROUP_PAYLOAD] = STATUS_ABSENT;
        return;
    }
    let wanted = if u64::from(wanted) > most { most as u32 } else { wanted };
    let failed = copy_payload(slot, wanted);
    // SAFETY: as above.
    let (head, copied) = unsafe { (&mut (*slot).record.head, (*slot).pending.position) };
    head.status[GROUP_PAYLOAD] = if u64::from(copied) == most {
        STATUS_OK
    } else if failed != 0 && copied == 0 {
        STATUS_FAULT
    } else {
        STATUS_TRUNCATED
    };
}

/// Copies at most `wanted` bytes across the table's first entries; `pending.position` says how many.
/// Returns 1 if it ended because memory could not be read.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn copy_payload(slot: *mut Slot, wanted: u32) -> u64 {
    // SAFETY: the slot is the calling thread's. Everything goes through memory and is read back
    // before it is checked, so that the verifier's states meet again after each entry.
    unsafe {
        let position = &raw mut (*slot).pending.position;
        position.write_volatile(0);
        let Some((start, _)) = heap::room::<{ 2 * PAYLOAD_BYTES }>(slot) else { return 1 };
        let head = &raw const (*slot).record.head;
        let compat = (*head).compat != 0;
        let (table, entry_bytes) = ((*head).iov, if compat { 8 } else { 16 });
        let mut failed = 0;
        for entry in 0..IOV_SHOWN as u32 {
            if entry * entry_bytes >= table.len {
                break;
            }
            let Some(entry) = heap::at::<16>(slot, table.offset + entry * entry_bytes) else {
                break;
            };
            let (base, len) = if compat {
                let entry = entry.cast::<u32>();
                (u64::from(entry.read_volatile()), u64::from(entry.add(1).read_volatile()))
            } else {
                let entry = entry.cast::<u64>();
                (entry.read_volatile(), entry.add(1).read_volatile())
            };
            let copied = position.read_volatile();
            if copied >= wanted {
                break;
            }
            let Some(to) = heap::at::<PAYLOAD_BYTES>(slot, start + copied) else { break };
            let left = u64::from(wanted - copied);
            // Bounded right before it is used: a detour over the stack would lose the bound.
            let mut take = core::hint::black_box(if len > left { left } else { len });
            if take > PAYLOAD_BYTES as u64 {
                take = PAYLOAD_BYTES as u64;
            }
            let take = take as u32;
            if generated::bpf_probe_read_user(to.cast(), take, base as *const _) != 0 {
                failed = 1;
                break;
            }
            position.write_volatile(copied + take);
        }
        let copied = position.read_volatile();
        (*slot).record.head.payload =
            if copied == 0 { Span { offset: 0, len: 0 } } else { heap::keep(slot, start, copied) };
        failed
    }
}
