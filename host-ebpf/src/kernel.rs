//! Reading the kernel's own structs, at the offsets that its BTF gives.

use aya_ebpf::helpers::{bpf_probe_read_kernel, generated};
use weir_ebpf::UNKNOWN;

use crate::maps::config;

/// An offset of [`weir_ebpf::offset`], or `UNKNOWN`. The verifier knows its value.
#[inline(always)]
pub fn offset(index: usize) -> u32 {
    // SAFETY: settings are constant once loaded, and `index` is below their number.
    unsafe { (&raw const (*config()).offsets).cast::<u32>().add(index).read_volatile() }
}

/// A field of the struct at `base`, if its offset is known and it can be read.
#[inline(always)]
pub fn field<T>(base: u64, index: usize) -> Option<T> {
    let offset = offset(index);
    if offset == UNKNOWN || base == 0 {
        return None;
    }
    // SAFETY: the helper checks the address.
    unsafe { bpf_probe_read_kernel((base + u64::from(offset)) as *const T) }.ok()
}

/// A field of the struct at `base`, zero if it cannot be read. Without a branch, since each doubles
/// what the verifier walks: the helper writes zeros where it fails.
#[inline(always)]
pub fn value<T: Number>(base: u64, index: usize) -> T {
    let offset = offset(index);
    let mut value = T::ZERO;
    if offset != UNKNOWN {
        // SAFETY: `value` has room for what is read, and is a number whatever that is; the helper
        // checks the address.
        unsafe {
            generated::bpf_probe_read_kernel(
                (&raw mut value).cast(),
                size_of::<T>() as u32,
                (base + u64::from(offset)) as *const _,
            );
        }
    }
    value
}

/// What [`value`] can read.
pub trait Number {
    /// Zero.
    const ZERO: Self;
}

macro_rules! numbers {
    ($($type:ty)*) => { $(impl Number for $type { const ZERO: Self = 0; })* };
}
numbers!(u8 u16 u32 u64);

/// A pointer in the struct at `base`, 0 if there is none to follow.
#[inline(always)]
pub fn pointer(base: u64, index: usize) -> u64 {
    value(base, index)
}

/// Reads `size` bytes to `to`; whether it worked.
///
/// # Safety
///
/// `to` has room for them.
#[inline(always)]
pub unsafe fn read(to: *mut u8, size: u32, from: u64) -> bool {
    // SAFETY: the caller vouches for `to`; the helper checks `from`.
    unsafe { generated::bpf_probe_read_kernel(to.cast(), size, from as *const _) == 0 }
}
