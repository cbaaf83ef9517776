//! `weir events`: the kept events of a running host.

mod follow;
mod line;

use std::io::{BufWriter, Write};

use clap::Args;
use serde_json::Value;

use super::{
    client::{Client, Host, encode},
    output,
};

pub use line::{duration, line};

/// Most events that one answer of a host has.
const PAGE: usize = 1000;

/// Show the events that a running host keeps, oldest first.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    weir events                                   the last 20 of the first pipeline\n  \
    weir events --follow --pipeline e1            those of pipeline e1, as they come\n  \
    weir events --filter 'error == \"EPIPE\"'       see docs/expressions.md\n  \
    weir events --limit 1000 --json | jq .process.comm")]
pub struct Events {
    #[command(flatten)]
    host: Host,
    /// The pipeline [default: the first one]
    #[arg(short, long, value_name = "NAME")]
    pipeline: Option<String>,
    /// Only those for which this is true: the filter of an expression, such as
    /// msg.bytes > 65536 && error == null.
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// So many at most, the last ones.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Go on with new ones as they come.
    #[arg(short, long)]
    follow: bool,
    /// Print the events as JSON, one a line.
    #[arg(long)]
    json: bool,
}

impl Events {
    /// Asks the host, and prints.
    pub fn run(self) -> anyhow::Result<()> {
        let Self { host, pipeline, filter, limit, follow, json } = self;
        let client = Client::new(host)?;
        let mut query = Vec::new();
        if let Some(pipeline) = &pipeline {
            query.push(format!("pipeline={}", encode(pipeline)));
        }
        if let Some(filter) = &filter {
            query.push(format!("filter={}", encode(filter)));
        }
        let mut stdout = BufWriter::new(std::io::stdout().lock());
        let mut print = |event: &Value| {
            let text = if json { event.to_string() } else { line(event) };
            output::ended(writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
        };
        if follow {
            // What comes while the last ones are printed must not be missed: the stream is first.
            return follow::follow(&client, &query, limit, &mut print);
        }
        for event in last(&client, &query, limit)? {
            print(&event)?;
        }
        Ok(())
    }
}

/// The last events, oldest first.
fn last(client: &Client, query: &[String], limit: usize) -> anyhow::Result<Vec<Value>> {
    let mut events = Vec::new();
    let mut before = None;
    while events.len() < limit {
        let mut query = query.to_vec();
        query.push(format!("limit={}", PAGE.min(limit - events.len())));
        query.extend(before.map(|seq: u64| format!("before={seq}")));
        let mut page = client.get(&format!("events?{}", query.join("&")))?;
        if let Value::Array(list) = page["events"].take() {
            events.extend(list);
        }
        before = page["next_before"].as_u64();
        if before.is_none() {
            break;
        }
    }
    events.reverse();
    Ok(events)
}
