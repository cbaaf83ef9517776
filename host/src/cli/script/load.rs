//! Loads and swaps, and says how far a load is that takes longer.

use std::{
    fs,
    io::{IsTerminal, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::{address, named, pair};
use crate::cli::client::{Answer, Client, encode};

/// Between two looks at a script that is being compiled.
const PAUSE: Duration = Duration::from_millis(200);
/// The state of a script while its module is compiled.
const COMPILING: &str = "compiling";

/// Loads a module under a new name.
pub fn load(
    client: &Client,
    module: &str,
    pipeline: Option<&str>,
    params: &[String],
) -> anyhow::Result<Value> {
    let (name, path) = named(module)?;
    if is_loaded(client, &name)? {
        bail!(
            "script `{name}` is loaded: put this in its place with `weir script swap {module}`, or load it \
             under another name with NAME={}",
            path.display()
        );
    }
    put(client, &name, &path, pipeline, params)
}

/// Puts a module in the place of a script.
pub fn swap(client: &Client, module: &str, params: &[String]) -> anyhow::Result<Value> {
    let (name, path) = named(module)?;
    if !is_loaded(client, &name)? {
        bail!(
            "no script `{name}` is loaded: load it with `weir script load {module}`, or name the one to swap with NAME={}",
            path.display()
        );
    }
    put(client, &name, &path, None, params)
}

fn is_loaded(client: &Client, name: &str) -> anyhow::Result<bool> {
    let scripts = client.get("scripts")?;
    Ok(scripts["scripts"].as_array().into_iter().flatten().any(|script| script["name"] == name))
}

fn put(
    client: &Client,
    name: &str,
    path: &Path,
    pipeline: Option<&str>,
    params: &[String],
) -> anyhow::Result<Value> {
    let bytes =
        fs::read(path).with_context(|| format!("cannot read the module {}", path.display()))?;
    let mut query = Vec::new();
    if let Some(pipeline) = pipeline {
        query.push(format!("pipeline={}", encode(pipeline)));
    }
    if !params.is_empty() {
        let params = params.iter().map(|param| pair(param)).collect::<anyhow::Result<Vec<_>>>()?;
        let params: serde_json::Map<_, _> =
            params.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        query.push(format!("params={}", encode(&Value::Object(params).to_string())));
    }
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let Answer { status, body } =
        client.change("PUT", &format!("{}{query}", address(name)?), &bytes)?;
    if status == 202 { follow(client, name, &body) } else { Ok(body) }
}

/// Waits for the end of a load that was taken but is not done.
fn follow(client: &Client, name: &str, answer: &Value) -> anyhow::Result<Value> {
    let began = Instant::now();
    let shown = std::io::stderr().is_terminal();
    let mut script = answer.clone();
    while is_compiling(&script) {
        if shown {
            let size = script["size_bytes"]
                .as_u64()
                .map_or_else(String::new, |bytes| format!(", {}", super::list::bytes(bytes)));
            // Nobody may be looking.
            _ = write!(
                std::io::stderr(),
                "\rcompiling {name}{size}: {:.1} s ",
                began.elapsed().as_secs_f64()
            );
        }
        thread::sleep(PAUSE);
        script = client.get(&address(name)?)?;
    }
    if shown {
        _ = writeln!(std::io::stderr());
    }
    match script["state"].as_str() {
        Some("failed") => {
            let why = script["state_why"].as_str().unwrap_or("it gave no reason");
            bail!("script `{name}`: {why}")
        }
        _ => Ok(script),
    }
}

fn is_compiling(script: &Value) -> bool {
    script["state"] == COMPILING
}
