//! What each purpose needs: how to tell that it is there, and where it comes from.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};

use super::Purpose;
use crate::{
    command::{cargo, find, program, read, tools},
    toolchain::{BPF, BPF_LINKER, DEBIAN_RUSTC, Toolchain, WASM, debian_rustc_is_new, rustup_is_complete},
};

/// The oldest node that Vite starts on.
const NODE: (u32, u32) = (20, 19);
/// The version that `deny.toml` is written for.
const CARGO_DENY: &str = "0.20.2";

/// One thing that may be missing.
pub struct Need {
    pub name: &'static str,
    pub reason: &'static str,
    pub purpose: Purpose,
    /// Looks for files rather than asking apt: it is quick, and says nothing about where they came from.
    pub found: Box<dyn Fn() -> bool>,
    pub install: Install,
}

/// Where a thing comes from.
pub enum Install {
    /// A package of the system.
    Package(&'static str),
    /// A command, made once the packages are there.
    Command(Box<dyn Fn() -> Result<Command>>),
}

/// Everything for every purpose, packages first.
pub fn all(toolchain: Toolchain) -> Vec<Need> {
    use Purpose::{Run, Test};
    let mut needs = match toolchain {
        Toolchain::Debian => debian(),
        Toolchain::Rustup => rustup(),
    };
    needs.extend([
        package("c++", "bpf-linker's glue to LLVM", Run, "g++", &["c++"]),
        package("node", "builds the page", Run, "nodejs", &["node"]),
        package("npm", "fetches what the page needs", Run, "npm", &["npm"]),
        package("qemu", "kernels that have kprobes", Test, "qemu-system-x86", &["qemu-system-x86_64"]),
        package("busybox", "the guest's programs", Test, "busybox-static", &["busybox"]),
        package("cpio", "packs the guest's files", Test, "cpio", &["cpio"]),
        package("ip", "makes sockets' links to test", Test, "iproute2", &["ip"]),
        package("chromium", "tests the page", Test, "chromium", &["chromium", "chromium-browser", "google-chrome"]),
    ]);
    needs.extend([
        command("bpf-linker", "links kernel programs", Run, move || bpf_linker_is_there(toolchain), move || bpf_linker(toolchain)),
        command("node 20.19", "the system's is too old for Vite", Run, node_is_new, || {
            // The registry's package `node` is the program itself.
            let mut npm = program("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(tools()).arg("node@22");
            Ok(npm)
        }),
        command("cargo-deny", "checks licences and advisories", Test, || find(&["cargo-deny"]).is_some(), || {
            Ok(cargo_install("cargo-deny", CARGO_DENY))
        }),
    ]);
    needs
}

/// The packages that make Debian's way possible.
pub fn debian_packages() -> Vec<&'static str> {
    debian()
        .iter()
        .filter_map(|need| match need.install {
            Install::Package(package) => Some(package),
            Install::Command(_) => None,
        })
        .collect()
}

fn debian() -> Vec<Need> {
    use Purpose::Run;
    let mut needs = vec![
        package("rustc with BPF", "builds kernel programs and scripts", Run, "rustc-web", &[]),
        package("core for BPF", "its library for kernel programs", Run, "libstd-rust-web-dev-bpf", &[]),
        package("sources of std", "its library for scripts", Run, "rust-web-src", &[]),
        package("llvm-config-22", "bpf-linker is linked with LLVM", Run, "llvm-22-dev", &["llvm-config-22"]),
        package("llvm-strip-22", "strips kernel programs", Run, "llvm-22", &["llvm-strip-22"]),
        package("wasm-ld-22", "links scripts", Run, "lld-22", &["wasm-ld-22"]),
        package("clang-22", "builds scripts in C", Run, "clang-22", &["clang-22"]),
    ];
    needs[0].found = Box::new(debian_rustc_is_new);
    needs[1].found = Box::new(|| Path::new("/usr/lib/rustlib").join(BPF).is_dir());
    needs[2].found = Box::new(|| Path::new("/usr/lib/rustlib/src/rust/library/std").is_dir());
    needs
}

fn rustup() -> Vec<Need> {
    use Purpose::Run;
    vec![
        package("clang", "builds scripts in C", Run, "clang", &["clang-22", "clang"]),
        package("wasm-ld", "links scripts in C", Run, "lld", &["wasm-ld"]),
        package("llvm-strip", "strips kernel programs", Run, "llvm", &["llvm-strip-22", "llvm-strip"]),
        command("nightly with rust-src", "builds core for kernel programs", Run, rustup_is_complete, || {
            let mut rustup = program("rustup");
            rustup.args(["toolchain", "install", "nightly", "--profile", "minimal", "--component", "rust-src"]);
            Ok(rustup)
        }),
        command("std for Wasm", "the library for scripts", Run, rustup_is_complete, || {
            let mut rustup = program("rustup");
            rustup.args(["target", "add", WASM]);
            Ok(rustup)
        }),
    ]
}

fn package(
    name: &'static str,
    reason: &'static str,
    purpose: Purpose,
    package: &'static str,
    programs: &'static [&'static str],
) -> Need {
    Need {
        name,
        reason,
        purpose,
        found: Box::new(|| find(programs).is_some()),
        install: Install::Package(package),
    }
}

fn command(
    name: &'static str,
    reason: &'static str,
    purpose: Purpose,
    found: impl Fn() -> bool + 'static,
    make: impl Fn() -> Result<Command> + 'static,
) -> Need {
    Need {
        name,
        reason,
        purpose,
        found: Box::new(found),
        install: Install::Command(Box::new(make)),
    }
}

/// Another version may be linked with another LLVM, which does not read what rustc writes.
fn bpf_linker_is_there(toolchain: Toolchain) -> bool {
    let version = |path| read(program(path).arg("--version")).unwrap_or_default();
    toolchain
        .bpf_linker()
        .is_some_and(|path| version(path).contains(BPF_LINKER))
}

/// bpf-linker is linked with the LLVM of the rustc whose output it reads: 22 for Debian's; the
/// default, which follows nightly, for rustup's.
fn bpf_linker(toolchain: Toolchain) -> Result<Command> {
    let mut install = cargo_install("bpf-linker", BPF_LINKER);
    if toolchain == Toolchain::Debian {
        let config = |what| {
            read(program("llvm-config-22").arg(what))
                .map(|text| text.trim().to_owned())
                .with_context(|| format!("{DEBIAN_RUSTC} needs LLVM 22 for its linker"))
        };
        install
            .env("LLVM_PREFIX", config("--prefix")?)
            .env("RUSTFLAGS", format!("-L native={}", config("--libdir")?))
            .args(["--no-default-features", "--features", "llvm-22"]);
    }
    Ok(install)
}

fn cargo_install(package: &str, version: &str) -> Command {
    let mut install = cargo();
    install
        .args(["install", "--locked", package, "--version", version, "--root"])
        .arg(tools());
    install
}

fn node_is_new() -> bool {
    let Some(node) = find(&["node"]) else {
        return false;
    };
    read(program(node).arg("--version"))
        .is_ok_and(|text| node_version(&text).is_some_and(|version| version >= NODE))
}

/// (20, 19) of `v20.19.4`.
fn node_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_node_is_read() {
        assert_eq!(node_version("v20.19.4\n"), Some((20, 19)));
        assert!(node_version("v18.20.4") < Some(NODE));
        assert_eq!(node_version("node"), None);
    }
}
