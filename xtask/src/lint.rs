//! `cargo xtask lint`: format, clippy and the rules for dependencies.

use anyhow::Result;

use crate::{
    command::{cargo, need, program, run, run_quietly},
    generate,
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
    report.step("generated files", generate::check);
    // In the profile that is built anyway: what build scripts compile, C libraries for one, is compiled once.
    report.step("clippy: host, sdk, xtask", || {
        passed(cargo().args(["clippy", "--release", "--all-targets", "--", "-D", "warnings"]))
    });
    report.step("clippy: kernel programs", programs);
    report.step("clippy: scripts", scripts);
    report.step("dependencies", || {
        passed(program(need(&["cargo-deny"])?).args(["check", "bans", "licenses", "sources"]))
    });
    report.step("advisories", advisories);
}

/// rustup's nightly lints the programs for their own target. Debian's packages of that compiler have no
/// clippy; then stable clippy lints them as if for this machine, where `core` must not unwind either.
fn programs() -> Result<Outcome> {
    let mut clippy;
    if Toolchain::installed() == Some(Toolchain::Rustup) {
        clippy = program("rustup");
        clippy
            .env_remove("CARGO_TARGET_DIR")
            .args(["run", "nightly", "cargo", "clippy"])
            .args(["-Zbuild-std=core", "--target", BPF])
            .args(["--target-dir", "target/bpf"]);
    } else {
        eprintln!("this toolchain has no clippy for BPF: linting for this machine");
        clippy = cargo();
        clippy
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_PROFILE_DEV_PANIC", "abort")
            // The two variables would make the rest of `target/` stale.
            .args(["clippy", "--target-dir", "target/lint"]);
    }
    passed(
        clippy
            .args(["--package", "weir-ebpf", "--features", "programs"])
            .args(["--", "-D", "warnings"]),
    )
}

/// As [`programs`]: for Wasm where that target is installed, else for this machine.
fn scripts() -> Result<Outcome> {
    let mut clippy = cargo();
    clippy.arg("clippy");
    if Toolchain::installed() == Some(Toolchain::Rustup) {
        clippy.args(["--target", WASM, "--target-dir", "target/wasm"]);
    } else {
        eprintln!("this toolchain has no clippy for Wasm: linting for this machine");
        clippy.arg("--release");
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
