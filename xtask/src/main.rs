//! The project's own tool, `cargo xtask …`: it installs what is missing, builds every part for its
//! own target, and checks all of it. `cargo xtask help` lists the commands.
#![forbid(unsafe_code)]

mod build;
mod command;
mod lint;
mod report;
mod run;
mod setup;
mod test;
mod toolchain;
mod vm;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Sets up, builds, runs and tests Weir.
///
/// Weir has parts for four targets: kernel programs (BPF), scripts (Wasm), the page (JavaScript) and
/// the host (this machine), which embeds the other three. `cargo build` alone knows only the host;
/// these commands know the rest.
///
/// New here? `cargo xtask run` installs what is missing, builds everything and starts a demo.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find what is missing on this machine and install it
    Setup(setup::Options),
    /// Build kernel programs, scripts, page and host, in this order
    Build,
    /// Set up, build, then start Weir with demo traffic to watch
    Run(run::Options),
    /// Set up, build, then run every check there is
    Test(test::Options),
    /// Run the host's kernel tests in QEMU under Debian's kernels
    Vm(vm::Options),
    /// Check format, lints and dependencies
    Lint,
}

fn main() -> ExitCode {
    match perform(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<()> {
    match task {
        Task::Setup(options) => setup::install(options.purpose),
        Task::Build => build::all(),
        Task::Run(options) => run::demo(&options),
        Task::Test(options) => test::everything(&options),
        Task::Vm(options) => {
            build::all()?;
            vm::check(&options)
        }
        Task::Lint => lint::alone(),
    }
}
