//! Loads the programs, attaches them, and takes them away again.

use std::{os::fd::AsFd, sync::Mutex};

use aya::{
    Ebpf, EbpfLoader, VerifierLogLevel,
    maps::{Array, Map, RingBuf},
    programs::{KProbe, Program, TracePoint},
};
use serde::Serialize;
use weir_ebpf::{Config, UNKNOWN, control};

use super::{
    Backend, Choice, Error, Kernel, Request, Ring, Tried,
    btf::Btf,
    cause,
    counters::{Attached, link_of},
    is_permission, tracefs,
};

/// The kernel programs, built by `cargo xtask build`; empty in a build without them.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/weir.bpf.o"));

/// `Config` as aya takes it.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct ConfigValue(Config);
// SAFETY: `Config` is integers only, `repr(C)` without padding.
unsafe impl aya::Pod for ConfigValue {}

/// How to set up the kernel side.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Which backend.
    pub backend: Request,
    /// Size of the ring buffer in bytes; rounded up to a power of two of at least one page.
    pub ring_bytes: u32,
}

/// A program, and what the kernel says about it.
#[derive(Clone, Debug, Serialize)]
pub struct ProgramState {
    /// Its name.
    pub name: &'static str,
    /// The symbol or tracepoint it is attached to.
    pub attached_to: String,
    /// Runs that the kernel skipped because another program ran on that processor; `None` where
    /// this kernel does not tell.
    pub recursion_misses: Option<u64>,
    /// Hits of a kprobe that the kernel missed (`nmissed`); `None` where it does not tell.
    pub missed: Option<u64>,
}

/// The attached programs. Dropping it detaches them.
pub struct Probe {
    ebpf: Ebpf,
    /// Counters and program state, to share.
    pub kernel: std::sync::Arc<Kernel>,
    /// Which backend is in use, and why.
    pub choice: Choice,
}

impl Probe {
    /// Loads and attaches. The ring is returned apart: it goes to the reader's thread.
    pub fn attach(options: Options) -> Result<(Self, Ring), Error> {
        if OBJECT.is_empty() {
            return Err(Error::NoPrograms);
        }
        tracefs::mounted()?;
        let greeting = greeting();
        let config = ConfigValue(config(greeting));
        let mut tried = Vec::new();
        for &backend in options.backend.candidates() {
            if let Some(reason) = backend.lacks() {
                tried.push(Tried { name: backend, works: false, reason });
                continue;
            }
            let mut ebpf = load(&config, options.ring_bytes)?;
            match attach(&mut ebpf, backend) {
                Ok(programs) => {
                    let (program, hook) = backend.entry();
                    tried.push(Tried {
                        name: backend,
                        works: true,
                        reason: format!("attached {program} to {hook}"),
                    });
                    let choice = choice(options.backend, backend, tried);
                    return finish(ebpf, programs, choice, greeting);
                }
                Err(error @ Error::Privilege { .. }) => return Err(error),
                Err(error) => {
                    tried.push(Tried { name: backend, works: false, reason: error.to_string() });
                }
            }
        }
        let reasons: Vec<_> = tried.into_iter().map(|tried| tried.reason).collect();
        Err(Error::NoBackend(reasons.join("; ")))
    }

    /// Detaches. What is in the ring buffer stays there to be read.
    pub fn detach(self) {
        self.kernel.release();
        drop(self.ebpf);
    }
}

fn choice(requested: Request, name: Backend, tried: Vec<Tried>) -> Choice {
    let why = match tried.split_last() {
        _ if requested != Request::Auto => format!("asked for with --backend {}", name.name()),
        Some((_, [])) => "the first choice, and it works on this kernel".to_owned(),
        Some((_, failed)) => {
            let reasons: Vec<_> = failed.iter().map(|tried| tried.reason.as_str()).collect();
            format!("the next best that works on this kernel: {}", reasons.join("; "))
        }
        None => unreachable!("a backend that was tried"),
    };
    Choice { name, requested, why, cannot_see: name.cannot_see(), tried }
}

/// A number by which the programs know the host. It lies in the kernel's half of the address
/// space, so that no other process passes it as a pointer and has the call succeed.
fn greeting() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the kernel has random numbers");
    u64::from_ne_bytes(bytes) | 1 << 63
}

fn config(greeting: u64) -> Config {
    let btf = match Btf::of_kernel() {
        Ok(btf) => Some(btf),
        Err(error) => {
            tracing::warn!("parent and start time of processes will not be seen: {error}");
            None
        }
    };
    let task = |member| {
        let offset = btf.as_ref().and_then(|btf| btf.offset("task_struct", member));
        if btf.is_some() && offset.is_none() {
            tracing::warn!("this kernel's BTF has no task_struct.{member}");
        }
        offset.unwrap_or(UNKNOWN)
    };
    Config {
        greeting,
        real_parent: task("real_parent"),
        tgid: task("tgid"),
        group_leader: task("group_leader"),
        start_boottime: task("start_boottime"),
    }
}

