//! What the kernel programs and the host agree on beyond the layout of events: the record, the
//! slot in which a call waits for its return, counters, and the settings made before load.
#![no_std]
#![forbid(unsafe_code)]

use weir_sdk::event::{Head, NAME_BYTES};

/// What the kernel side writes about one call: a head, then as much of `name` as was read.
///
/// Spans in the head count from the end of the head.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Record {
    /// The fixed part. `seq` is 0 and `time_ns` is of `CLOCK_MONOTONIC`.
    pub head: Head,
    /// The destination address.
    pub name: [u8; NAME_BYTES],
}

/// A thread's place in the map of calls in flight. It is made at the thread's first call and goes
/// with the thread, so that a call costs two look-ups and no allocation.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Slot {
    /// The record as far as it is known.
    pub record: Record,
    /// 1 from entry to return.
    pub in_flight: u64,
}

/// Most threads with a [`Slot`].
pub const SLOTS: u32 = 65_536;

/// Default size of the ring buffer in bytes.
pub const RING_BYTES: u32 = 8 << 20;

/// Per-CPU counters of the kernel side, as indices into [`Counters`].
pub mod counter {
    /// Calls that entered.
    pub const SEEN: usize = 0;
    /// Records handed to the ring buffer.
    pub const SUBMITTED: usize = 1;
    /// Records for which the ring buffer had no room.
    pub const RING_FULL: usize = 2;
    /// Entries for which there was no room in the map of calls in flight.
    pub const NO_SLOT: usize = 3;
    /// Entries whose thread entered again before a return was seen.
    pub const OVERWRITTEN: usize = 4;
    /// Entries whose thread ended before a return was seen.
    pub const THREAD_EXIT: usize = 5;
    /// Number of counters.
    pub const COUNT: usize = 6;
}

/// One CPU's counters.
pub type Counters = [u64; counter::COUNT];

/// Indices of the array `CONTROL`, which both sides write while the programs run.
pub mod control {
    /// Thread group of the host in the initial pid namespace, learnt from its greeting.
    pub const HOST: u32 = 0;
    /// 1 when the host's reader sleeps and wants to be woken by the next record.
    pub const READER_SLEEPS: u32 = 1;
    /// Number of entries.
    pub const COUNT: u32 = 2;
}

/// An offset that this kernel's BTF does not give.
pub const UNKNOWN: u32 = u32::MAX;

/// Settings, made before load. Offsets are bytes into the kernel's structs, from its BTF.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Config {
    /// The host greets its programs with a sendmsg call whose msghdr pointer is this number; a
    /// kernel address, so no other process can mean it.
    pub greeting: u64,
    /// `task_struct.real_parent`.
    pub real_parent: u32,
    /// `task_struct.tgid`.
    pub tgid: u32,
    /// `task_struct.group_leader`.
    pub group_leader: u32,
    /// `task_struct.start_boottime`.
    pub start_boottime: u32,
}

impl Config {
    /// Nothing is known.
    pub const UNSET: Self = Self {
        greeting: 0,
        real_parent: UNKNOWN,
        tgid: UNKNOWN,
        group_leader: UNKNOWN,
        start_boottime: UNKNOWN,
    };
}
