//! `weir new`: a project for a script, in one of eight languages. It needs no checkout of Weir: the SDK of its
//! language is written into it.

mod language;
mod project;

use std::path::PathBuf;

use clap::Args;

use language::Language;

/// Make a project for a script, which builds with its language's own tools.
#[derive(Args)]
pub struct New {
    /// Name of the script and of the folder that is made: a-z, 0-9, - and _, a letter first
    name: String,
    /// The language
    #[arg(long, value_enum, default_value = "rust")]
    lang: Language,
}

impl New {
    pub fn run(self) -> anyhow::Result<()> {
        let folder = PathBuf::from(&self.name);
        project::make(&folder, &self.name, self.lang)?;
        let Self { name, .. } = &self;
        println!("made {name}/: its README.md says how to build it. Then:\n");
        println!("  sudo weir run -s {name}/{name}.wasm");
        Ok(())
    }
}
