//! What the kernel offers.

use std::fs;

use caps::{CapSet, Capability};

use super::Check;
use crate::probe::{
    Backend,
    survey::{self, Function, Trial},
};

const PRIVILEGE: &str = "see CAP_BPF and CAP_PERFMON above";
const CONFIG: &str = "boot a kernel with";

pub fn system() -> Vec<Check> {
    let system = rustix::system::uname();
    let arch = std::env::consts::ARCH;
    vec![
        Check::ok("kernel", system.release().to_string_lossy()),
        match arch {
            "x86_64" => Check::ok("architecture", arch),
            // Numbers of calls, and registers.
            _ => Check::lacks("architecture", format!("{arch}; this version knows x86_64 alone")),
        },
    ]
}

pub fn features() -> Vec<Check> {
    let mut checks = btf();
    checks.push(match Backend::Kprobe.lacks() {
        None => Check::ok("kprobes", "there"),
        Some(lacks) => Check::lacks("kprobes", lacks)
            .fix(format!("{CONFIG} CONFIG_KPROBES, CONFIG_PERF_EVENTS, CONFIG_BPF_EVENTS")),
    });
    let raw_tracepoints = survey::raw_tracepoints();
    checks.push(feature("raw tracepoints", raw_tracepoints, "CONFIG_BPF_EVENTS"));
    checks.push(feature("ring buffer", survey::ring_buffers(), "CONFIG_BPF_SYSCALL, Linux 5.8"));
    checks.push(feature("bpf_loop", survey::loops(), "Linux 5.17 or later"));
    checks.extend(lockdown());
    checks.extend(perf_events());
    checks.extend(functions());
    checks
}

/// Whether the kernel lets programs read its memory (kernel_lockdown(7)); nothing where it cannot be locked.
fn lockdown() -> Option<Check> {
    const NAME: &str = "lockdown";
    let text = fs::read_to_string("/sys/kernel/security/lockdown").ok()?;
    let level = text.split_once('[').and_then(|(_, rest)| Some(rest.split_once(']')?.0));
    Some(match level {
        Some("confidentiality") => {
            Check::lacks(NAME, "confidentiality: programs may not read the kernel's memory")
                .fix("boot with lockdown=integrity, or without Secure Boot")
        }
        level => Check::ok(NAME, level.unwrap_or("none")),
    })
}

/// Kprobes are perf events, which distributions keep for administrators at levels that the kernel itself does
/// not know; nothing where there are none.
fn perf_events() -> Option<Check> {
    const NAME: &str = "perf_event_paranoid";
    let text = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").ok()?;
    let level: i32 = text.trim().parse().ok()?;
    let admin = caps::has_cap(None, CapSet::Effective, Capability::CAP_SYS_ADMIN);
    Some(if level > 2 && !admin.unwrap_or(false) {
        Check::lacks(NAME, format!("{level}: kprobes need CAP_SYS_ADMIN; fentry does not")).fix(
            "sudo sysctl kernel.perf_event_paranoid=2, or --backend fentry, or add CAP_SYS_ADMIN",
        )
    } else {
        Check::ok(NAME, level.to_string())
    })
}

fn feature(name: &str, there: Result<bool, String>, option: &str) -> Check {
    match there {
        Ok(true) => Check::ok(name, "there"),
        Ok(false) => Check::lacks(name, "not there").fix(format!("{CONFIG} {option}")),
        Err(why) => Check::lacks(name, format!("cannot tell: {why}")).fix(PRIVILEGE),
    }
}

fn btf() -> Vec<Check> {
    match survey::offsets() {
        Err(error) => vec![
            Check::lacks(
                "BTF",
                format!("{error}: sockets, files and the caller's parent are not seen"),
            )
            .fix(format!("{CONFIG} CONFIG_DEBUG_INFO_BTF")),
        ],
        Ok((missing, wanted)) => {
            let found = format!("{} of {wanted} offsets", wanted - missing.len());
            let lacks = missing.into_iter().map(|missing| {
                let name = format!("{}.{}", missing.of, missing.member);
                Check::lacks(name, format!("not in BTF; not seen: {}", missing.fields))
            });
            [Check::ok("BTF", found)].into_iter().chain(lacks).collect()
        }
    }
}