fn load(config: &ConfigValue, ring_bytes: u32) -> Result<Ebpf, Error> {
    EbpfLoader::new()
        // The log of a refusal runs to megabytes.
        .verifier_log_level(VerifierLogLevel::STATS)
        .override_global("CONFIG", config, true)
        .map_max_entries("RECORDS", ring_bytes.next_power_of_two().max(4096))
        .load(OBJECT)
        .map_err(|error| {
            if is_permission(&error) {
                return Error::Privilege { action: "load the kernel programs".to_owned() };
            }
            Error::Load(Box::new(error))
        })
}

/// Attaches the return before the entry, so that no call is seen to enter that is not seen to
/// return.
fn attach(ebpf: &mut Ebpf, backend: Backend) -> Result<Vec<Attached>, Error> {
    let (entry, hook) = backend.entry();
    Ok(vec![
        attach_one(ebpf, "thread_exit", "sched:sched_process_exit")?,
        attach_one(ebpf, "thread_exec", "sched:sched_process_exec")?,
        attach_one(ebpf, "sys_exit_sendmsg", "syscalls:sys_exit_sendmsg")?,
        attach_one(ebpf, entry, hook)?,
    ])
}

fn attach_one(ebpf: &mut Ebpf, name: &'static str, hook: &str) -> Result<Attached, Error> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        if is_permission(error) {
            return Error::Privilege { action: format!("attach {name} to {hook}") };
        }
        Error::Attach { program: name, hook: hook.to_owned(), reason: cause(error) }
    };
    let program = ebpf.program_mut(name).ok_or(Error::NoPrograms)?;
    match (program, hook.split_once(':')) {
        (Program::TracePoint(program), Some((category, event))) => {
            attach_tracepoint(program, category, event).map_err(|error| failed(&error))?;
        }
        (Program::KProbe(program), _) => {
            attach_kprobe(program, hook).map_err(|error| failed(&error))?
        }
        _ => return Err(Error::NoPrograms),
    }
    let program = ebpf.program(name).ok_or(Error::NoPrograms)?;
    let fd = program.fd().map_err(|error| failed(&error))?;
    let link = match program {
        Program::KProbe(program) => link_of(program.info().map_err(|error| failed(&error))?.id()),
        _ => None,
    };
    Ok(Attached {
        name,
        hook: hook.to_owned(),
        program: fd.as_fd().try_clone_to_owned().map_err(|error| failed(&error))?,
        link,
    })
}

fn attach_tracepoint(
    program: &mut TracePoint,
    category: &str,
    event: &str,
) -> Result<(), aya::programs::ProgramError> {
    program.load()?;
    program.attach(category, event)?;
    Ok(())
}

fn attach_kprobe(program: &mut KProbe, symbol: &str) -> Result<(), aya::programs::ProgramError> {
    program.load()?;
    program.attach(symbol, 0)?;
    Ok(())
}

fn finish(
    mut ebpf: Ebpf,
    programs: Vec<Attached>,
    choice: Choice,
    greeting: u64,
) -> Result<(Probe, Ring), Error> {
    let control = Array::try_from(ebpf.take_map("CONTROL").ok_or(Error::Map("CONTROL"))?)
        .map_err(|_| Error::Map("CONTROL"))?;
    let records = RingBuf::try_from(ebpf.take_map("RECORDS").ok_or(Error::Map("RECORDS"))?)
        .map_err(|_| Error::Map("RECORDS"))?;
    let Some(Map::PerCpuArray(counters)) = ebpf.take_map("COUNTERS") else {
        return Err(Error::Map("COUNTERS"));
    };
    let counters = Map::PerCpuArray(counters).try_into().map_err(|_| Error::Map("COUNTERS"))?;
    let in_flight = ebpf.take_map("IN_FLIGHT").ok_or(Error::Map("IN_FLIGHT"))?;
    let in_flight = in_flight.try_into().map_err(|_| Error::Map("IN_FLIGHT"))?;
    greet(&control, greeting)?;
    let kernel = Kernel { counters, in_flight, programs: Mutex::new(programs) };
    let probe = Probe { ebpf, kernel: std::sync::Arc::new(kernel), choice };
    Ok((probe, Ring::new(records, control)))
}

/// Makes the host known to its programs, which then skip its calls.
fn greet(control: &Array<aya::maps::MapData, u32>, greeting: u64) -> Result<(), Error> {
    // SAFETY: the call fails at its descriptor before it looks at the pointer.
    unsafe { libc::syscall(libc::SYS_sendmsg, -1, greeting, 0) };
    let host = control
        .get(&control::HOST, 0)
        .map_err(|error| Error::MapAccess { name: "CONTROL", reason: cause(&error) })?;
    if host == 0 {
        return Err(Error::NoBackend("the programs are attached but do not see calls".to_owned()));
    }
    Ok(())
}
