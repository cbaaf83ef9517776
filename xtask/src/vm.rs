//! `cargo xtask vm`: the host's kernel tests under kernels that have kprobes, in QEMU.
//!
//! Each kernel is Debian's own image; the only other thing in the guest is an initramfs with
//! busybox, the test binaries, the release binary and the scripts. The guest says on its serial
//! console how each test binary ended; without its last line the run counts as failed.

mod console;
mod initramfs;
mod kernel;

use std::{
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use crate::{
    command::{cargo, need, program, read, shown},
    compat,
    report::seconds,
    workspace::target,
};

/// The test binary that runs once per backend: its tests share one weir, whose events alone the
/// emulated machine is then busy with.
const BY_BACKEND: &str = "kernel";
const BACKENDS: [&str; 3] = ["kprobe", "fentry", "tracepoint"];

/// Runs the host's kernel tests in QEMU.
///
/// Tests in host/tests whose file name starts with `kernel` run in a guest as its only process,
/// as root, with tracefs, bpffs and cgroup2 mounted. They find the release binary in WEIR_BIN, the
/// scripts in WEIR_SCRIPTS and the 32-bit program in WEIR_COMPAT. WEIR_HONEST asks for more calls of
/// honest callers. Kernels are Debian packages, fetched once into target/vm/kernels; the console is kept
/// in target/vm/KERNEL.log.
#[derive(Args)]
pub struct Options {
    /// Kernel series to boot; may be given more than once
    #[arg(long = "kernel", value_name = "X.Y", default_values = ["6.1", "6.12"])]
    pub kernels: Vec<String>,
    /// Seconds after which a guest is taken for stuck
    #[arg(long, default_value_t = 2400)]
    pub timeout: u64,
    /// Use KVM: much faster, where the machine can boot a stock kernel under it
    #[arg(long)]
    pub kvm: bool,
    /// Run only tests whose name contains this
    pub filter: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { kernels: vec!["6.1".into(), "6.12".into()], timeout: 2400, kvm: false, filter: None }
    }
}

/// Boots every kernel and reports all of them together.
pub fn check(options: &Options) -> Result<()> {
    need(&["qemu-system-x86_64"])?;
    let images: Vec<PathBuf> =
        options.kernels.iter().map(|series| kernel::image(series)).collect::<Result<_>>()?;
    let tests = test_binaries()?;
    let initramfs = initramfs::pack(&tests, &compat::build()?, options.filter.as_deref())?;

    // Side by side: the tests in a guest run one after the other, so one guest leaves a processor idle.
    let runs: Vec<_> = thread::scope(|scope| {
        let start = |(series, image): (&String, &PathBuf)| {
            let mut qemu = qemu(options, image, &initramfs);
            eprintln!("$ {}", shown(&qemu));
            let series = series.clone();
            let patience = Duration::from_secs(options.timeout);
            scope.spawn(move || console::watch(&mut qemu, &series, patience))
        };
        let guests: Vec<_> = options.kernels.iter().zip(&images).map(start).collect();
        guests.into_iter().map(|guest| guest.join().expect("no panic")).collect()
    });
    let by_backend = tests.iter().filter(|test| initramfs::stem(test) == BY_BACKEND).count();
    let binaries = tests.len() + by_backend * (BACKENDS.len() - 1);
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    for (series, run) in options.kernels.iter().zip(runs) {
        let run = run?;
        let verdict = run.verdict(binaries, options.filter.is_some());
        let text = match &verdict {
            Ok(()) => format!("ok, {} passed", run.passed),
            Err(reason) => format!("FAILED: {reason:#}"),
        };
        lines.push(format!("{series:<6} {:>8}  {text}", seconds(run.time)));
        if verdict.is_err() {
            failed.push(series.as_str());
        }
    }
    eprintln!("\n{}", lines.join("\n"));
    ensure!(
        failed.is_empty(),
        "kernel tests fail on {} (consoles: target/vm/*.log)",
        failed.join(", ")
    );
    Ok(())
}

/// Builds the host's tests named `kernel*` and says where they are.
fn test_binaries() -> Result<Vec<PathBuf>> {
    let messages = read(cargo().args([
        "test",
        "--release",
        "--no-run",
        "--message-format=json-render-diagnostics",
        "--package=weir",
        "--test=kernel*",
    ]))
    .context("cannot build the host's kernel tests (host/tests/kernel*.rs)")?;
    let binaries = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["kind"][0] == "test")
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .collect();
    Ok(binaries)
}

fn qemu(options: &Options, image: &Path, initramfs: &Path) -> Command {
    let mut qemu = program("qemu-system-x86_64");
    // One thread for both processors: with two, one may run a breakpoint that the other has just patched
    // away, as the kernel does where tracepoints are attached, and the kernel takes that for an oops.
    let (accelerator, cpu) =
        if options.kvm { ("kvm", "host") } else { ("tcg,thread=single", "max") };
    qemu.args(["-accel", accelerator, "-cpu", cpu])
        .args(["-smp", "2", "-m", "2048", "-kernel"])
        .arg(image)
        .arg("-initrd")
        .arg(initramfs)
        // An oops is a panic and a panic ends QEMU: nothing waits for the timeout. Emulated processors
        // of a busy machine stall now and then, which is no fault of the kernel's.
        .args([
            "-append",
            "console=ttyS0 quiet oops=panic panic=-1 rcupdate.rcu_cpu_stall_timeout=60",
        ])
        .args(["-no-reboot", "-nodefaults", "-display", "none"])
        .args(["-serial", "stdio"]);
    qemu
}

/// The log of a kernel's console.
fn log(series: &str) -> PathBuf {
    target("vm").join(format!("{series}.log"))
}
