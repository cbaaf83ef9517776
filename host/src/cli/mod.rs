//! The command line: one file a command.

mod data_dir;
mod privilege;
mod run;
mod watch;
mod workload;

use clap::{Parser, Subcommand};

/// Watch a Linux host's sendmsg calls through your own WebAssembly scripts.
///
/// `weir run` loads eBPF probes, decodes every call and passes it through pipelines of scripts that
/// filter, enrich and aggregate; a web page and a JSON API show what they find.
#[derive(Parser)]
#[command(
    version,
    after_help = "Start with:  sudo weir run -s 'service | latency'\n\
    then open the link that it prints. Traffic to look at:  weir workload"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Run),
    Workload(workload::Workload),
}

/// Runs the command that the arguments name.
pub fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Run(run) => run.run(),
        Command::Workload(workload) => workload.run(),
    }
}
