//! `cargo xtask lint`: format, clippy and the rules for dependencies.

use anyhow::Result;

use crate::{
    command::{cargo, need, program, run, run_quietly},
    report::{Outcome, Report},
    toolchain::{BPF, Toolchain, WASM},
    workspace::{entries, name, root},
};

/// Only these checks, with a summary.
pub fn alone() -> Result<()> {
    let mut report = Report::default();
    steps(&mut report);
    report.finish()
}

/// Adds these checks to a report.
pub fn steps(report: &mut Report) {
    report.step("format", || passed(cargo().args(["fmt", "--all", "--check"])));
    report.step("clippy: host, sdk, xtask", || {
        passed(cargo().args(["clippy", "--all-targets", "--", "-D", "warnings"]))
    });
    report.step("clippy: kernel programs", programs);
    report.step("clippy: scripts", scripts);
    report.step("dependencies", || {
        passed(program(need(&["cargo-deny"])?).args(["check", "bans", "licenses", "sources"]))
    });
    report.step("advisories", advisories);
}

/// rustup's nightly lints the programs for their own target. Debian's packages of this compiler have no
/// clippy; then stable clippy lints them as if for this machine, which covers all but what is
/// compiled for BPF alone.
fn programs() -> Result<Outcome> {
    if Toolchain::installed() == Some(Toolchain::Rustup) {
        return passed(
            program("rustup")
                .args(["run", "nightly", "cargo", "clippy", "-Zbuild-std=core"])
                .args(["--target", BPF, "--package", "weir-ebpf"])
                .args(["--features", "programs", "--target-dir", "target/bpf"])
                .args(["--", "-D", "warnings"]),
        );
    }
    eprintln!("this toolchain has no clippy for BPF: linting the library part for this machine");
    passed(cargo().args(["clippy", "--package", "weir-ebpf", "--lib", "--", "-D", "warnings"]))
}

/// As [`programs`]: for Wasm where that target is installed, else for this machine.
fn scripts() -> Result<Outcome> {
    let mut clippy = cargo();
    clippy.arg("clippy");
    if Toolchain::installed() == Some(Toolchain::Rustup) {
        clippy.args(["--target", WASM, "--target-dir", "target/wasm"]);
    } else {
        eprintln!("this toolchain has no clippy for Wasm: linting for this machine");
    }
    for folder in entries(&root().join("scripts")) {
        if folder.join("Cargo.toml").is_file() {
            clippy.arg(format!("--package=weir-script-{}", name(&folder)));
        }
    }
    passed(clippy.args(["--", "-D", "warnings"]))
}

/// The advisories are a git repository elsewhere, which not every machine may fetch.
fn advisories() -> Result<Outcome> {
    let deny = need(&["cargo-deny"])?;
    // A machine behind a silent firewall would wait for minutes.
    let mut fetch = program("timeout");
    fetch.arg("60").arg(&deny).args(["fetch", "db"]);
    if let Err(error) = run_quietly(&mut fetch) {
        return Ok(Outcome::Skipped(format!(
            "the advisory database cannot be fetched ({error:#})"
        )));
    }
    passed(program(&deny).args(["check", "advisories"]))
}

fn passed(command: &mut std::process::Command) -> Result<Outcome> {
    run(command)?;
    Ok(Outcome::Passed)
}
