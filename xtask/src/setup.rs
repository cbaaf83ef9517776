//! `cargo xtask setup`: finds what is missing on this machine and installs it.

pub mod languages;
mod needs;
mod tools;

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use nix::unistd::geteuid;

use crate::{
    command::{find, program, read, show_and_run, shown},
    toolchain::Toolchain,
};
use needs::{Install, Need};

/// Finds what is missing on this machine and installs it.
///
/// Prints every command before it runs it, and runs none when nothing is missing. System packages
/// come from apt and need root; without root the command to run is printed. Everything else goes
/// below target/tools.
#[derive(Args)]
pub struct Options {
    /// What the machine shall be able to do
    #[arg(long = "for", value_name = "PURPOSE", default_value = "test")]
    pub purpose: Purpose,
}

/// What a machine is set up for. Each includes the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Purpose {
    /// Build and run Weir: compilers for BPF and Wasm, node, those of bundled scripts
    Run,
    /// Also run every check: QEMU, a browser, cargo-deny, compilers of every language
    Test,
}

/// Installs what `purpose` needs and is not there.
pub fn install(purpose: Purpose) -> Result<()> {
    let toolchain = match Toolchain::installed() {
        Some(toolchain) => toolchain,
        None => choose()?,
    };
    let missing = missing(toolchain, purpose);
    if missing.is_empty() {
        eprintln!("nothing is missing; BPF and Wasm come from {toolchain}");
        return Ok(());
    }
    eprintln!("BPF and Wasm come from {toolchain}; missing here:");
    for need in &missing {
        eprintln!("  {:<24} {}", need.name, need.reason);
    }

    install_packages(&missing)?;
    for need in &missing {
        if let Install::Command(command) = &need.install {
            show_and_run(&mut command()?)?;
        }
    }
    let left: Vec<&str> = self::missing(toolchain, purpose).iter().map(|need| need.name).collect();
    if !left.is_empty() {
        bail!("still missing after the installation: {}", left.join(", "));
    }
    Ok(())
}

fn missing(toolchain: Toolchain, purpose: Purpose) -> Vec<Need> {
    needs::all(toolchain)
        .into_iter()
        .filter(|need| need.purpose <= purpose && !(need.found)())
        .collect()
}

/// With neither toolchain complete: Debian's if apt offers all of it, else rustup's.
fn choose() -> Result<Toolchain> {
    if find(&["apt-get"]).is_some() {
        update_lists()?;
        if needs::debian().iter().all(|need| apt_offers(need.name)) {
            return Ok(Toolchain::Debian);
        }
    }
    if find(&["rustup"]).is_some() {
        return Ok(Toolchain::Rustup);
    }
    bail!(
        "no compiler for BPF and Wasm can be had: install rustup (https://rustup.rs), \
         or use Debian 12 or later with its security suite"
    )
}

/// Whether apt knows a version of the package that it could install.
fn apt_offers(package: &str) -> bool {
    read(program("apt-cache").args(["policy", package]))
        .is_ok_and(|text| text.contains("Candidate:") && !text.contains("Candidate: (none)"))
}

fn install_packages(missing: &[Need]) -> Result<()> {
    let packages: Vec<&str> = missing
        .iter()
        .filter(|need| matches!(need.install, Install::Package))
        .map(|need| need.name)
        .collect();
    if packages.is_empty() {
        return Ok(());
    }
    let mut install = program("apt-get");
    install
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "-y", "-q", "--no-install-recommends"])
        .args(["-o", "Dpkg::Use-Pty=0"])
        .args(&packages);
    if find(&["apt-get"]).is_none() {
        bail!("this is no Debian-like system: install what is named above by other means");
    }
    if !geteuid().is_root() {
        eprintln!("run this, then `cargo xtask setup` again:");
        eprintln!("  sudo apt-get update && sudo {}", shown(&install));
        bail!("installing packages needs root");
    }
    update_lists()?;
    show_and_run(&mut install)
}

/// `apt-get update`, once: lists may be missing, or older than what the archive still has.
fn update_lists() -> Result<()> {
    static DONE: AtomicBool = AtomicBool::new(false);
    if geteuid().is_root() && !DONE.swap(true, Ordering::Relaxed) {
        show_and_run(program("apt-get").args(["update", "-q"]))?;
    }
    Ok(())
}
