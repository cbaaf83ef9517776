//! Tools that no package of the system offers in a version that will do: how to tell that they are
//! there, and the commands that put them below `target/tools`.

use std::process::Command;

use anyhow::{Context, Result};

use crate::{
    command::{cargo, find, program, read, tools},
    toolchain::{BPF_LINKER, DEBIAN_RUSTC, Toolchain},
};

/// The oldest node that Vite starts on.
const NODE: (u32, u32) = (20, 19);
/// The version that `deny.toml` is written for.
const CARGO_DENY: &str = "0.20.2";

/// Whether it is there in the right version: another may be linked with another LLVM, which does not
/// read what rustc writes.
pub fn bpf_linker_is_there(toolchain: Toolchain) -> bool {
    let version = |path| read(program(path).arg("--version")).unwrap_or_default();
    toolchain.bpf_linker().is_some_and(|path| version(path).contains(BPF_LINKER))
}

/// bpf-linker is linked with the LLVM of the rustc whose output it reads: 22 for Debian's; the
/// default, which follows nightly, for rustup's.
pub fn bpf_linker(toolchain: Toolchain) -> Result<Command> {
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
    } else {
        eprintln!(
            "bpf-linker is linked with the LLVM of rustup's nightly: if the next step does not find it \
             (-lLLVM), install that LLVM's development files, or put a bpf-linker into PATH"
        );
    }
    Ok(install)
}

fn cargo_install(package: &str, version: &str) -> Command {
    let mut install = cargo();
    // Not optimised: both have little to do here, and optimising them takes minutes.
    install
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .args(["install", "--debug", "--locked", package, "--version", version])
        .arg("--root")
        .arg(tools());
    install
}

/// Whether node is there and Vite starts on it.
pub fn node_is_new() -> bool {
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

/// The checker of licences, sources and advisories.
pub fn cargo_deny() -> Result<Command> {
    Ok(cargo_install("cargo-deny", CARGO_DENY))
}

/// The registry's package `node` is the program itself.
pub fn node() -> Result<Command> {
    let mut npm = program("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(tools()).arg("node@22");
    Ok(npm)
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
