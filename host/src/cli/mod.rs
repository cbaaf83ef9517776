//! The command line: one file a command.

mod check;
mod client;
mod columns;
mod compile;
mod data_dir;
mod doctor;
mod expression;
mod new;
mod privilege;
mod run;
mod script;
mod watch;
mod workload;

use clap::{Parser, Subcommand};

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
    What is wrong with a module of yours:  weir check mine.wasm"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Run),
    Script(script::Script),
    Check(check::Check),
    Doctor(doctor::Doctor),
    New(new::New),
    Workload(workload::Workload),
    Compile(compile::Compile),
}

/// Runs the command that the arguments name.
pub fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Run(run) => run.run(),
        Command::Script(script) => script.run(),
        Command::Check(check) => check.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::New(new) => new.run(),
        Command::Workload(workload) => workload.run(),
        Command::Compile(compile) => compile.run(),
    }
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
