//! `weir doctor`: what this kernel and this user offer, with the fix for what they lack.

mod kernel;
mod user;

use std::{
    fmt::Write as _,
    io::{IsTerminal, Write as _},
    net::SocketAddr,
    path::PathBuf,
};

use anyhow::bail;
use clap::Args;
use serde::Serialize;

use super::data_dir;

/// Say what this kernel offers, and how to get what it lacks.
///
/// Every backend is attached for a moment, and the one that `weir run` takes for all calls. Ends with
/// 0 when a backend works, else with 1.
#[derive(Args)]
pub struct Doctor {
    /// Print an array of {"check", "ok", "found", "fix"}.
    #[arg(long)]
    json: bool,
    /// The address that `weir run` is to serve.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7070", env = "WEIR_LISTEN")]
    listen: SocketAddr,
    /// The data folder of `weir run` [default: /var/lib/weir for root, else ~/.local/state/weir]
    #[arg(long, value_name = "DIR", env = "WEIR_DATA_DIR")]
    data_dir: Option<PathBuf>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    /// What.
    check: String,
    /// Whether it is as it should be.
    ok: bool,
    /// What there is.
    found: String,
    /// What to do, if it is not as it should be and something can be done.
    fix: Option<String>,
}

impl Check {
    fn ok(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self { check: check.into(), ok: true, found: found.into(), fix: None }
    }

    fn lacks(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self { ok: false, ..Self::ok(check, found) }
    }

    fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }
}

impl Doctor {
    /// Looks, and prints.
    pub fn run(self) -> anyhow::Result<()> {
        let mut checks = kernel::system();
        checks.extend(user::capabilities());
        checks.extend(kernel::features());
        let (backends, works) = kernel::backends();
        checks.extend(backends);
        checks.extend(user::cgroups());
        checks.push(user::folder(&self.data_dir.unwrap_or_else(data_dir::default)));
        checks.push(user::port(self.listen));

        let mut stdout = std::io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut stdout, &checks)?;
            writeln!(stdout)?;
        } else {
            let color = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
            write!(stdout, "{}", table(&checks, color))?;
        }
        if !works {
            bail!("no backend works here; what is marked with `fix` says what to do");
        }
        Ok(())
    }
}

/// A line per check, in columns.
fn table(checks: &[Check], color: bool) -> String {
    let width = checks.iter().map(|check| check.check.len()).max().unwrap_or(0);
    let mut table = String::new();
    for Check { check, ok, found, fix } in checks {
        let (mark, paint) = match (ok, fix) {
            (true, _) => ("ok ", "32"),
            (false, None) => ("–  ", "2"),
            (false, Some(_)) => ("fix", "33"),
        };
        let mark = if color { format!("\x1b[{paint}m{mark}\x1b[0m") } else { mark.to_owned() };
        let fix = fix.as_ref().map(|fix| format!("; fix: {fix}")).unwrap_or_default();
        // Writing to a string does not fail.
        _ = writeln!(table, "{check:<width$}  {mark}  {found}{fix}");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let checks = [
            Check::ok("a", "here"),
            Check::lacks("long name", "gone"),
            Check::lacks("b", "gone").fix("get it"),
        ];
        let plain =
            "a          ok   here\nlong name  –    gone\nb          fix  gone; fix: get it\n";
        assert_eq!(table(&checks, false), plain);
        assert!(table(&checks, true).starts_with("a          \x1b[32mok \x1b[0m  here\n"));
    }
}
