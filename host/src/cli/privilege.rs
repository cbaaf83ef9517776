//! Giving up what is no longer needed once the programs are attached.
//!
//! Capabilities belong to threads, and new threads get their maker's: so the threads of
//! the probe and of the look-ups are started first, and everything that runs scripts or serves requests after [`drop_all`].

use std::fs;

use anyhow::Context;
use caps::{CapSet, Capability, CapsHashSet};

/// What reading the maps needs on kernels before 6.0 (kernel/bpf/syscall.c).
const READ_MAPS: [Capability; 1] = [Capability::CAP_BPF];
/// What looking up other users' processes and cgroups needs (proc(5)).
const LOOK_UP: [Capability; 2] = [Capability::CAP_SYS_PTRACE, Capability::CAP_DAC_READ_SEARCH];

/// Leaves this thread what it needs to read its maps, and no way to get more.
pub fn drop_all() -> anyhow::Result<()> {
    keep(&READ_MAPS)?;
    rustix::thread::set_no_new_privs(true).context("cannot set no_new_privs")
}

/// Leaves this thread nothing, and no way to get more.
pub fn drop_everything() -> anyhow::Result<()> {
    keep(&[])?;
    rustix::thread::set_no_new_privs(true).context("cannot set no_new_privs")
}

/// Leaves this thread what it needs to load and attach further programs (bpf(2)).
pub fn drop_to_probe() -> anyhow::Result<()> {
    // Debian's and Ubuntu's kernels know levels beyond 2, at which kprobes, being perf events, are for
    // administrators alone.
    let level = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid");
    let restricted =
        level.is_ok_and(|level| level.trim().parse().is_ok_and(|level: i32| level > 2));
    let more: &[_] = if restricted { &[Capability::CAP_SYS_ADMIN] } else { &[] };
    keep(&[&[Capability::CAP_BPF, Capability::CAP_PERFMON], more].concat())
}

/// Leaves this thread what it needs to look processes up.
pub fn drop_to_look_ups() -> anyhow::Result<()> {
    keep(&LOOK_UP)
}

fn keep(wanted: &[Capability]) -> anyhow::Result<()> {
    let has = caps::read(None, CapSet::Permitted).context("cannot read own capabilities")?;
    let wanted: CapsHashSet = wanted.iter().copied().collect();
    let keep: CapsHashSet = has.intersection(&wanted).copied().collect();
    let nothing = CapsHashSet::new();
    for (set, capabilities) in
        [(CapSet::Inheritable, &nothing), (CapSet::Effective, &keep), (CapSet::Permitted, &keep)]
    {
        caps::set(None, set, capabilities).context("cannot give up capabilities")?;
    }
    Ok(())
}
