//! The options that a file can set: those of `weir run`, as clap knows them.

use std::{
    any::TypeId,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction, Args, Command, error::ErrorKind};
use toml::de::DeValue;

use crate::cli::run::Run;

/// Options that say where the file is, or how one run is shown.
const NOT_IN_FILES: [&str; 2] = ["config", "json"];

/// The options of `weir run`.
pub struct Options(Command);

/// What a value is in TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number, or a text that stands for one: `"64MiB"`.
    Number,
    /// A path; a relative one is seen from the file's folder.
    Path,
    /// Any other text.
    Text,
}

impl Options {
    /// All of them.
    pub fn new() -> Self {
        let mut command = Run::augment_args(Command::new("weir").disable_help_flag(true));
        command.build();
        Self(command)
    }

    /// Those that a file can set, in the order of the help.
    pub fn all(&self) -> impl Iterator<Item = &Arg> {
        let known = |arg: &&Arg| arg.get_long().is_some_and(|long| !NOT_IN_FILES.contains(&long));
        self.0.get_arguments().filter(known)
    }

    /// The option of that name.
    pub fn find(&self, name: &str) -> Option<&Arg> {
        self.all().find(|arg| arg.get_long() == Some(name))
    }

    /// What a value in a file is on the command line: the texts behind the option's name, or none for
    /// a flag that is off.
    pub fn read(
        &self,
        arg: &Arg,
        value: &DeValue<'_>,
        folder: &Path,
    ) -> Result<Vec<String>, String> {
        let values = match value {
            DeValue::Array(list) if many(arg) => list
                .iter()
                .map(|value| one(arg, value.get_ref(), folder))
                .collect::<Result<Vec<_>, _>>()?,
            value => vec![one(arg, value, folder)?],
        };
        self.check(arg, &values)?;
        Ok(values)
    }

    /// What clap has against the values of one option.
    fn check(&self, arg: &Arg, values: &[String]) -> Result<(), String> {
        let tokens = tokens(arg, values);
        let all = std::iter::once("weir".to_owned()).chain(tokens);
        let Err(error) = self.0.clone().try_get_matches_from(all) else { return Ok(()) };
        match error.kind() {
            // What goes together is seen when all is together.
            ErrorKind::MissingRequiredArgument | ErrorKind::ArgumentConflict => Ok(()),
            _ => Err(plain(&error)),
        }
    }
}

/// The words of a command line that set an option.
pub fn tokens(arg: &Arg, values: &[String]) -> Vec<String> {
    let long = arg.get_long().unwrap_or_default();
    match kind(arg) {
        Kind::Flag if values == ["true"] => vec![format!("--{long}")],
        Kind::Flag => Vec::new(),
        _ => values.iter().map(|value| format!("--{long}={value}")).collect(),
    }
}

/// Whether the option may be given several times.
pub fn many(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// What its value is in TOML.
pub fn kind(arg: &Arg) -> Kind {
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return Kind::Flag;
    }
    let is = |id: TypeId| arg.get_value_parser().type_id() == id;
    let numbers = [
        TypeId::of::<u8>(),
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<usize>(),
        TypeId::of::<i64>(),
    ];
    if numbers.into_iter().any(is) {
        Kind::Number
    } else if is(TypeId::of::<PathBuf>()) {
        Kind::Path
    } else {
        Kind::Text
    }
}

fn one(arg: &Arg, value: &DeValue<'_>, folder: &Path) -> Result<String, String> {
    match (kind(arg), value) {
        (Kind::Flag, DeValue::Boolean(on)) => Ok(on.to_string()),
        (Kind::Number, DeValue::Integer(_)) => number(value),
        (Kind::Number | Kind::Text, DeValue::String(text)) => Ok(text.clone().into_owned()),
        (Kind::Path, DeValue::String(path)) => Ok(below(folder, path)),
        (kind, value) => {
            let list = if many(arg) { " or a list of such" } else { "" };
            let needed = match kind {
                Kind::Flag => "true or false",
                Kind::Number => "a whole number",
                Kind::Path => "a path in quotes",
                Kind::Text => "a text in quotes",
            };
            Err(format!("it takes {needed}{list}, not {}", article(value)))
        }
    }
}

/// A whole number of TOML in decimal.
pub fn number(value: &DeValue<'_>) -> Result<String, String> {
    let number = value.as_integer().expect("the caller looked");
    i64::from_str_radix(number.as_str(), number.radix())
        .map(|number| number.to_string())
        .map_err(|_| format!("{} is too large a number", number.as_str()))
}

/// What a value is, in words.
pub fn article(value: &DeValue<'_>) -> String {
    let kind = value.type_str();
    match kind.as_bytes().first() {
        Some(b'a' | b'e' | b'i' | b'o' | b'u') => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

/// A path as seen from a folder.
pub fn below(folder: &Path, path: &str) -> String {
    folder.join(path).to_string_lossy().into_owned()
}

/// What clap says, in one line, without how the command line is written.
fn plain(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).take_while(|line| {
        !line.starts_with("Usage:") && !line.starts_with("For more information")
    });
    let line = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}
