//! What each purpose needs: how to tell that it is there, and where it comes from.

use std::{path::Path, process::Command};

use anyhow::Result;

use super::{
    Purpose::{self, Run, Test},
    languages, tools,
};
use crate::{
    command::{find, program},
    toolchain::{BPF, Toolchain, WASM, debian_rustc_is_new, rustup_is_complete},
};

/// One thing that may be missing.
pub struct Need {
    pub name: &'static str,
    pub reason: &'static str,
    pub purpose: Purpose,
    /// Looks for files rather than asking apt: it is quick, and takes them from anywhere.
    pub found: Box<dyn Fn() -> bool>,
    pub install: Install,
}

/// Where a thing comes from.
pub enum Install {
    /// The package of that name.
    Package,
    /// A command, made once the packages are there.
    Command(Box<dyn Fn() -> Result<Command>>),
}

impl Need {
    /// A package that brings the first of these programs; any of them will do.
    pub fn package(
        purpose: Purpose,
        name: &'static str,
        programs: &'static [&'static str],
        reason: &'static str,
    ) -> Self {
        Self {
            name,
            reason,
            purpose,
            found: Box::new(|| find(programs).is_some()),
            install: Install::Package,
        }
    }

    /// A thing that a command brings.
    pub fn command(
        purpose: Purpose,
        name: &'static str,
        command: impl Fn() -> Result<Command> + 'static,
        reason: &'static str,
    ) -> Self {
        Self {
            name,
            reason,
            purpose,
            found: Box::new(move || find(&[name]).is_some()),
            install: Install::Command(Box::new(command)),
        }
    }

    /// Another way to tell that it is there.
    pub fn found(self, found: impl Fn() -> bool + 'static) -> Self {
        Self { found: Box::new(found), ..self }
    }
}

/// Everything for every purpose, packages first.
pub fn all(toolchain: Toolchain) -> Vec<Need> {
    let mut needs = match toolchain {
        Toolchain::Debian => debian(),
        Toolchain::Rustup => rustup(),
    };
    needs.extend([
        Need::package(Run, "g++", &["c++"], "glue of bpf-linker to LLVM"),
        Need::package(Run, "nodejs", &["node"], "builds the page"),
        Need::package(Run, "npm", &["npm"], "fetches what the page needs"),
        Need::package(
            Test,
            "qemu-system-x86",
            &["qemu-system-x86_64"],
            "kernels that have kprobes",
        ),
        Need::package(Test, "busybox-static", &["busybox"], "programs of QEMU's guest"),
        Need::package(Test, "strace", &["strace"], "says what weir must say of the same calls"),
        Need::package(Test, "cpio", &["cpio"], "packs the guest's files"),
        Need::package(Test, "chromium", &["chromium", "google-chrome"], "tests the page"),
        Need::command(
            Run,
            "bpf-linker",
            move || tools::bpf_linker(toolchain),
            "links kernel programs",
        )
        .found(move || tools::bpf_linker_is_there(toolchain)),
        Need::command(Run, "node 20.19", tools::node, "the system's is too old for Vite")
            .found(tools::node_is_new),
        Need::command(Test, "cargo-deny", tools::cargo_deny, "checks licences and advisories"),
    ]);
    needs.extend(languages::all());
    needs
}

/// The parts of Debian's way.
pub fn debian() -> Vec<Need> {
    let library = |path: &str| {
        let path = Path::new("/usr/lib/rustlib").join(path);
        move || path.is_dir()
    };
    vec![
        Need::package(Run, "rustc-web", &[], "builds kernel programs and scripts")
            .found(debian_rustc_is_new),
        Need::package(Run, "libstd-rust-web-dev-bpf", &[], "core for kernel programs")
            .found(library(BPF)),
        Need::package(Run, "rust-web-src", &[], "the source of std for scripts")
            .found(library("src/rust/library/std")),
        Need::package(Run, "llvm-22-dev", &["llvm-config-22"], "bpf-linker is linked with it"),
        Need::package(Run, "llvm-22", &["llvm-strip-22"], "strips kernel programs"),
        Need::package(Run, "lld-22", &["wasm-ld-22"], "links scripts"),
        Need::package(Run, "clang-22", &["clang-22"], "builds scripts in C"),
    ]
}

fn rustup() -> Vec<Need> {
    let rustup = |arguments: &'static [&'static str]| {
        move || {
            let mut rustup = program("rustup");
            rustup.args(arguments);
            Ok(rustup)
        }
    };
    let nightly = rustup(&[
        "toolchain",
        "install",
        "nightly",
        "--profile=minimal",
        "--component=rust-src",
        "--component=clippy",
    ]);
    vec![
        Need::package(Run, "clang", &["clang-22", "clang"], "builds scripts in C"),
        Need::package(Run, "lld", &["wasm-ld"], "links scripts in C"),
        Need::package(Run, "llvm", &["llvm-strip-22", "llvm-strip"], "strips kernel programs"),
        Need::command(Run, "nightly and rust-src", nightly, "core for kernel programs")
            .found(rustup_is_complete),
        Need::command(Run, "the Wasm target", rustup(&["target", "add", WASM]), "std for scripts")
            .found(rustup_is_complete),
    ]
}
