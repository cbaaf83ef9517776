//! Loops that the verifier walks once, however often they run: `bpf_loop` (Linux 5.17).
//!
//! A loop in the program itself is walked for each of its rounds, and for each of the paths that lead
//! to it; some of those here would take a million steps.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;

/// What a round says: go on.
pub const ON: i64 = 0;
/// What a round says: that was the last.
pub const END: i64 = 1;

/// Runs `round` up to `most` times, with the number of the round from 0, until it says [`END`].
///
/// `context` lies on the stack. What a round leaves for the next one goes through memory behind it: the
/// verifier does not know what the rounds before wrote.
#[inline(always)]
pub fn repeat<C>(most: u32, round: extern "C" fn(u64, *mut C) -> i64, context: &mut C) {
    let context: *mut C = context;
    // SAFETY: the kernel calls `round` with a number and `context`, which outlives the loop.
    unsafe { bpf_loop(most, round as *mut c_void, context.cast(), 0) };
}
