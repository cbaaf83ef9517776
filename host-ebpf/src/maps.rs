//! The maps and settings that the programs share with the host.

use core::intrinsics::{AtomicOrdering, atomic_xadd};

use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    macros::map,
    maps::{Array, HashMap, PerCpuArray, ProgramArray, RingBuf},
};
use weir_ebpf::{
    Config, Counters, RING_BYTES, SLOTS, Slot, control,
    want::{self, Want},
};
use weir_sdk::event::CALL_NAMES;

/// Records, to the host. The host may set another size before load.
#[map]
pub static RECORDS: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

/// A slot per thread that has called. Allocated as needed: few threads of a host send.
#[map]
pub static IN_FLIGHT: HashMap<u32, Slot> = HashMap::with_max_entries(SLOTS, BPF_F_NO_PREALLOC);

/// By `CALL_*`: what `sys_enter` goes on to. A call that nobody wants has none.
#[map]
pub static ENTRIES: ProgramArray = ProgramArray::with_max_entries(CALL_NAMES.len() as u32 + 1, 0);

/// What is wanted: as many as [`control::WANTS`] says.
#[map]
pub static WANTED: Array<Want> = Array::with_max_entries(want::WANTS, 0);

#[map]
static COUNTERS: PerCpuArray<Counters> = PerCpuArray::with_max_entries(1, 0);

/// See [`control`].
#[map]
static CONTROL: Array<u32> = Array::with_max_entries(control::COUNT, 0);

/// The host overwrites it before load.
#[unsafe(no_mangle)]
static CONFIG: Config = Config::UNSET;

/// The settings, field by field: a copy of the whole would land on the stack.
#[inline(always)]
pub fn config() -> *const Config {
    &raw const CONFIG
}

/// Adds one. Atomic, because some kernels let a syscall tracepoint's program be preempted.
#[inline(always)]
pub fn count(counter: usize) {
    count_many(counter, 1);
}

/// Adds some.
#[inline(always)]
pub fn count_many(counter: usize, many: u64) {
    if let Some(counters) = COUNTERS.get_ptr_mut(0) {
        // SAFETY: the map's value holds all counters, and is aligned to 8.
        // `AtomicU64` has no `fetch_add` on this target.
        unsafe {
            let counter = counters.cast::<u64>().add(counter);
            atomic_xadd::<u64, u64, { AtomicOrdering::Relaxed }>(counter, many);
        }
    }
}

/// Reads a word of [`control`].
#[inline(always)]
pub fn control(index: u32) -> u32 {
    // SAFETY: a word that either side may write at any time: read once, as it is.
    CONTROL.get_ptr(index).map_or(0, |word| unsafe { word.read_volatile() })
}

/// Writes a word of [`control`].
#[inline(always)]
pub fn set_control(index: u32, value: u32) {
    if let Some(word) = CONTROL.get_ptr_mut(index) {
        // SAFETY: as above.
        unsafe { word.write_volatile(value) }
    }
}
