//! What is in force, and where each of it came from: command line, environment, file, default.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::bail;
use clap::{Arg, ArgMatches, Command, parser::ValueSource};

use super::{
    file::File,
    options::{Options, tokens},
};
use crate::cli::data_dir;

/// The file of the whole machine.
const SYSTEM: &str = "/etc/weir/weir.toml";
/// The file's name in a data folder.
const NAME: &str = "weir.toml";
/// Options that say what pipelines there are.
const PIPELINES: [&str; 2] = ["script", "expression"];

/// What is in force.
pub struct Effective {
    /// The command line, with what the file adds to it.
    pub matches: ArgMatches,
    /// The file, if there is one. Its pipelines are gone where the command line has some.
    pub file: Option<File>,
    /// Where a file is looked for that nobody named.
    pub places: [PathBuf; 2],
    /// The options in the order of the help.
    pub options: Vec<EffectiveOption>,
    /// Whether the command line has pipelines in the place of the file's.
    pub replaced: bool,
}

/// One option.
pub struct EffectiveOption {
    /// The option.
    pub arg: Arg,
    /// Its values, as on the command line.
    pub values: Vec<String>,
    /// Where they came from.
    pub source: Source,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    CommandLine,
    /// This environment variable.
    Environment(String),
    /// This file, in this line.
    File(PathBuf, usize),
    /// Nobody said anything else.
    Default,
    /// There is no default either.
    Unset,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CommandLine => f.write_str("command line"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
            Self::Unset => f.write_str("not set"),
        }
    }
}

impl Effective {
    /// Finds the file, and puts its options behind those of the command line, which `command` reads and
    /// which names a subcommand with the options of `weir run`.
    pub fn new(command: Command, mut args: Vec<OsString>) -> anyhow::Result<Self> {
        let first = command.clone().get_matches_from(&args);
        let (_, given) = first.subcommand().expect("a command is required");
        let mut file = match given.get_one::<PathBuf>("config") {
            Some(path) => Some(File::read(path)?),
            None => find(given)?.map(|path| File::read(&path)).transpose()?,
        };
        let options = Options::new();
        let said = |arg: &Arg| {
            let source = given.value_source(arg.get_id().as_str());
            source.filter(|source| *source != ValueSource::DefaultValue)
        };
        let on_command_line =
            |name: &&str| options.find(name).and_then(said) == Some(ValueSource::CommandLine);
        let replaced =
            file.as_ref().is_some_and(File::has_pipelines) && PIPELINES.iter().any(on_command_line);
        if let Some(file) = file.as_mut().filter(|_| replaced) {
            file.pipelines.clear();
            file.options.retain(|setting| !PIPELINES.contains(&setting.name.as_str()));
        }
        let mut effective = Vec::new();
        for arg in options.all() {
            let set = file.iter().flat_map(|file| file.options.iter().map(move |one| (file, one)));
            let set = set.rev().find(|(_, one)| arg.get_long() == Some(&one.name));
            let source = match (said(arg), set) {
                (Some(ValueSource::EnvVariable), _) => {
                    let name = arg.get_env().unwrap_or_default().to_string_lossy();
                    Source::Environment(name.into_owned())
                }
                (Some(_), _) => Source::CommandLine,
                (None, Some((file, setting))) => {
                    args.extend(tokens(arg, &setting.values).into_iter().map(OsString::from));
                    Source::File(file.path.clone(), setting.line)
                }
                (None, None) => Source::Default,
            };
            effective.push(EffectiveOption { arg: arg.clone(), values: Vec::new(), source });
        }
        let matches = command.get_matches_from(args);
        let (_, all) = matches.subcommand().expect("a command is required");
        for option in &mut effective {
            let values = all.get_raw(option.arg.get_id().as_str()).into_iter().flatten();
            option.values = values.map(|value| value.to_string_lossy().into_owned()).collect();
            if option.values.is_empty() && option.source == Source::Default {
                option.source = Source::Unset;
            }
        }
        let places = places(given.get_one("data_dir"));
        Ok(Self { matches, file, places, options: effective, replaced })
    }
}

impl File {
    fn has_pipelines(&self) -> bool {
        let named = |name: &str| PIPELINES.contains(&name);
        !self.pipelines.is_empty() || self.options.iter().any(|setting| named(&setting.name))
    }
}

/// The places where a file is looked for.
fn places(data_dir: Option<&PathBuf>) -> [PathBuf; 2] {
    let folder = data_dir.cloned().unwrap_or_else(data_dir::default);
    [folder.join(NAME), SYSTEM.into()]
}

/// The first file that there is.
fn find(given: &ArgMatches) -> anyhow::Result<Option<PathBuf>> {
    for path in places(given.get_one("data_dir")) {
        // What cannot be looked at is no file of this user's.
        if let Ok(found) = fs::metadata(&path) {
            trusted(&path, &found)?;
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// A file that nobody named must not be another user's: it says what is loaded, and where files are
/// written.
fn trusted(path: &Path, found: &fs::Metadata) -> anyhow::Result<()> {
    let own = [0, rustix::process::geteuid().as_raw()].contains(&found.uid());
    if !own || found.mode() & 0o022 != 0 {
        bail!(
            "{} is not taken, since other users can write to it: chown it and chmod go-w, or name a \
             file with --config",
            path.display()
        );
    }
    Ok(())
}
