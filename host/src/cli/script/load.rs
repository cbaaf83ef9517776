//! Loads and swaps, and says how far a load is that takes longer.

use std::{
    fs,
    io::{IsTerminal, Write},
    path::Path,
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::{address, named, pair};
use crate::cli::client::{Answer, Client, encode};

/// Between two looks at a load that goes on.
const PAUSE: Duration = Duration::from_millis(200);

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
    if status == 202 { follow(client, name, body) } else { Ok(body) }
}

/// Waits for the end of a load that was taken but is not done.
fn follow(client: &Client, name: &str, mut load: Value) -> anyhow::Result<Value> {
    let shown = std::io::stderr().is_terminal();
    loop {
        match load["state"].as_str() {
            Some(state @ ("compiling" | "starting")) if shown => {
                let size = load["size_bytes"]
                    .as_u64()
                    .map_or_else(String::new, |bytes| format!(", {}", super::list::bytes(bytes)));
                let seconds = load["took_ms"].as_u64().unwrap_or(0) as f64 / 1000.0;
                // Nobody may be looking.
                _ = write!(std::io::stderr(), "\r{state} {name}{size}: {seconds:.1} s ");
            }
            Some("compiling" | "starting") => {}
            _ => break,
        }
        thread::sleep(PAUSE);
        load = client.get(&format!("{}/load", address(name)?))?;
    }
    if shown {
        _ = writeln!(std::io::stderr());
    }
    if load["state"] == "refused" {
        bail!("script `{name}`: {}", load["error"].as_str().unwrap_or("it gave no reason"));
    }
    client.get(&address(name)?)
}