/// A check per call.
fn functions() -> Vec<Check> {
    let calls = match survey::functions() {
        Ok(calls) => calls,
        Err(error) => {
            return vec![
                Check::lacks("functions", error.to_string())
                    .fix(format!("{CONFIG} CONFIG_KALLSYMS")),
            ];
        }
    };
    let check = |(call, functions): (&str, Vec<Function>)| {
        let name = format!("functions of {call}");
        let list = |there: bool| {
            let names = functions.iter().filter(|function| function.there == there);
            names.map(|function| function.name).collect::<Vec<_>>().join(", ")
        };
        let (there, gone) = (list(true), list(false));
        if functions.iter().any(|function| function.needed && !function.there) {
            return Check::lacks(name, format!("this kernel has no {gone}"));
        }
        Check::ok(name, if gone.is_empty() { there } else { format!("{there}; no {gone}") })
    };
    calls.into_iter().map(check).collect()
}

/// The backends, and whether one works.
pub fn backends() -> (Vec<Check>, bool) {
    let trials = match survey::trials() {
        Ok(trials) => trials,
        Err(error) => {
            let fix = "cargo xtask build";
            return (vec![Check::lacks("programs", error.to_string()).fix(fix)], false);
        }
    };
    let mut checks = Vec::from_iter(fentry(&trials));
    checks.extend(trials.iter().map(backend));
    let taken = trials.iter().find(|trial| trial.failure.is_none());
    checks.push(match taken {
        Some(taken) => Check::ok("backend auto", taken.backend.name()),
        None => Check::lacks("backend auto", "none works"),
    });
    if let Some(taken) = taken {
        checks.push(programs(taken));
        checks.extend(
            taken
                .refused
                .iter()
                .map(|(call, why)| Check::lacks(format!("programs of {call}"), why.trim_end())),
        );
    }
    (checks, taken.is_some())
}

fn fentry(trials: &[Trial]) -> Option<Check> {
    const NAME: &str = "fentry";
    let trial = trials.iter().find(|trial| trial.backend == Backend::Fentry)?;
    Some(match &trial.failure {
        None => Check::ok(NAME, "allowed"),
        Some(_) if !trial.permitted => not_permitted(NAME),
        Some(why) => Check::lacks(NAME, short(why))
            .fix(format!("{CONFIG} CONFIG_BPF_JIT, CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS")),
    })
}

fn backend(trial: &Trial) -> Check {
    let name = format!("backend {}", trial.backend.name());
    match &trial.failure {
        None => {
            let cannot_see = trial.backend.cannot_see().join("; ");
            Check::ok(name, format!("works; cannot see: {cannot_see}"))
        }
        Some(_) if !trial.permitted => not_permitted(name),
        Some(why) => Check::lacks(name, short(why)),
    }
}

fn not_permitted(name: impl Into<String>) -> Check {
    Check::lacks(name, "not permitted").fix(PRIVILEGE)
}

fn programs(taken: &Trial) -> Check {
    let mut programs = taken.programs.clone();
    programs.sort_by_key(|program| program.name);
    programs.dedup_by_key(|program| program.name);
    let each = programs.iter().map(|program| match program.verified_instructions {
        Some(count) => format!("{} {count}", program.name),
        None => program.name.to_owned(),
    });
    let each: Vec<_> = each.collect();
    Check::ok(
        "programs",
        format!("{} load; instructions that the verifier walked: {}", each.len(), each.join(", ")),
    )
}

/// Without the verifier's log that there is not.
fn short(why: &str) -> &str {
    why.trim_end().trim_end_matches("Verifier output:").trim_end_matches([' ', '.'])
}
