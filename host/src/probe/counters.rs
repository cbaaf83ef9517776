//! What the kernel side counts, and what the kernel counts about it.

use std::{
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
    sync::Mutex,
};

use aya::maps::{HashMap, MapData, PerCpuArray};
use weir_ebpf::{Counters, Slot, counter};

use super::{Error, ProgramState, cause};

/// A slot as aya reads it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct SlotValue(Slot);
// SAFETY: `Slot` is integers only, `repr(C)` without padding that anyone reads.
unsafe impl aya::Pod for SlotValue {}

/// The kernel side's counters and the state of its programs; read from any thread.
pub struct Kernel {
    pub(super) counters: PerCpuArray<MapData, Counters>,
    pub(super) in_flight: HashMap<MapData, u32, SlotValue>,
    pub(super) programs: Mutex<Vec<Attached>>,
}

/// One program and where it is attached.
pub(super) struct Attached {
    pub name: &'static str,
    pub hook: String,
    pub program: OwnedFd,
    /// Of a kprobe only: what the kernel says of its missed hits.
    pub link: Option<OwnedFd>,
}

impl Kernel {
    /// The counters, added up over the processors.
    pub fn counters(&self) -> Result<Counters, Error> {
        let values = self
            .counters
            .get(&0, 0)
            .map_err(|error| Error::MapAccess { name: "COUNTERS", reason: cause(&error) })?;
        let mut sum = [0; counter::COUNT];
        for cpu in values.iter() {
            for (total, count) in sum.iter_mut().zip(cpu) {
                *total += count;
            }
        }
        Ok(sum)
    }

    /// Calls that entered and did not return, looked up one by one. Exact only once the programs
    /// are detached.
    pub fn stranded(&self) -> Result<u64, Error> {
        let access = |error: aya::maps::MapError| Error::MapAccess {
            name: "IN_FLIGHT",
            reason: cause(&error),
        };
        let mut stranded = 0;
        for slot in self.in_flight.iter() {
            stranded += slot.map_err(access)?.1.0.in_flight;
        }
        Ok(stranded)
    }

    /// The programs, with the runs that the kernel skipped.
    pub fn programs(&self) -> Vec<ProgramState> {
        let programs = self.programs.lock().expect("no panic while locked");
        programs
            .iter()
            .map(|attached| ProgramState {
                name: attached.name,
                attached_to: attached.hook.clone(),
                recursion_misses: info_word(&attached.program, PROG_RECURSION_MISSES),
                missed: attached.link.as_ref().and_then(|link| info_word(link, LINK_KPROBE_MISSED)),
            })
            .collect()
    }

    /// Lets go of what keeps the programs attached.
    pub(super) fn release(&self) {
        for attached in self.programs.lock().expect("no panic while locked").iter_mut() {
            attached.link = None;
        }
    }
}

/// `bpf_prog_info.recursion_misses` (include/uapi/linux/bpf.h), in words of 8 bytes.
const PROG_RECURSION_MISSES: usize = 26;
/// `bpf_link_info.perf_event.kprobe.missed` (since 6.8).
const LINK_KPROBE_MISSED: usize = 6;

/// A word of the kernel's description of a BPF object, if this kernel fills in that much.
fn info_word(object: &impl AsFd, word: usize) -> Option<u64> {
    const BPF_OBJ_GET_INFO_BY_FD: libc::c_long = 15;
    #[repr(C)]
    struct Attr {
        fd: u32,
        info_len: u32,
        info: u64,
    }
    let mut info = [0u64; 40];
    let mut attr = Attr {
        fd: object.as_fd().as_raw_fd() as u32,
        info_len: size_of_val(&info) as u32,
        info: info.as_mut_ptr() as u64,
    };
    // SAFETY: `attr` is the leading part of `union bpf_attr` for this command, and `info` is as
    // large as it says; the kernel writes no more than that.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &raw mut attr, size_of::<Attr>())
    };
    (result == 0 && attr.info_len as usize >= (word + 1) * 8).then(|| info[word])
}

/// The link that holds this program, by its number. aya keeps the descriptor to itself.
pub(super) fn link_of(program_id: u32) -> Option<OwnedFd> {
    const BPF_LINK_GET_FD_BY_ID: libc::c_long = 30;
    let link =
        aya::programs::loaded_links().flatten().find(|link| link.program_id() == program_id)?;
    let attr = [link.id(), 0, 0];
    // SAFETY: `attr` is the leading part of `union bpf_attr` for this command; the result is a new
    // descriptor that nobody else owns.
    unsafe {
        let fd = libc::syscall(
            libc::SYS_bpf,
            BPF_LINK_GET_FD_BY_ID,
            &raw const attr,
            size_of_val(&attr),
        );
        (fd >= 0).then(|| OwnedFd::from_raw_fd(fd as i32))
    }
}
