//! What this kernel offers. It is asked, or tried: versions tell little of kernels that distributions
//! build.

use std::{collections::HashSet, fs};

use aya::{
    maps::MapType,
    programs::ProgramType,
    sys::{BpfHelper, is_helper_supported, is_map_supported, is_program_supported},
};
use weir_ebpf::offset;
use weir_sdk::event::CALL_NAMES;

use super::{
    Backend, Error, Options, Probe, ProgramState, Request, Wants,
    btf::Btf,
    cause,
    load::OPTIONAL,
    plan::{Hook, bit, plan},
};

/// A member of a kernel's struct that its BTF does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The struct.
    pub of: &'static str,
    /// Its member.
    pub member: &'static str,
    /// Parts of events that are not seen without.
    pub fields: &'static str,
}

/// The members that this kernel's BTF does not have, out of how many.
pub fn offsets() -> Result<(Vec<Missing>, usize), Error> {
    let btf = Btf::of_kernel()?;
    let wanted = offset::NAMES.iter().filter(|(of, _)| !OPTIONAL.contains(of));
    let missing = wanted.clone().filter(|(of, member)| btf.offset(of, member).is_none());
    let missing = missing.map(|&(of, member)| Missing { of, member, fields: fields(of, member) });
    Ok((missing.collect(), wanted.count()))
}

/// What is read by way of a member.
fn fields(of: &str, member: &str) -> &'static str {
    match (of, member) {
        ("task_struct", "real_parent" | "tgid") => "process.ppid",
        ("task_struct", "group_leader" | "start_boottime") => {
            "process.started, process.exe and their like"
        }
        ("task_struct", "thread_info.status") => "32-bit callers",
        ("task_struct", "signal") | ("signal_struct", _) => "ends of processes",
        ("task_struct", "nsproxy") | ("nsproxy" | "net", _) => "process.netns, socket.netns",
        ("task_struct", "files") | ("files_struct" | "fdtable", _) => "socket, files",
        ("file", "f_inode") | ("inode", _) => "socket, files",
        ("file", "private_data") | ("socket", "sk") => "socket",
        ("file" | "super_block" | "dentry" | "vfsmount" | "mount", _) => "files",
        ("socket", "file") => "socket of io_uring",
        ("sock", "sk_peer_pid" | "sk_peer_cred") | ("pid" | "cred", _) => "socket.peer_process",
        ("sock" | "sock_common", _) => "socket",
        ("unix_sock" | "unix_address" | "netlink_sock" | "vsock_sock" | "packet_sock", _) => {
            "socket.local, socket.peer"
        }
        ("msghdr", _) => "toctou, kernel, io_uring",
        ("io_kiocb", _) => "ret of io_uring",
        _ => "",
    }
}

/// A kernel function to which a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Whether the call cannot be seen without; the others are there on some kernels only.
    pub needed: bool,
    /// Whether the kernel has it.
    pub there: bool,
}

/// The functions at which each call is seen, or an error when the kernel does not list its own.
pub fn functions() -> Result<Vec<(&'static str, Vec<Function>)>, Error> {
    const KALLSYMS: &str = "/proc/kallsyms";
    let text = fs::read_to_string(KALLSYMS)
        .map_err(|source| Error::Read { path: KALLSYMS.into(), source })?;
    let symbols: HashSet<&str> =
        text.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    let of_call = |number: usize| {
        let mut functions: Vec<Function> = Vec::new();
        for step in plan(Backend::Kprobe, bit(number as u16)) {
            let Hook::Functions(names) = step.hook else { continue };
            functions.extend(names.iter().enumerate().map(|(index, &name)| Function {
                name,
                needed: step.needed && index == 0,
                there: symbols.contains(name),
            }));
        }
        functions
    };
    Ok((1..).zip(CALL_NAMES).map(|(number, name)| (name, of_call(number))).collect())
}

/// Whether programs can be attached to raw tracepoints. The error says why that cannot be told.
pub fn raw_tracepoints() -> Result<bool, String> {
    is_program_supported(ProgramType::RawTracePoint).map_err(|error| cause(&error))
}

/// Whether there are ring buffers. The error says why that cannot be told.
pub fn ring_buffers() -> Result<bool, String> {
    is_map_supported(MapType::RingBuf).map_err(|error| cause(&error))
}

/// Whether programs can have loops that the verifier walks once. The error says why that cannot be told.
pub fn loops() -> Result<bool, String> {
    is_helper_supported(ProgramType::RawTracePoint, BpfHelper::BPF_FUNC_loop)
        .map_err(|error| cause(&error))
}

/// A backend that was attached, and detached again.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Which.
    pub backend: Backend,
    /// Why it does not work, if it does not.
    pub failure: Option<String>,
    /// Whether it may be tried at all.
    pub permitted: bool,
    /// Of the backend that is taken by itself: its programs for all calls.
    pub programs: Vec<ProgramState>,
    /// Of the same: calls for which they cannot be attached, and why.
    pub refused: Vec<(&'static str, String)>,
}

/// Tries every backend: all for sendmsg, and the first that works for all calls.
pub fn trials() -> Result<Vec<Trial>, Error> {
    let mut trials: Vec<Trial> = Vec::new();
    for request in [Request::Kprobe, Request::Fentry, Request::Tracepoint] {
        let backend = request.candidates()[0];
        let first = trials.iter().all(|trial| trial.failure.is_some());
        let mut trial = Trial {
            backend,
            failure: None,
            permitted: true,
            programs: Vec::new(),
            refused: Vec::new(),
        };
        match Probe::attach(Options { backend: request, ring_bytes: 0 }, || ()) {
            Ok((probe, _ring)) => {
                if first {
                    (trial.programs, trial.refused) = for_all_calls(&probe);
                }
                probe.detach();
            }
            Err(error @ Error::NoPrograms) => return Err(error),
            Err(Error::NoBackend(reason)) => trial.failure = Some(reason),
            Err(error) => {
                trial.permitted = !matches!(error, Error::Privilege { .. });
                trial.failure = Some(error.to_string());
            }
        }
        trials.push(trial);
    }
    Ok(trials)
}

fn for_all_calls(probe: &Probe) -> (Vec<ProgramState>, Vec<(&'static str, String)>) {
    let want = |calls| probe.want().want(Wants { calls, ..Wants::default() });
    let all = (1..=CALL_NAMES.len() as u16).map(bit).fold(0, |calls, call| calls | call);
    if want(all).is_ok() {
        return (probe.kernel.programs(), Vec::new());
    }
    // Which call it is that fails.
    let (mut programs, mut refused) = (Vec::<ProgramState>::new(), Vec::new());
    for (number, name) in (1..).zip(CALL_NAMES) {
        match want(bit(number)) {
            Ok(()) => programs.extend(probe.kernel.programs()),
            Err(error) => refused.push((name, error.to_string())),
        }
    }
    programs.sort_by_key(|program| program.name);
    programs.dedup_by_key(|program| program.name);
    (programs, refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offset_is_for_something() {
        for (of, member) in offset::NAMES {
            assert_ne!(fields(of, member), "", "{of}.{member}");
        }
    }
}
