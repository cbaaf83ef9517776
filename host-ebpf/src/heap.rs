//! The variable parts of a record, one behind the other.

use aya_ebpf::helpers::generated::{bpf_probe_read_kernel, bpf_probe_read_user};
use weir_ebpf::{HEAP_BYTES, Slot};
use weir_sdk::event::Span;

/// Whose memory is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// The caller's.
    User,
    /// That of a 32-bit caller who has a file's offset in 4 bytes.
    NarrowUser,
    /// The kernel's.
    Kernel,
}

/// Where the next part goes, if there is room for `MOST` bytes.
///
/// # Safety
///
/// `slot` is the calling thread's.
#[inline(always)]
pub unsafe fn room<const MOST: usize>(slot: *mut Slot) -> Option<(u32, *mut u8)> {
    // Volatile, so that the bound that the verifier sees is the one that is used.
    // SAFETY: the caller vouches for the slot; the offset is checked.
    unsafe {
        let used = (&raw const (*slot).pending.used).read_volatile();
        if used > (HEAP_BYTES - MOST) as u32 {
            return None;
        }
        Some((used, (&raw mut (*slot).record.heap).cast::<u8>().add(used as usize)))
    }
}

/// The part that was written at `offset` is in use.
///
/// # Safety
///
/// As for [`room`].
#[inline(always)]
pub unsafe fn keep(slot: *mut Slot, offset: u32, len: u32) -> Span {
    // SAFETY: the caller vouches for the slot.
    unsafe { (&raw mut (*slot).pending.used).write_volatile((offset + len + 7) & !7) };
    Span { offset, len }
}

/// Copies `len` bytes, at most `MOST`, to a place of the heap; how many, or `None` if they cannot be
/// read.
///
/// # Safety
///
/// As for [`room`].
#[inline(always)]
pub unsafe fn fill<const MOST: usize>(
    slot: *mut Slot,
    offset: u32,
    memory: Memory,
    from: u64,
    len: u32,
) -> Option<u32> {
    // SAFETY: the caller vouches for the slot, and the place is as large as `MOST`.
    unsafe {
        let to = at::<MOST>(slot, offset)?;
        // Bounded right before it is used: a detour over the stack would lose the bound.
        let mut len = core::hint::black_box(len);
        if len > MOST as u32 {
            len = MOST as u32;
        }
        let failed = match memory {
            Memory::User | Memory::NarrowUser => {
                bpf_probe_read_user(to.cast(), len, from as *const _)
            }
            Memory::Kernel => bpf_probe_read_kernel(to.cast(), len, from as *const _),
        };
        if failed == 0 { Some(len) } else { None }
    }
}

/// Copies `len` bytes, at most `MOST`, behind what is there. `None`: they cannot be read.
///
/// # Safety
///
/// As for [`room`].
#[inline(always)]
pub unsafe fn append<const MOST: usize>(
    slot: *mut Slot,
    memory: Memory,
    from: u64,
    len: u32,
) -> Option<Span> {
    // SAFETY: the caller vouches for the slot.
    unsafe {
        let offset = (&raw const (*slot).pending.used).read_volatile();
        let len = fill::<MOST>(slot, offset, memory, from, len)?;
        Some(keep(slot, offset, len))
    }
}

/// A place in the heap from which `MOST` bytes can be read or written.
///
/// # Safety
///
/// As for [`room`].
#[inline(always)]
pub unsafe fn at<const MOST: usize>(slot: *mut Slot, offset: u32) -> Option<*mut u8> {
    let offset = core::hint::black_box(offset);
    if offset > (HEAP_BYTES - MOST) as u32 {
        return None;
    }
    // SAFETY: the caller vouches for the slot; the offset is checked.
    Some(unsafe { (&raw mut (*slot).record.heap).cast::<u8>().add(offset as usize) })
}
