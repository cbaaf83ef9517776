//! docs/weir.toml: an example file with every option, made from what clap knows of them.

use clap::Arg;

use super::{
    options::{Kind, Options, kind, many},
    show::value,
};

const HEAD: &str = "\
# Weir's configuration: every option of `weir run`, by its long name.
#
# It is read from the file that --config or WEIR_CONFIG names, else from DATA_DIR/weir.toml, else from
# /etc/weir/weir.toml. What is on the command line goes before what is in the environment, that before what
# stands here. Relative paths are seen from this file's folder. `weir config` prints what is in force and
# where it came from, `weir config --check FILE` says what is wrong with a file. See docs/configuration.md.
";

const TAIL: &str = r#"
# Scripts, by name. All of it is optional: what is not said is as for any script.
#
# [script.errors]
# module = "errors"                 # a bundled script, or a path to a .wasm file; or
# expression = "error != null"      # a script in one line
#
# [script.errors.params]
# ignore = ["EAGAIN", "EPIPE"]
#
# [script.errors.limits]
# batch-time = "50ms"               # time of the processor for one batch
# memory = "8MiB"                   # of one instance
# output = "64KiB"                  # attributes and emitted results of a second
# log-lines = 10                    # of a second
# table-keys = 1000                 # rows of each table

# Pipelines, by name. The scripts are those above, bundled ones, or paths, as behind -s.
#
# [pipeline.failures]
# scripts = ["service", "errors"]
"#;

/// The file.
pub fn text() -> String {
    let options = Options::new();
    let mut text = HEAD.to_owned();
    for arg in options.all() {
        text.push('\n');
        let help = arg.get_long_help().or_else(|| arg.get_help());
        for line in textwrap(&help.map(ToString::to_string).unwrap_or_default()) {
            text.push_str(&format!("# {line}\n"));
        }
        if let Some(variable) = arg.get_env() {
            text.push_str(&format!("# Environment variable: {}\n", variable.to_string_lossy()));
        }
        let possible = arg.get_possible_values();
        if !possible.is_empty() && kind(arg) != Kind::Flag {
            let names = possible.iter().map(|value| value.get_name()).collect::<Vec<_>>();
            text.push_str(&format!("# One of: {}\n", names.join(", ")));
        }
        let name = arg.get_long().unwrap_or_default();
        text.push_str(&format!("# {name} = {}\n", value(arg, &example(arg))));
    }
    text.push_str(TAIL);
    text
}

/// The default, or what a value could be.
fn example(arg: &Arg) -> Vec<String> {
    let defaults = arg.get_default_values().iter();
    let defaults: Vec<_> = defaults.map(|value| value.to_string_lossy().into_owned()).collect();
    if !defaults.is_empty() {
        return defaults;
    }
    let said = match arg.get_long() {
        Some("script") => "service | latency",
        Some("expression") => "error != null | count by process.comm",
        Some("limit") => "latency.batch-time=50ms",
        _ => "",
    };
    let name = arg.get_value_names().and_then(|names| names.first());
    let possible = arg.get_possible_values().first().map(|value| value.get_name().to_owned());
    let value = match kind(arg) {
        _ if !said.is_empty() => said.to_owned(),
        Kind::Flag => "false".to_owned(),
        Kind::Number => "0".to_owned(),
        Kind::Path | Kind::Text => {
            possible.or_else(|| name.map(ToString::to_string)).unwrap_or_default()
        }
    };
    // One is enough to show how it is written.
    debug_assert!(many(arg) || !value.is_empty());
    vec![value]
}

/// Lines of at most some 100 characters.
fn textwrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is one from the start");
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + word.len() < 100 {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
