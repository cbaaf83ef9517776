//! What is in force as TOML, which is a configuration file again, and as JSON.

use clap::Arg;
use serde_json::{Value, json};

use super::{
    effective::{Effective, EffectiveOption, Source},
    file::File,
    options::{Kind, kind, many},
};
use crate::script::LimitValues;

/// The column of the comments, at least.
const COMMENTS: usize = 34;

/// As TOML, with a comment on where each value came from.
pub fn toml(effective: &Effective) -> String {
    let mut text = String::new();
    match &effective.file {
        Some(file) => text.push_str(&format!("# configuration file: {}\n", file.path.display())),
        None => {
            let [own, system] = effective.places.each_ref().map(|path| path.display());
            text.push_str(&format!("# no configuration file ({own} or {system})\n"));
        }
    }
    if effective.replaced {
        text.push_str("# its pipelines are replaced by those of the command line\n");
    }
    for EffectiveOption { arg, values, source } in &effective.options {
        let name = arg.get_long().unwrap_or_default();
        let line = match source {
            Source::Unset => format!("# {name}"),
            _ => format!("{name} = {}", value(arg, values)),
        };
        text.push_str(&format!("{line:<COMMENTS$} # {source}\n"));
    }
    let Some(file) = &effective.file else { return text };
    for pipeline in &file.pipelines {
        let scripts = pipeline.scripts.iter().map(|script| quoted(script)).collect::<Vec<_>>();
        let from = Source::File(file.path.clone(), pipeline.line);
        text.push_str(&format!("\n[pipeline.{}] # {from}\n", key(&pipeline.name)));
        text.push_str(&format!("scripts = [{}]\n", scripts.join(", ")));
    }
    for (name, (settings, line)) in &file.scripts {
        let from = Source::File(file.path.clone(), *line);
        let name = key(name);
        text.push_str(&format!("\n[script.{name}] # {from}\n"));
        if let Some(module) = &settings.module {
            text.push_str(&format!("module = {}\n", quoted(module)));
        }
        if !settings.params.is_empty() {
            text.push_str(&format!("\n[script.{name}.params]\n"));
        }
        for (param, value) in &settings.params {
            text.push_str(&format!("{} = {}\n", key(param), quoted(value)));
        }
        let limits = limits(&settings.limits);
        if !limits.is_empty() {
            text.push_str(&format!("\n[script.{name}.limits]\n"));
        }
        for (limit, value) in limits {
            text.push_str(&format!("{limit} = {value}\n"));
        }
    }
    text
}

/// As JSON.
pub fn json(effective: &Effective) -> Value {
    let option = |option: &EffectiveOption| {
        let EffectiveOption { arg, values, source } = option;
        let (from, place) = match source {
            Source::CommandLine => ("command_line", None),
            Source::Environment(name) => ("environment", Some(name.clone())),
            Source::File(..) => ("file", Some(source.to_string())),
            Source::Default => ("default", None),
            Source::Unset => ("unset", None),
        };
        let value = match source {
            Source::Unset => Value::Null,
            _ if many(arg) => values.iter().map(|value| one_json(arg, value)).collect(),
            _ => values.first().map_or(Value::Null, |value| one_json(arg, value)),
        };
        let name = arg.get_long().unwrap_or_default().to_owned();
        (name, json!({ "value": value, "from": from, "place": place }))
    };
    let options: serde_json::Map<_, _> = effective.options.iter().map(option).collect();
    let file = effective.file.as_ref();
    json!({ "file": file.map(|file| &file.path), "options": options,
            "pipelines": file.map_or_else(|| json!({}), pipelines),
            "scripts": file.map_or_else(|| json!({}), scripts) })
}

fn pipelines(file: &File) -> Value {
    let pipelines = file.pipelines.iter();
    let map: serde_json::Map<_, _> =
        pipelines.map(|one| (one.name.clone(), json!({ "scripts": one.scripts }))).collect();
    map.into()
}

fn scripts(file: &File) -> Value {
    let scripts = file.scripts.iter().map(|(name, (settings, _))| {
        let said = json!({ "module": settings.module, "params": settings.params,
                           "limits": settings.limits });
        (name.clone(), said)
    });
    scripts.collect::<serde_json::Map<_, _>>().into()
}

/// The limits that are set, in TOML.
fn limits(limits: &LimitValues) -> Vec<(&'static str, String)> {
    let all = [
        ("batch-time", limits.batch_time_ms.map(|ms| quoted(&format!("{ms}ms")))),
        ("memory", limits.memory_bytes.map(|bytes| bytes.to_string())),
        ("output", limits.output_bytes_per_second.map(|bytes| bytes.to_string())),
        ("log-lines", limits.log_lines_per_second.map(|lines| lines.to_string())),
        ("table-keys", limits.table_keys.map(|keys| keys.to_string())),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// An option's value in TOML.
pub fn value(arg: &Arg, values: &[String]) -> String {
    if many(arg) {
        let values = values.iter().map(|value| one(arg, value)).collect::<Vec<_>>();
        return format!("[{}]", values.join(", "));
    }
    values.first().map_or_else(|| "false".to_owned(), |value| one(arg, value))
}

fn one(arg: &Arg, value: &str) -> String {
    match kind(arg) {
        Kind::Flag => value.to_owned(),
        Kind::Number if value.parse::<i64>().is_ok() => value.to_owned(),
        Kind::Number | Kind::Path | Kind::Text => quoted(value),
    }
}

fn one_json(arg: &Arg, value: &str) -> Value {
    match kind(arg) {
        Kind::Flag => (value == "true").into(),
        Kind::Number => value.parse::<u64>().map_or_else(|_| value.into(), Value::from),
        Kind::Path | Kind::Text => value.into(),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A key as it may stand between the dots of a table's name.
fn key(text: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !text.is_empty() && text.bytes().all(bare) { text.to_owned() } else { quoted(text) }
}
