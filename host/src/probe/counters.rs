//! What the kernel side counts, and what the kernel counts about it.

use std::{
    fs,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    sync::Mutex,
};

use aya::maps::{HashMap, MapData, PerCpuArray};
use serde::Serialize;
use weir_ebpf::{Counters, Slot, counter, in_flight};

use super::{Error, cause, plan::Step};

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
    pub(super) retired: Mutex<Retired>,
}

/// A program, and what the kernel says about it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ProgramState {
    /// Its name.
    pub name: &'static str,
    /// The function or tracepoint it is attached to.
    pub attached_to: String,
    /// Instructions that the verifier walked; `None` where this kernel does not tell.
    pub verified_instructions: Option<u64>,
    /// Runs that the kernel skipped because another program ran on that processor; `None` where
    /// this kernel does not tell.
    pub recursion_misses: Option<u64>,
    /// Hits of a kprobe that the kernel missed (`nmissed`); `None` where it does not tell.
    pub missed: Option<u64>,
}

/// One program and where it is attached.
pub(super) struct Attached {
    pub step: Step,
    pub program: OwnedFd,
    /// Of kprobes only: what the kernel says of their missed hits.
    pub links: Vec<OwnedFd>,
}

/// What programs missed that are attached no more.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Retired {
    recursion: u64,
    missed: u64,
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
            stranded += u64::from(slot.map_err(access)?.1.0.pending.in_flight == in_flight::CALL);
        }
        Ok(stranded)
    }

    /// The programs, with the runs that the kernel skipped.
    pub fn programs(&self) -> Vec<ProgramState> {
        let programs = self.programs.lock().expect("no panic while locked");
        programs.iter().map(Attached::state).collect()
    }

    /// Misses of kprobes, and of any program for recursion, since the start. `None` where this
    /// kernel does not tell.
    pub fn misses(&self) -> (Option<u64>, Option<u64>) {
        let programs = self.programs();
        let retired = *self.retired.lock().expect("no panic while locked");
        let missed = programs.iter().filter_map(|program| program.missed);
        let missed = missed.reduce(|sum, more| sum + more).map(|sum| sum + retired.missed);
        let recursion = programs.iter().filter_map(|program| program.recursion_misses);
        let recursion = recursion.reduce(|sum, more| sum + more).map(|sum| sum + retired.recursion);
        (missed, recursion)
    }

    /// Changes what is attached; what leaves is not forgotten.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Vec<Attached>) -> T) -> T {
        let mut programs = self.programs.lock().expect("no panic while locked");
        let before: Vec<_> = programs.iter().map(Attached::state).collect();
        let result = change(&mut programs);
        let gone = before
            .iter()
            .filter(|state| !programs.iter().any(|attached| attached.step.program == state.name));
        let mut retired = self.retired.lock().expect("no panic while locked");
        for state in gone {
            retired.recursion += state.recursion_misses.unwrap_or(0);
            retired.missed += state.missed.unwrap_or(0);
        }
        result
    }

    /// Lets go of what keeps the programs attached.
    pub(super) fn release(&self) {
        for attached in self.programs.lock().expect("no panic while locked").iter_mut() {
            attached.links.clear();
        }
    }
}

impl Attached {
    fn state(&self) -> ProgramState {
        let missed = self.links.iter().filter_map(|link| info_word(link, LINK_KPROBE_MISSED));
        ProgramState {
            name: self.step.program,
            attached_to: self.step.hook.name(),
            // Half a word; the other half is padding.
            verified_instructions: info_word(&self.program, PROG_VERIFIED)
                .map(|word| word & u64::from(u32::MAX)),
            recursion_misses: info_word(&self.program, PROG_RECURSION_MISSES),
            missed: missed.reduce(|sum, more| sum + more),
        }
    }
}

/// `bpf_prog_info.recursion_misses` (include/uapi/linux/bpf.h), in words of 8 bytes.
const PROG_RECURSION_MISSES: usize = 26;
/// `bpf_prog_info.verified_insns` (since 5.16).
const PROG_VERIFIED: usize = 27;
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

/// The links that hold this program, among this process's own descriptors (proc_pid_fdinfo(5)).
/// aya keeps them to itself, and the kernel gives links out by number to the privileged only.
pub(super) fn links_of(program_id: u32) -> Vec<OwnedFd> {
    let Ok(entries) = fs::read_dir("/proc/self/fdinfo") else { return Vec::new() };
    let of_program = |text: &str| {
        let mut lines = text.lines().map(|line| line.split_once(':').unwrap_or((line, "")));
        text.contains("link_id:")
            && lines
                .any(|(name, value)| name == "prog_id" && value.trim().parse() == Ok(program_id))
    };
    let links = entries.flatten().filter_map(|entry| {
        let text = fs::read_to_string(entry.path()).ok()?;
        let number: i32 = entry.file_name().to_str()?.parse().ok()?;
        // SAFETY: the descriptor was open a moment ago; if it is another by now, what is read
        // of it is no link's.
        let fd = of_program(&text).then(|| unsafe { BorrowedFd::borrow_raw(number) })?;
        fd.try_clone_to_owned().ok()
    });
    links.collect()
}
