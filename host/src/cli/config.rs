//! `weir config`: the configuration in force, and what is wrong with a file.

mod effective;
mod example;
mod file;
mod options;
mod problem;
mod show;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::{Args, Command};

use super::{pipelines, run::Run};
use crate::pipeline::Settings;

pub use effective::Effective;
pub use file::{File, Pipeline};

/// Print the configuration that `weir run` would have with the same options, and where each value came
/// from.
///
/// It is printed as TOML, which is a configuration file again.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    weir config                           what `weir run` would run with\n  \
    weir config --payload 64 > weir.toml  a file to start from\n  \
    weir config --check weir.toml         what is wrong with a file\n  \
    weir config --example                 every option, explained\n\n\
    Values come from the command line, else from the environment, else from the file, else they are\n\
    the default. The file is that of --config, else DATA_DIR/weir.toml, else /etc/weir/weir.toml.")]
pub struct Config {
    /// Say what is wrong with this file, and print nothing else.
    #[arg(long, value_name = "FILE", conflicts_with = "example")]
    check: Option<PathBuf>,
    /// Print an example file with every option and its default.
    #[arg(long)]
    example: bool,
    #[command(flatten)]
    run: Run,
}

/// What a file says beside the options.
#[derive(Debug, Default)]
pub struct Definitions {
    /// The file.
    pub from: Option<PathBuf>,
    /// Of scripts, by name.
    pub settings: BTreeMap<String, Settings>,
    /// The pipelines, in order.
    pub pipelines: Vec<Pipeline>,
    /// Whether the command line has pipelines in the place of the file's.
    pub replaced: bool,
}

impl Definitions {
    /// Those of what is in force.
    pub fn of(effective: Effective) -> Self {
        let replaced = effective.replaced;
        effective.file.map(|file| Self { replaced, ..file.into() }).unwrap_or_default()
    }
}

impl From<File> for Definitions {
    fn from(file: File) -> Self {
        let settings = file.scripts.into_iter().map(|(name, (settings, _))| (name, settings));
        Self {
            from: Some(file.path),
            settings: settings.collect(),
            pipelines: file.pipelines,
            replaced: false,
        }
    }
}

impl Config {
    /// Prints what is in force with the command line that `command` reads.
    pub fn run(self, command: Command, args: Vec<OsString>) -> anyhow::Result<()> {
        if let Some(path) = self.check {
            return check(&path);
        }
        if self.example {
            return print(&example::text());
        }
        let effective = Effective::new(command, args)?;
        let text = if self.run.json {
            format!("{:#}\n", show::json(&effective))
        } else {
            show::toml(&effective)
        };
        print(&text)
    }
}

/// Reads a file and all that its pipelines name.
fn check(path: &Path) -> anyhow::Result<()> {
    let file = File::read(path)?;
    let of = |name: &str| {
        let values = file.options.iter().filter(move |setting| setting.name == name);
        values.flat_map(|setting| setting.values.clone()).collect::<Vec<_>>()
    };
    let (scripts, expressions, options) = (of("script"), of("expression"), file.options.len());
    let specs = pipelines::specs(&scripts, &expressions, &file.into());
    let specs = specs.with_context(|| path.display().to_string())?;
    let mut names = std::collections::BTreeSet::new();
    for spec in &specs {
        if !names.insert(&spec.name) {
            bail!("{}: pipeline `{}` is there twice", path.display(), spec.name);
        }
    }
    print(&format!("{}: {options} options, {} pipelines\n", path.display(), specs.len()))
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().lock().write_all(text.as_bytes()).context("cannot write to stdout")
}
