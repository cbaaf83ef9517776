//! The project's own tool, `cargo xtask …`: it installs what is missing, builds every part for its
//! own target, and checks all of it. `cargo xtask help` lists the commands.
#![forbid(unsafe_code)]

mod bench;
mod build;
mod command;
mod compat;
mod generate;
mod lint;
mod readme;
mod report;
mod run;
mod setup;
mod test;
mod toolchain;
mod traced;
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
    // What has options describes itself there.
    Setup(setup::Options),
    Build(build::Options),
    Run(run::Options),
    Test(test::Options),
    Vm(vm::Options),
    Bench(bench::Options),
    #[command(name = "gen")]
    Generate(generate::Options),
    /// Checks format, lints and dependencies.
    ///
    /// rustfmt for all packages; clippy for each part, as if for its own target where the toolchain
    /// can; cargo-deny by the rules of deny.toml. `test` includes this.
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
        Task::Build(options) => build::build(&options),
        Task::Run(options) => run::demo(&options),
        Task::Test(options) => test::everything(&options),
        Task::Vm(options) => {
            build::all()?;
            vm::check(&options)
        }
        Task::Bench(options) => bench::measure(&options),
        Task::Generate(options) => generate::generate(&options),
        Task::Lint => lint::alone(),
    }
}
