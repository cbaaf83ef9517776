//! `cargo xtask build`: every part for its own target. The host comes last, because it embeds what
//! the others leave in `target/weir.bpf.o`, `target/scripts/` and `web/dist/`.

mod page;
mod programs;
mod scripts;

use anyhow::Result;

use crate::{
    command::{cargo, run},
    report::timed,
    toolchain::Toolchain,
    workspace::root,
};

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
