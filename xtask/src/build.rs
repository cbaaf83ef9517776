//! `cargo xtask build`: every part for its own target. The host comes last, because it embeds what
//! the others leave in `target/weir.bpf.o`, `target/scripts/` and `web/dist/`.

pub mod languages;
mod page;
mod programs;
mod projects;
mod scripts;
mod tutorial;

use anyhow::Result;
use clap::Args;

use crate::{
    command::{cargo, run},
    report::timed,
    toolchain::Toolchain,
    workspace::root,
};

/// Builds kernel programs, scripts, page and host.
///
/// The first three come out as target/weir.bpf.o, target/scripts/*.wasm and web/dist, which the
/// host, target/release/weir, embeds. What is up to date is not built again.
#[derive(Args)]
pub struct Options {
    /// Build what only tests need, and nothing else: scripts in Go, JavaScript and Python
    /// (target/scripts-large), guests of the conformance suite (target/conformance), the
    /// projects that target/release/weir makes (target/new), and the tutorial's (target/tutorial)
    #[arg(long)]
    pub for_tests: bool,
}

/// Builds what is asked for.
pub fn build(options: &Options) -> Result<()> {
    if options.for_tests { for_tests() } else { all() }
}

/// Builds all parts. What is up to date costs a look.
pub fn all() -> Result<()> {
    let toolchain = Toolchain::needed()?;
    timed("kernel programs", || programs::build(toolchain))?;
    timed("scripts", || scripts::build(toolchain))?;
    if root().join("web/package.json").is_file() {
        timed("page", page::build)?;
    }
    timed("host", || run(cargo().args(["build", "--release", "--package", "weir"])))
}

/// Builds what only tests need: scripts with a runtime in them, and guests of the conformance suite.
pub fn for_tests() -> Result<()> {
    let toolchain = Toolchain::needed()?;
    timed("scripts for tests", || scripts::build_for_tests(toolchain))?;
    timed("projects of weir new", || projects::build(toolchain))?;
    timed("scripts of the tutorial", || tutorial::build(toolchain))
}

/// Builds what only benchmarks need: a filter in each language.
pub fn for_bench() -> Result<()> {
    timed("filters for benchmarks", || scripts::build_for_bench(Toolchain::needed()?))
}
