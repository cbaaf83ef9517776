//! The command line: one file a command.

mod check;
mod client;
mod columns;
mod compile;
mod completions;
mod config;
mod data_dir;
mod doctor;
mod events;
mod export;
mod expression;
mod limits;
mod look;
mod man;
mod new;
mod notify;
mod output;
mod pipelines;
mod privilege;
mod run;
mod script;
mod serve;
mod store;
mod tables;
mod top;
mod watch;
mod workload;

use std::{env, ffi::OsString};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use config::{Definitions, Effective};

/// Watch a Linux host's socket calls through your own WebAssembly scripts.
///
/// `weir run` loads eBPF probes, decodes every call and passes it through pipelines of scripts that
/// filter, enrich and aggregate; a web page and a JSON API show what they find.
#[derive(Parser)]
#[command(
    version,
    after_help = "Start with:  sudo weir run -s 'service | latency'\n\
    then open the link that it prints. Traffic to look at:  weir workload\n\
    What this kernel offers, and how to get the rest:       weir doctor\n\
    A script in one line:  sudo weir run -e 'error != null | count by process.comm'\n\
    What a running host finds, live:  weir top     as lines:  weir events, weir tables\n\
    What is wrong with a module of yours:  weir check mine.wasm\n\
    Every option in a file, and where each value came from:  weir config"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    // This and `config` have the most options by far.
    Run(Box<run::Run>),
    Script(script::Script),
    Top(top::Top),
    Tables(tables::Tables),
    Events(events::Events),
    Config(Box<config::Config>),
    Check(check::Check),
    Doctor(doctor::Doctor),
    New(new::New),
    Workload(workload::Workload),
    Completions(completions::Completions),
    Man(man::Man),
    Compile(compile::Compile),
}

/// Runs the command that the arguments name.
pub fn main() -> anyhow::Result<()> {
    let args: Vec<OsString> = env::args_os().collect();
    let matches = command().get_matches_from(&args);
    match parsed(&matches).command {
        Command::Run(_) => {
            let effective = Effective::new(command(), args)?;
            let Command::Run(run) = parsed(&effective.matches).command else {
                unreachable!("the file adds options, and leaves the command");
            };
            (*run).run(Definitions::of(effective))
        }
        Command::Config(config) => config.run(command(), args),
        Command::Script(script) => script.run(),
        Command::Top(top) => top.run(),
        Command::Tables(tables) => tables.run(),
        Command::Events(events) => events.run(),
        Command::Check(check) => check.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::New(new) => new.run(),
        Command::Workload(workload) => workload.run(),
        Command::Completions(completions) => completions.run(command()),
        Command::Man(man) => man.run(command()),
        Command::Compile(compile) => compile.run(),
    }
}

/// The command line as clap knows it.
fn command() -> clap::Command {
    let json = "Print it as JSON, with the values of pipelines and scripts";
    Cli::command().mut_subcommand("config", |config| {
        config.mut_arg("json", |arg| arg.help(json).long_help(json))
    })
}

fn parsed(matches: &clap::ArgMatches) -> Cli {
    Cli::from_arg_matches(matches).unwrap_or_else(|error| error.exit())
}

/// An error with its causes, each said once: some errors say their cause themselves.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut line = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow::anyhow!("no such file").context("cannot read x: no such file");
        assert_eq!(one_line(&error), "cannot read x: no such file");
        let error = anyhow::anyhow!("no such file").context("cannot read x");
        assert_eq!(one_line(&error), "cannot read x: no such file");
    }
}
