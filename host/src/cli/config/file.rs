//! A configuration file: options of `weir run`, and what is said of scripts and pipelines.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    options::{Options, article, below, number},
    problem::{Problem, Problems},
};
use crate::{
    cli::limits,
    expression::{PARAM, SCRIPT, did_you_mean},
    pipeline::{Settings, check_name},
};

/// Tables of a file that are no options.
const TABLES: [&str; 2] = ["script", "pipeline"];
/// Keys of `[script.NAME]`.
const SCRIPT_KEYS: [&str; 4] = ["module", "expression", "params", "limits"];

/// What a file says.
#[derive(Debug, Default)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// The options, in the order of the file.
    pub options: Vec<Setting>,
    /// What is said of scripts, by name, and in which line that begins.
    pub scripts: BTreeMap<String, (Settings, usize)>,
    /// The pipelines, in the order of the file.
    pub pipelines: Vec<Pipeline>,
}

/// An option that a file sets.
#[derive(Debug)]
pub struct Setting {
    /// Its long name.
    pub name: String,
    /// Its values, as on the command line.
    pub values: Vec<String>,
    /// The line, from 1.
    pub line: usize,
}

/// `[pipeline.NAME]`.
#[derive(Debug)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// Its scripts, as between the bars of `-s`.
    pub scripts: Vec<String>,
    /// The line, from 1.
    pub line: usize,
}

type Entries<'a, 'i> = Vec<(&'a str, usize, &'a Spanned<DeValue<'i>>)>;

impl File {
    /// Reads a file. The error names all that is wrong with it.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
        Ok(Self::parse(path, &text)?)
    }

    /// Reads the text of a file that lies at `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Problems> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut reading = Reading {
            file: Self { path: path.to_owned(), ..Self::default() },
            folder: path.parent().unwrap_or(Path::new("")),
            text,
            problems: Vec::new(),
        };
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            reading.problem(reading.line(at), error.message());
        }
        if reading.problems.is_empty() {
            reading.file(table.get_ref());
        }
        let Reading { file, mut problems, .. } = reading;
        problems.sort_by_key(|problem| problem.line);
        if problems.is_empty() { Ok(file) } else { Err(Problems(problems)) }
    }
}

