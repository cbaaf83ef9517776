//! `weir script`: the scripts of a running host.

mod list;
mod load;
mod logs;
mod params;

use std::{io::Write, path::PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

pub use self::list::bytes;
use super::client::{Client, Host};

/// List, load, swap, set and unload the scripts of a running host.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    weir script ls\n  \
    weir script load mine.wasm -p min=10ms      a pipeline of its own, `mine`\n  \
    weir script load mine.wasm --pipeline all   at the end of a pipeline\n  \
    weir script swap mine.wasm                  the new version takes over; no event is lost\n  \
    weir script params e1 expression='error == \"EPIPE\" | count by process.comm'\n  \
    weir script logs mine --follow\n\n\
    Changes need the token of the host: that in its data folder, which only the user who runs it can\n\
    read, or WEIR_TOKEN.")]
pub struct Script {
    #[command(flatten)]
    host: Host,
    /// Print what the host answers, as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// The scripts, what they did and what they cost.
    Ls,
    /// Load a module under a new name.
    Load(Load),
    /// Put a new version in the place of a script, between two batches.
    Swap(Swap),
    /// Unload a script; a pipeline that is empty then goes as well.
    Rm {
        /// The script.
        name: String,
    },
    /// The last lines of a script's log.
    Logs {
        /// The script.
        name: String,
        /// Go on with new lines as they come.
        #[arg(short, long)]
        follow: bool,
        /// So many lines at most.
        #[arg(short = 'n', long, value_name = "N")]
        limit: Option<usize>,
    },
    /// A script's parameters; with NAME=VALUE they are set, while it runs.
    Params {
        /// The script.
        name: String,
        /// What to set: NAME=VALUE, or NAME alone for its default.
        #[arg(value_name = "NAME=VALUE")]
        set: Vec<String>,
    },
    /// Turn a script on, also out of quarantine, with a fresh instance.
    Enable {
        /// The script.
        name: String,
    },
    /// Turn a script off: events pass it by.
    Disable {
        /// The script.
        name: String,
    },
    /// Put the scripts of a pipeline into another order.
    Order {
        /// The pipeline.
        pipeline: String,
        /// All its scripts, first to last.
        #[arg(required = true)]
        scripts: Vec<String>,
    },
}

#[derive(Args)]
struct Load {
    /// The module; NAME=FILE loads it under another name than the file's.
    #[arg(value_name = "FILE")]
    module: String,
    /// The pipeline to append it to, instead of one of its own.
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    /// A parameter.
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
}

#[derive(Args)]
struct Swap {
    /// The new version; NAME=FILE for a script of another name than the file's.
    #[arg(value_name = "FILE")]
    module: String,
    /// A parameter; without any, those of the version before stay.
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
}

impl Script {
    /// Asks the host, and prints.
    pub fn run(self) -> anyhow::Result<()> {
        let Self { host, json, action } = self;
        let client = Client::new(host)?;
        let answer = match action {
            Action::Ls => client.get("scripts")?,
            Action::Load(load) => {
                load::load(&client, &load.module, load.pipeline.as_deref(), &load.params)?
            }
            Action::Swap(swap) => load::swap(&client, &swap.module, &swap.params)?,
            Action::Rm { name } => {
                client.change("DELETE", &address(&name)?, &[])?;
                return print(json, &json!({ "unloaded": name }), || {
                    format!("{name} is unloaded\n")
                });
            }
            Action::Logs { name, follow, limit } => {
                return logs::logs(&client, &address(&name)?, json, follow, limit);
            }
            Action::Params { name, set } => {
                let script = if set.is_empty() {
                    client.get(&address(&name)?)?
                } else {
                    params::set(&client, &address(&name)?, &set)?
                };
                return print(json, &script["params"], || params::table(&script));
            }
            Action::Enable { name } => turn(&client, &name, true)?,
            Action::Disable { name } => turn(&client, &name, false)?,
            Action::Order { pipeline, scripts } => {
                let body = json!({ "scripts": scripts }).to_string();
                let path = format!("pipelines/{}", plain(&pipeline)?);
                let info = client.change("PATCH", &path, body.as_bytes())?.body;
                return print(json, &info, || format!("{pipeline}: {}\n", scripts.join(" | ")));
            }
        };
        print(json, &answer, || list::table(&answer))
    }
}

fn turn(client: &Client, name: &str, on: bool) -> anyhow::Result<Value> {
    let body = json!({ "enabled": on }).to_string();
    Ok(client.change("PATCH", &address(name)?, body.as_bytes())?.body)
}

/// The address of a script.
fn address(name: &str) -> anyhow::Result<String> {
    Ok(format!("scripts/{}", plain(name)?))
}

/// A name that can stand in an address.
fn plain(name: &str) -> anyhow::Result<&str> {
    crate::pipeline::check_name(name)?;
    Ok(name)
}

fn print(json: bool, answer: &Value, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    let text = if json { format!("{answer:#}\n") } else { text() };
    std::io::stdout().lock().write_all(text.as_bytes()).context("cannot write to stdout")
}

/// `NAME=VALUE`.
pub fn pair(text: &str) -> anyhow::Result<(&str, &str)> {
    text.split_once('=').with_context(|| format!("`{text}` has no value: write {text}=VALUE"))
}

/// A module as the user names it: `FILE` or `NAME=FILE`, and the name it goes by.
fn named(text: &str) -> anyhow::Result<(String, PathBuf)> {
    let (name, path) = match text.split_once('=') {
        Some((name, path)) => (Some(name.to_owned()), PathBuf::from(path)),
        None => (None, PathBuf::from(text)),
    };
    let stem = || path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = name.or_else(stem).with_context(|| format!("`{text}` names no file"))?;
    plain(&name).with_context(|| format!("write NAME={}", path.display()))?;
    Ok((name, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_have_names() {
        let check = |text: &str, name: &str, path: &str| {
            assert_eq!(named(text).unwrap(), (name.to_owned(), PathBuf::from(path)));
        };
        check("a/mine.wasm", "mine", "a/mine.wasm");
        check("other=a/mine.wasm", "other", "a/mine.wasm");
        assert!(named("a b.wasm").is_err() && named("/").is_err());
    }
}
