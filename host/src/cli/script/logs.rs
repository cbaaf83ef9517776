//! A script's log, once or as it grows.

use std::{io::Write, thread, time::Duration};

use anyhow::Context;
use serde_json::Value;

use crate::cli::client::Client;

/// Between two looks at a log.
const PAUSE: Duration = Duration::from_millis(500);

/// Prints the log; goes on with it until interrupted, if `follow`.
pub fn logs(
    client: &Client,
    address: &str,
    json: bool,
    follow: bool,
    limit: Option<usize>,
) -> anyhow::Result<()> {
    let all = format!("{address}/logs");
    let mut known = match limit {
        // What comes later is told from all lines.
        Some(limit) if !follow => client.get(&format!("{all}?limit={limit}"))?,
        _ => client.get(&all)?,
    };
    let lines = lines(&known);
    print(&lines[lines.len().saturating_sub(limit.unwrap_or(usize::MAX))..], json)?;
    warn(0, dropped(&known));
    if !follow {
        return Ok(());
    }
    loop {
        thread::sleep(PAUSE);
        let next = client.get(&all)?;
        print(fresh(self::lines(&known), self::lines(&next)), json)?;
        warn(dropped(&known), dropped(&next));
        known = next;
    }
}

fn lines(log: &Value) -> &[Value] {
    log["lines"].as_array().map_or(&[], Vec::as_slice)
}

fn dropped(log: &Value) -> u64 {
    log["dropped"].as_u64().unwrap_or(0)
}

fn warn(before: u64, now: u64) {
    if now > before {
        // Nobody may be looking.
        _ = writeln!(std::io::stderr(), "({} lines were dropped for being too many)", now - before);
    }
}

/// What is new in a log of which the oldest lines may be gone.
fn fresh<'a>(known: &[Value], next: &'a [Value]) -> &'a [Value] {
    let gone = (0..=known.len()).find(|&gone| next.starts_with(&known[gone..]));
    &next[known.len() - gone.unwrap_or(known.len())..]
}

fn print(lines: &[Value], json: bool) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    for line in lines {
        let text = |key: &str| line[key].as_str().unwrap_or_default();
        let written = if json {
            writeln!(stdout, "{line}")
        } else {
            writeln!(stdout, "{} {:<5} {}", text("time"), text("level"), text("text"))
        };
        written.context("cannot write to stdout")?;
    }
    stdout.flush().context("cannot write to stdout")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_new() {
        let log =
            |lines: &[&str]| lines.iter().map(|line| json!({ "text": line })).collect::<Vec<_>>();
        let check = |known: &[&str], next: &[&str], expected: &[&str]| {
            assert_eq!(fresh(&log(known), &log(next)), log(expected));
        };
        check(&[], &["a"], &["a"]);
        check(&["a"], &["a"], &[]);
        check(&["a", "b"], &["a", "b", "c"], &["c"]);
        check(&["a", "b", "c"], &["c", "d"], &["d"]);
        check(&["a", "a"], &["a", "a", "a"], &["a"]);
        check(&["a"], &["x", "y"], &["x", "y"]);
        check(&["a", "b"], &[], &[]);
    }
}
