//! `weir completions`: what a shell has to know to complete command lines.

use std::io::Write;

use clap::{Args, Command};
use clap_complete::Shell;

use super::output;

/// Print completions for a shell.
#[derive(Args)]
#[command(after_help = "Where they go:\n  \
    weir completions bash > /etc/bash_completion.d/weir\n  \
    weir completions zsh > /usr/local/share/zsh/site-functions/_weir\n  \
    weir completions fish > /etc/fish/completions/weir.fish\n\n\
    For this shell alone:  source <(weir completions bash)")]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints those of this command line.
    pub fn run(self, mut command: Command) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "weir", &mut script);
        output::ended(std::io::stdout().lock().write_all(&script))
    }
}
