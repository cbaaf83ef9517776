//! The compilers for BPF and Wasm. Stable Rust has neither target built in; there are two ways to get them:
//!
//! - **rustup**, with network access: nightly with `rust-src` builds `core` for BPF, and stable has
//!   the Wasm target as a component.
//! - **Debian's packages**: a second rustc with `core` for BPF built in and the library's sources,
//!   from which it builds `std` for Wasm. `RUSTC_BOOTSTRAP=1` allows it what else only nightly may.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::command::{cargo, find, need, program, read, run_quietly, tools};

/// Debian's compiler, by its path: `rustc` may be rustup's.
pub const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// The target of the kernel programs.
pub const BPF: &str = "bpfel-unknown-none";
/// The target of the scripts.
pub const WASM: &str = "wasm32-unknown-unknown";
/// The linker's version; it goes with the LLVM that rustc was built with.
pub const BPF_LINKER: &str = "0.13.0";

/// Where the compilers for BPF and Wasm come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Toolchain {
    /// Nightly with its sources, and the Wasm target of stable.
    Rustup,
    /// A second rustc from Debian's packages.
    Debian,
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rustup => "rustup's nightly with rust-src",
            Self::Debian => "Debian's rustc with the BPF target",
        })
    }
}

impl Toolchain {
    /// The one that is installed, rustup's before Debian's. rustup brings no BPF linker, and one can
    /// be built only where the system has the LLVM of the nightly: without one it is not complete.
    pub fn installed() -> Option<Self> {
        let own_linker = || tools().join("bin/bpf-linker").is_file() && !debian_is_complete();
        if rustup_is_complete() && (find(&["bpf-linker"]).is_some() || own_linker()) {
            Some(Self::Rustup)
        } else if debian_is_complete() {
            Some(Self::Debian)
        } else {
            None
        }
    }

    /// As [`Self::installed`], with the remedy as the error.
    pub fn needed() -> Result<Self> {
        Self::installed()
            .context("no compiler for BPF and Wasm is installed: run `cargo xtask setup`")
    }

    /// The BPF linker. Debian's way needs one linked with the same LLVM as its rustc: our own.
    pub fn bpf_linker(self) -> Option<PathBuf> {
        let own = tools().join("bin/bpf-linker");
        if own.is_file() {
            return Some(own);
        }
        match self {
            Self::Rustup => find(&["bpf-linker"]),
            Self::Debian => None,
        }
    }

    /// `cargo build` for the kernel's target, without the packages.
    pub fn build_bpf(self) -> Result<Command> {
        let linker = match self.bpf_linker() {
            Some(path) => path,
            None => need(&["bpf-linker"])?,
        };
        let linker = format!("linker={}", linker.display());
        let mut command = self.cargo_build(BPF, Some("core"));
        // BTF is made of debug information.
        let flags = ["-C", &linker, "-C", "link-arg=--btf", "-C", "debuginfo=2"];
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        Ok(command)
    }

    /// `cargo build` for the scripts' target, without the packages.
    pub fn build_wasm(self) -> Command {
        // Functions keep their names, for the backtraces of traps.
        let mut flags = vec!["-C", "link-arg=--keep-section=name"];
        if self == Self::Debian {
            flags.extend(["-C", "linker=wasm-ld-22"]);
        }
        let mut command = self.cargo_build(WASM, None);
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        command
    }

    /// `built_in` names what rustup's nightly builds from source for a target without components.
    fn cargo_build(self, target: &str, built_in: Option<&str>) -> Command {
        match self {
            Self::Rustup => {
                let mut command = match built_in {
                    Some(_) => {
                        let mut rustup = program("rustup");
                        rustup.env_remove("CARGO_TARGET_DIR").args(["run", "nightly", "cargo"]);
                        rustup
                    }
                    None => cargo(),
                };
                command.args(["build", "--target", target]);
                command.args(built_in.map(|library| format!("-Zbuild-std={library}")));
                command
            }
            Self::Debian => {
                let mut command = cargo();
                command
                    .env("RUSTC", DEBIAN_RUSTC)
                    .env("RUSTC_BOOTSTRAP", "1")
                    .args(["build", "--target", target]);
                if target == WASM {
                    command.arg("-Zbuild-std=std,panic_abort");
                }
                command
            }
        }
    }
}

/// clang, of which every build has the Wasm target.
pub fn clang() -> Result<PathBuf> {
    need(&["clang-22", "clang"])
}

/// llvm-strip, which knows BPF and x86 objects alike.
pub fn strip() -> Result<PathBuf> {
    need(&["llvm-strip-22", "llvm-strip"])
}

/// Nightly with the library's sources, and stable with the Wasm target. Asks rustup for paths only:
/// that never fetches anything.
pub fn rustup_is_complete() -> bool {
    rustup_libraries("nightly").is_some_and(|lib| lib.join("src/rust/library/core").is_dir())
        && rustup_libraries("").is_some_and(|lib| lib.join(WASM).is_dir())
}

/// `lib/rustlib` of one of rustup's toolchains; the empty name is the one in use.
fn rustup_libraries(toolchain: &str) -> Option<PathBuf> {
    find(&["rustup"])?;
    let mut which = program("rustup");
    which.arg("which");
    if !toolchain.is_empty() {
        which.args(["--toolchain", toolchain]);
    }
    which.arg("rustc");
    run_quietly(&mut which).ok()?;
    let rustc = read(&mut which).ok()?;
    let root = Path::new(rustc.trim()).parent()?.parent()?;
    Some(root.join("lib/rustlib"))
}

/// Debian's rustc, new enough for edition 2024 and BPF, with its parts.
fn debian_is_complete() -> bool {
    debian_rustc_is_new()
        && Path::new("/usr/lib/rustlib").join(BPF).is_dir()
        && Path::new("/usr/lib/rustlib/src/rust/library/std").is_dir()
        && find(&["wasm-ld-22"]).is_some()
}

/// Whether Debian's rustc is installed and at least 1.90; its older versions have no BPF target.
pub fn debian_rustc_is_new() -> bool {
    Path::new(DEBIAN_RUSTC).is_file()
        && read(program(DEBIAN_RUSTC).arg("--version"))
            .is_ok_and(|text| minor_version(&text).is_some_and(|minor| minor >= 90))
}

/// 96 of `rustc 1.96.0 (…)`.
fn minor_version(text: &str) -> Option<u32> {
    let version = text.strip_prefix("rustc 1.")?;
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minor_version_is_read() {
        assert_eq!(minor_version("rustc 1.96.0 (ac68 2026-05-25)"), Some(96));
        assert_eq!(minor_version("clang 22"), None);
    }
}