/// A file that is being read.
struct Reading<'a> {
    file: File,
    folder: &'a Path,
    text: &'a str,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn problem(&mut self, line: usize, what: impl Into<String>) {
        self.problems.push(Problem { path: self.file.path.clone(), line, what: what.into() });
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|&byte| byte == b'\n').count()
    }

    /// The entries of a table in the order of the file, with their lines.
    fn entries<'t, 'i>(&self, table: &'t DeTable<'i>) -> Entries<'t, 'i> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let line = |key: &Spanned<_>| self.line(key.span().start);
        entries.into_iter().map(|(key, value)| (key.get_ref().as_ref(), line(key), value)).collect()
    }

    fn file(&mut self, table: &DeTable<'_>) {
        let options = Options::new();
        for (key, line, value) in self.entries(table) {
            match (key, value.get_ref()) {
                ("script", DeValue::Table(scripts)) => self.scripts(scripts),
                ("pipeline", DeValue::Table(pipelines)) => self.pipelines(pipelines),
                ("pipeline", other) => {
                    let what = format!(
                        "`pipeline` is {}: write [pipeline.NAME], or script = [\"a | b\"]",
                        article(other)
                    );
                    self.problem(line, what);
                }
                (key, value) => self.option(&options, key, line, value),
            }
        }
    }

    fn option(&mut self, options: &Options, key: &str, line: usize, value: &DeValue<'_>) {
        let Some(arg) = options.find(key) else {
            let names = options.all().filter_map(|arg| arg.get_long()).chain(TABLES);
            let like = did_you_mean(&key.replace('_', "-"), names);
            return self.problem(line, format!("there is no option `{key}`{like}"));
        };
        match options.read(arg, value, self.folder) {
            Ok(mut values) => {
                if key == "script" {
                    values = values.iter().map(|text| rebase(text, self.folder)).collect();
                }
                self.file.options.push(Setting { name: key.to_owned(), values, line });
            }
            Err(what) => self.problem(line, format!("option `{key}`: {what}")),
        }
    }

    fn scripts(&mut self, scripts: &DeTable<'_>) {
        for (name, line, value) in self.entries(scripts) {
            if let Err(error) = check_name(name) {
                self.problem(line, error.to_string());
            }
            let DeValue::Table(table) = value.get_ref() else {
                self.problem(line, format!("script `{name}`: write [script.{name}]"));
                continue;
            };
            let settings = self.script(name, table);
            self.file.scripts.insert(name.to_owned(), (settings, line));
        }
    }

    fn script(&mut self, name: &str, table: &DeTable<'_>) -> Settings {
        let mut settings = Settings::default();
        for (key, line, value) in self.entries(table) {
            match (key, value.get_ref()) {
                ("module", DeValue::String(module)) => {
                    settings.module = Some(rebase(module, self.folder));
                }
                ("expression", DeValue::String(text)) => {
                    // Which column is meant is seen from the second line of the message.
                    if let Err(error) = crate::expression::compile(text) {
                        self.problem(line, format!("script `{name}`, expression: {error}"));
                    }
                    settings.module = Some(SCRIPT.to_owned());
                    settings.params.insert(PARAM.to_owned(), text.clone().into_owned());
                }
                ("params", DeValue::Table(params)) => self.params(name, params, &mut settings),
                ("limits", DeValue::Table(limits)) => self.limits(name, limits, &mut settings),
                (key, value) if SCRIPT_KEYS.contains(&key) => {
                    let needed = match key {
                        "module" => "the name of a bundled script or a path, in quotes",
                        "expression" => "a text in quotes",
                        _ => "a table",
                    };
                    let what =
                        format!("script `{name}`: `{key}` is {needed}, not {}", article(value));
                    self.problem(line, what);
                }
                (key, _) => {
                    let like = did_you_mean(key, SCRIPT_KEYS.into_iter());
                    let what = format!(
                        "script `{name}`: there is no `{key}`{like} (there are {})",
                        SCRIPT_KEYS.join(", ")
                    );
                    self.problem(line, what);
                }
            }
        }
        if table.contains_key("module") && table.contains_key("expression") {
            let line = self.entries(table).first().map_or(1, |(_, line, _)| *line);
            self.problem(
                line,
                format!("script `{name}`: it is a module or an expression, not both"),
            );
        }
        settings
    }

    fn params(&mut self, script: &str, params: &DeTable<'_>, settings: &mut Settings) {
        for (key, line, value) in self.entries(params) {
            match text(value.get_ref()) {
                Ok(value) => {
                    settings.params.insert(key.to_owned(), value);
                }
                Err(what) => {
                    self.problem(line, format!("script `{script}`, parameter `{key}`: {what}"))
                }
            }
        }
    }

    fn limits(&mut self, script: &str, limits: &DeTable<'_>, settings: &mut Settings) {
        for (key, line, value) in self.entries(limits) {
            let limit = text(value.get_ref()).and_then(|value| limits::read(key, &value));
            match limit {
                Ok(limit) => settings.limits = limit.or(settings.limits),
                Err(what) => self.problem(line, format!("script `{script}`: {what}")),
            }
        }
    }

    fn pipelines(&mut self, pipelines: &DeTable<'_>) {
        for (name, line, value) in self.entries(pipelines) {
            if let Err(error) = check_name(name) {
                self.problem(line, error.to_string());
            }
            let folder = self.folder;
            let scripts = value.get_ref().as_table().and_then(|table| {
                let only = table.len() == 1;
                let list = table.get("scripts").filter(|_| only)?.get_ref().as_array()?;
                let texts = list.iter().map(|script| script.get_ref().as_str());
                texts.map(|text| text.map(|text| rebase(text, folder))).collect::<Option<Vec<_>>>()
            });
            match scripts {
                Some(scripts) => {
                    self.file.pipelines.push(Pipeline { name: name.to_owned(), scripts, line });
                }
                None => self.problem(
                    line,
                    format!(
                        "pipeline `{name}`: write [pipeline.{name}], and below it \
                         scripts = [\"first\", \"second\"] and nothing else"
                    ),
                ),
            }
        }
    }
}

/// A parameter's or a limit's value as a text.
fn text(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.clone().into_owned()),
        DeValue::Integer(_) => number(value),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(on) => Ok(on.to_string()),
        DeValue::Array(list) => {
            let texts = list.iter().map(|one| text(one.get_ref()));
            Ok(texts.collect::<Result<Vec<_>, _>>()?.join(","))
        }
        value => Err(format!(
            "it takes a text, a number, true or false, or a list, not {}",
            article(value)
        )),
    }
}

/// A pipeline, or a part of one, with its paths as seen from a folder.
fn rebase(text: &str, folder: &Path) -> String {
    let parts = text.split('|').map(|part| {
        let (source, query) = match part.split_once('?') {
            Some((source, query)) => (source, format!("?{}", query.trim_end())),
            None => (part, String::new()),
        };
        let (name, path) = match source.split_once('=') {
            Some((name, path)) => (format!("{}=", name.trim()), path.trim()),
            None => (String::new(), source.trim()),
        };
        let path = if path.ends_with(".wasm") { below(folder, path) } else { path.to_owned() };
        format!("{name}{path}{query}")
    });
    parts.collect::<Vec<_>>().join(" | ")
}
