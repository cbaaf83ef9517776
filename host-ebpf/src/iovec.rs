//! The iovec table: how much it is, its first entries, and the payload that they point to.

use core::ptr;

use aya_ebpf::helpers::{bpf_probe_read_user, generated};
use weir_ebpf::{Slot, control};
use weir_sdk::event::{
    GROUP_IOV, GROUP_PAYLOAD, IOV_ENTRIES, IOV_SHOWN, PAYLOAD_BYTES, STATUS_ABSENT, STATUS_FAULT,
    STATUS_NOT_SEEN, STATUS_OK, STATUS_TRUNCATED, Span,
};

use crate::{
    heap::{self, Memory},
    maps,
    repeat::{END, ON, repeat},
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

/// Either of them.
trait Entry: Copy {
    fn len(&self) -> u64;
}

impl Entry for Iovec {
    #[inline(always)]
    fn len(&self) -> u64 {
        self.len
    }
}

impl Entry for CompatIovec {
    #[inline(always)]
    fn len(&self) -> u64 {
        self.len.into()
    }
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
    let (mut total, mut carry) = (total_shown(slot), 0);
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

/// A sum and its carry, as the rounds of a loop leave it.
struct Sum {
    slot: *mut Slot,
    table: u64,
    total: (u64, u64),
    fault: u64,
}

impl Sum {
    #[inline(always)]
    fn of(&self) -> u64 {
        let (total, carry) = self.total;
        if self.fault != 0 {
            FAULT
        } else if carry >> 63 == 0 {
            total
        } else {
            MOST
        }
    }
}

/// The sum of the lengths in the part of the table that lies in the heap.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn total_shown(slot: *mut Slot) -> u64 {
    if slot.is_null() {
        return 0;
    }
    let mut sum = Sum { slot, table: 0, total: (0, 0), fault: 0 };
    repeat(IOV_SHOWN as u32, add_shown, &mut sum);
    sum.of()
}

/// Adds one of those.
#[inline(never)]
extern "C" fn add_shown(entry: u64, to: *mut Sum) -> i64 {
    // SAFETY: `total_shown` hands it the calling thread's slot; places are checked.
    unsafe {
        let slot = (*to).slot;
        let table = (*slot).record.head.iov;
        let Some((_, len)) = shown(slot, table, entry as u32) else { return END };
        (*to).total = sum((*to).total, len);
        ON
    }
}

/// An entry of the table that lies in the heap: base and length.
#[inline(always)]
unsafe fn shown(slot: *mut Slot, table: Span, entry: u32) -> Option<(u64, u64)> {
    // SAFETY: the caller vouches for the slot; places are checked.
    unsafe {
        if (*slot).record.head.compat == 0 {
            if entry * 16 >= table.len {
                return None;
            }
            let at = heap::at::<16>(slot, table.offset + entry * 16)?.cast::<u64>();
            Some((at.read_volatile(), at.add(1).read_volatile()))
        } else {
            if entry * 8 >= table.len {
                return None;
            }
            let at = heap::at::<8>(slot, table.offset + entry * 8)?.cast::<u32>();
            Some((u64::from(at.read_volatile()), u64::from(at.add(1).read_volatile())))
        }
    }
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
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn iovec_total(table: u64, entries: u64) -> u64 {
    total::<Iovec>(table, entries, add_chunk::<Iovec>, add_entry::<Iovec>)
}

/// The same for the table of a 32-bit caller.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn compat_iovec_total(table: u64, entries: u64) -> u64 {
    total::<CompatIovec>(table, entries, add_chunk::<CompatIovec>, add_entry::<CompatIovec>)
}

#[inline(always)]
fn total<E>(
    table: u64,
    entries: u64,
    chunk: extern "C" fn(u64, *mut Sum) -> i64,
    entry: extern "C" fn(u64, *mut Sum) -> i64,
) -> u64 {
    let most = IOV_ENTRIES - IOV_SHOWN as u64;
    let entries = if entries > most { most } else { entries };
    let chunks = entries / CHUNK as u64;
    let mut sum = Sum { slot: ptr::null_mut(), table, total: (0, 0), fault: 0 };
    repeat(chunks as u32, chunk, &mut sum);
    sum.table = table + chunks * size_of::<[E; CHUNK]>() as u64;
    repeat((entries % CHUNK as u64) as u32, entry, &mut sum);
    sum.of()
}

/// Adds the lengths of as many entries as are read at once.
#[inline(never)]
extern "C" fn add_chunk<E: Entry>(chunk: u64, to: *mut Sum) -> i64 {
    // SAFETY: `total` hands it the sum; the helper checks the address.
    unsafe {
        let from = (*to).table + chunk * size_of::<[E; CHUNK]>() as u64;
        let Ok(entries) = bpf_probe_read_user(from as *const [E; CHUNK]) else {
            (*to).fault = 1;
            return END;
        };
        let mut total = (*to).total;
        for entry in &entries {
            total = sum(total, entry.len());
        }
        (*to).total = total;
        ON
    }
}

/// Adds the length of one entry.
#[inline(never)]
extern "C" fn add_entry<E: Entry>(entry: u64, to: *mut Sum) -> i64 {
    // SAFETY: as above.
    unsafe {
        let from = (*to).table + entry * size_of::<E>() as u64;
        let Ok(entry) = bpf_probe_read_user(from as *const E) else {
            (*to).fault = 1;
            return END;
        };
        (*to).total = sum((*to).total, entry.len());
        ON
    }
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

/// What a round of copying needs.
struct Copying {
    slot: *mut Slot,
    start: u32,
    wanted: u32,
    failed: u64,
}

/// Copies at most `wanted` bytes across the table's first entries; `pending.position` says how many.
/// Returns 1 if it ended because memory could not be read.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn copy_payload(slot: *mut Slot, wanted: u32) -> u64 {
    if slot.is_null() {
        return 1;
    }
    // SAFETY: the slot is the calling thread's.
    unsafe {
        let position = &raw mut (*slot).pending.position;
        position.write_volatile(0);
        let Some((start, _)) = heap::room::<{ 2 * PAYLOAD_BYTES }>(slot) else { return 1 };
        let mut copy = Copying { slot, start, wanted, failed: 0 };
        repeat(IOV_SHOWN as u32, copy_entry, &mut copy);
        let copied = position.read_volatile();
        (*slot).record.head.payload =
            if copied == 0 { Span { offset: 0, len: 0 } } else { heap::keep(slot, start, copied) };
        copy.failed
    }
}

/// Copies what one entry points to.
#[inline(never)]
extern "C" fn copy_entry(entry: u64, copy: *mut Copying) -> i64 {
    // SAFETY: `copy_payload` hands it the calling thread's slot; places are checked.
    unsafe {
        let slot = (*copy).slot;
        let table = (*slot).record.head.iov;
        let Some((base, len)) = shown(slot, table, entry as u32) else { return END };
        let position = &raw mut (*slot).pending.position;
        let (copied, wanted) = (position.read_volatile(), (*copy).wanted);
        if copied >= wanted {
            return END;
        }
        let Some(to) = heap::at::<PAYLOAD_BYTES>(slot, (*copy).start + copied) else { return END };
        let left = u64::from(wanted - copied);
        // Bounded right before it is used: a detour over the stack would lose the bound.
        let mut take = core::hint::black_box(if len > left { left } else { len });
        if take > PAYLOAD_BYTES as u64 {
            take = PAYLOAD_BYTES as u64;
        }
        let take = take as u32;
        if generated::bpf_probe_read_user(to.cast(), take, base as *const _) != 0 {
            (*copy).failed = 1;
            return END;
        }
        position.write_volatile(copied + take);
        ON
    }
}
