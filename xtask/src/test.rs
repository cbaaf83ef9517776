//! `cargo xtask test`: every check there is.

use std::{path::Path, process::Command};

use anyhow::Result;
use clap::Args;
use nix::unistd::geteuid;

use crate::{
    build,
    command::{cargo, npm, program, run, run_and_name, show_and_run},
    compat, lint, readme,
    report::{Outcome, Report},
    setup::{self, Purpose},
    vm,
    workspace::{root, target, weir},
};

/// Sets up, builds, then runs every check there is.
///
/// Format, lints, dependencies, the tests of all packages, the page in a browser, and the kernel
/// tests in QEMU. Goes on after a failure, and ends with a table of all steps. A check that this
/// machine cannot do is skipped with the reason.
#[derive(Args)]
pub struct Options {
    /// Boot no guests
    #[arg(long)]
    pub no_vm: bool,
    /// Start no browser
    #[arg(long)]
    pub no_web: bool,
    /// Run only those of the packages' tests whose name contains this, and neither guests nor browser
    #[arg(last = true)]
    pub filter: Option<String>,
}

/// Runs all steps; the error says how many failed.
pub fn everything(options: &Options) -> Result<()> {
    setup::install(Purpose::Test)?;
    build::all()?;
    build::for_tests()?;
    let mut report = Report::default();
    lint::steps(&mut report);
    report.step("tests", || tests(options.filter.as_deref()));
    report.step("readme", readme::check);
    report.step("page", || match why_not(options.no_web, "--no-web", options) {
        Some(reason) => Ok(Outcome::Skipped(reason)),
        None => page(),
    });
    report.step("kernels", || match why_not(options.no_vm, "--no-vm", options) {
        Some(reason) => Ok(Outcome::Skipped(reason)),
        None => {
            vm::check(&vm::Options::default())?;
            Ok(Outcome::Passed)
        }
    });
    report.finish()
}

/// Why a step is left out by what was asked for.
fn why_not(asked: bool, flag: &str, options: &Options) -> Option<String> {
    if asked {
        Some(format!("{flag} is given"))
    } else {
        options.filter.as_ref().map(|filter| format!("only tests like {filter:?} are asked for"))
    }
}

/// The tests of all packages but the kernel programs, which have none that run here, in the profile
/// that is built already. Those that trace for real want tracefs.
fn tests(filter: Option<&str>) -> Result<Outcome> {
    mount_tracefs();
    let mut tests = cargo();
    with_release(&mut tests).env("WEIR_COMPAT", compat::build()?).args([
        "test",
        "--release",
        "--no-fail-fast",
        "--workspace",
        "--exclude",
        "weir-ebpf",
    ]);
    if let Some(filter) = filter {
        tests.args(["--", filter]);
    }
    run_and_name(&mut tests, |line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))?;
    Ok(Outcome::Passed)
}

fn page() -> Result<Outcome> {
    if !root().join("web/package.json").is_file() {
        return Ok(Outcome::Skipped("there is no web/package.json".into()));
    }
    run(npm()?.args(["run", "check"]))?;
    run_and_name(with_release(npm()?.arg("test")), |line| line.trim_start().strip_prefix("✘"))?;
    Ok(Outcome::Passed)
}

/// Tells tests where the release binary and the scripts are.
fn with_release(command: &mut Command) -> &mut Command {
    command.env("WEIR_BIN", weir()).env("WEIR_SCRIPTS", target("scripts"))
}

/// Mounts tracefs where nothing has yet. Without it, tests that need it say so.
fn mount_tracefs() {
    let folder = Path::new("/sys/kernel/tracing");
    if !geteuid().is_root() || folder.join("events").exists() {
        return;
    }
    let mounted = show_and_run(program("mount").args(["-t", "tracefs", "tracefs"]).arg(folder));
    if let Err(error) = mounted {
        eprintln!("tests that need tracefs will be skipped: {error:#}");
    }
}
