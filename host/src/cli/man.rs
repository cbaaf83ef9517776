//! `weir man`: the manual, one page a command.

use std::{fs, path::PathBuf};

use anyhow::Context;
use clap::{Args, Command};

/// Write the manual pages into a folder: weir(1), and one for each command.
#[derive(Args)]
#[command(after_help = "Example:\n  \
    weir man /usr/local/share/man/man1 && man weir-run")]
pub struct Man {
    /// The folder; it is made if need be.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Man {
    /// Writes those of this command line.
    pub fn run(self, command: Command) -> anyhow::Result<()> {
        let folder = &self.folder;
        let context = || format!("cannot write the manual pages into {}", folder.display());
        fs::create_dir_all(folder).with_context(context)?;
        clap_mangen::generate_to(command, folder).with_context(context)?;
        println!("wrote the manual into {}: man -l {0}/weir.1", folder.display());
        Ok(())
    }
}
