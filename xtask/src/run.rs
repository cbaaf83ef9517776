//! `cargo xtask run`: Weir with its demo traffic.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};

use crate::{
    build,
    command::{program, shown},
    setup::{self, Purpose},
    workspace::weir,
};

/// The demo's pipelines.
const PIPELINES: [&str; 3] = ["service | latency", "errors", "destinations"];

/// Sets up, builds, then starts Weir with demo traffic to watch.
///
/// Weir prints the link to its page. Ctrl-C ends both. Needs root, or CAP_BPF and CAP_PERFMON.
#[derive(Args)]
pub struct Options {
    /// Start no demo traffic
    #[arg(long)]
    pub no_workload: bool,
    /// Further arguments of `weir run`; with an `-s` among them, the demo's pipelines are left out
    #[arg(last = true)]
    pub arguments: Vec<String>,
}

/// Starts both and waits until either ends or Ctrl-C comes.
pub fn demo(options: &Options) -> Result<()> {
    setup::install(Purpose::Run)?;
    build::all()?;

    let mut host = program(weir());
    host.arg("run");
    let own = |argument: &String| argument.starts_with("-s");
    if !options.arguments.iter().any(own) {
        for pipeline in PIPELINES {
            host.args(["-s", pipeline]);
        }
    }
    host.args(&options.arguments);
    ensure!(
        may_trace(),
        "tracing needs root, or CAP_BPF and CAP_PERFMON; all is built, so run:\n  sudo {}",
        shown(&host)
    );

    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))
        .context("cannot take Ctrl-C over")?;

    // Groups of their own: a terminal sends Ctrl-C to its whole group, and each shall get it once.
    let mut children =
        vec![("weir run", host.process_group(0).spawn().context("cannot start weir")?)];
    if !options.no_workload {
        let workload = program(weir())
            .args(["workload", "--seconds", "0", "--rate", "200"])
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        children.push(("weir workload", workload.context("cannot start the workload")?));
    }
    wait(&mut children, &interrupted)
}

/// Waits for the first end or interrupt, interrupts the rest and waits for them too.
fn wait(children: &mut [(&str, Child)], interrupted: &AtomicBool) -> Result<()> {
    while !interrupted.load(Ordering::Relaxed) && !any_ended(children)? {
        thread::sleep(Duration::from_millis(100));
    }
    for (_, child) in &*children {
        // One that has ended already is not there to be told.
        let _ = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT);
    }
    let asked = interrupted.load(Ordering::Relaxed);
    for (name, child) in children {
        let status = child.wait().with_context(|| format!("cannot wait for {name}"))?;
        ensure!(asked || status.success(), "{name} ended with {status}");
    }
    Ok(())
}

fn any_ended(children: &mut [(&str, Child)]) -> Result<bool> {
    for (name, child) in children {
        let status = child.try_wait().with_context(|| format!("cannot wait for {name}"))?;
        if status.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Root, or the two capabilities that loading and attaching take.
fn may_trace() -> bool {
    const CAP_PERFMON: u64 = 1 << 38;
    const CAP_BPF: u64 = 1 << 39;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    geteuid().is_root() || effective & CAP_PERFMON != 0 && effective & CAP_BPF != 0
}
