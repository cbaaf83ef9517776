//! `weir compile`: what `weir run` starts to compile a module.

use anyhow::anyhow;
use clap::Args;

use super::privilege;
use crate::script::serve_compiler;

/// Compile a module from standard input to native code on standard output, under limits.
#[derive(Args)]
#[command(hide = true)]
pub struct Compile {
    form: String,
    seconds: u64,
    memory_bytes: u64,
}

impl Compile {
    /// Gives up all privileges, and compiles.
    pub fn run(self) -> anyhow::Result<()> {
        privilege::drop_everything()?;
        let Self { form, seconds, memory_bytes } = self;
        serve_compiler(&form, seconds, memory_bytes).map_err(|error| anyhow!(error))
    }
}
