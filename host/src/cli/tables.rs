//! `weir tables`: what the scripts of a running host found.

mod cells;

use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::{
    client::{Client, Host, encode},
    columns::{Align, columns},
    output,
};

pub use cells::{cells, heads, plain};

/// Show the tables of a running host, or the rows of one.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    weir tables                                     all there are\n  \
    weir tables latency duration --sort p99         the slowest first\n  \
    weir tables e1                                  the one table of a script\n  \
    weir tables e1 --at -15m                        as it was a quarter of an hour ago\n  \
    weir tables e1 --json | jq '.row_list[].key'")]
pub struct Tables {
    #[command(flatten)]
    host: Host,
    /// The script.
    script: Option<String>,
    /// Its table; may be left out if it has but one.
    table: Option<String>,
    /// What to sort by, such as value, key, count, p99: depends on the table's kind.
    #[arg(long, value_name = "COLUMN", requires = "script")]
    sort: Option<String>,
    /// Which end comes first.
    #[arg(long, value_enum, default_value_t)]
    order: Order,
    /// The table as it was then: a time like 2026-11-23T17:20:00Z, or -15m for so long ago.
    #[arg(long, value_name = "TIME", requires = "script", allow_hyphen_values = true)]
    at: Option<String>,
    /// So many rows at most.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Print what the host answers, as JSON.
    #[arg(long)]
    json: bool,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Order {
    /// The smallest.
    Asc,
    /// The largest.
    #[default]
    Desc,
}

impl Tables {
    /// Asks the host, and prints.
    pub fn run(self) -> anyhow::Result<()> {
        let client = Client::new(self.host)?;
        let Some(script) = self.script else {
            let tables = client.get("tables")?;
            return print(self.json, &tables, list);
        };
        let table = match self.table {
            Some(table) => table,
            None => only_table(&client, &script)?,
        };
        let order = if self.order == Order::Asc { "asc" } else { "desc" };
        let mut path = format!(
            "tables/{}/{}?order={order}&limit={}",
            encode(&script),
            encode(&table),
            self.limit
        );
        if let Some(sort) = &self.sort {
            path.push_str(&format!("&sort={}", encode(sort)));
        }
        if let Some(at) = &self.at {
            path.push_str(&format!("&at={}", encode(at)));
        }
        print(self.json, &client.get(&path)?, rows)
    }
}

/// The name of a script's table, if it has but one.
fn only_table(client: &Client, script: &str) -> anyhow::Result<String> {
    let mut tables = client.get("tables")?;
    let Value::Array(tables) = tables["tables"].take() else { return Ok(String::new()) };
    let own = tables.iter().filter(|table| table["script"] == script);
    let names: Vec<_> = own.filter_map(|table| table["table"].as_str()).collect();
    match names.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => {
            let scripts = tables.iter().filter_map(|table| table["script"].as_str());
            let mut scripts: Vec<_> = scripts.collect();
            scripts.dedup();
            let there = match scripts.as_slice() {
                [] => "; no script has".to_owned(),
                scripts => format!("; {} have", scripts.join(", ")),
            };
            anyhow::bail!("script `{script}` has no tables{there}")
        }
        names => anyhow::bail!(
            "script `{script}` has several tables: write weir tables {script} and one of {}",
            names.join(", ")
        ),
    }
}

fn print(json: bool, answer: &Value, text: impl FnOnce(&Value) -> String) -> anyhow::Result<()> {
    let text = if json { format!("{answer:#}\n") } else { text(answer) };
    output::ended(std::io::stdout().lock().write_all(text.as_bytes()))
}

/// The list of tables.
fn list(answer: &Value) -> String {
    let tables = answer["tables"].as_array().map_or(&[][..], Vec::as_slice);
    if tables.is_empty() {
        return "no script has a table: weir run -e 'true | count by call'\n".to_owned();
    }
    let head = [
        ("SCRIPT", Align::Left),
        ("TABLE", Align::Left),
        ("KIND", Align::Left),
        ("ROWS", Align::Right),
        ("LABELS", Align::Left),
        ("HELP", Align::Left),
    ];
    let rows = tables.iter().map(|table| {
        let text = |key: &str| plain(table[key].as_str().unwrap_or_default());
        let labels = table["labels"].as_array().into_iter().flatten();
        let labels: Vec<_> = labels.filter_map(Value::as_str).map(plain).collect();
        let rows = table["rows"].as_u64().unwrap_or(0).to_string();
        vec![text("script"), text("table"), text("kind"), rows, labels.join(", "), text("help")]
    });
    columns(&head, rows)
}

/// The rows of a table.
fn rows(table: &Value) -> String {
    let heads = heads(table);
    let labels = table["labels"].as_array().map_or(0, Vec::len);
    let align = |at: usize| if at < labels { Align::Left } else { Align::Right };
    let head: Vec<_> =
        heads.iter().enumerate().map(|(at, head)| (head.as_str(), align(at))).collect();
    let list = table["row_list"].as_array().into_iter().flatten();
    let shown = table["row_list"].as_array().map_or(0, Vec::len) as u64;
    let other = Some(&table["other"]).filter(|other| other.is_object());
    let mut text = match table["at"].as_str() {
        Some(at) => format!("as of {at}\n\n"),
        None => String::new(),
    };
    text.push_str(&columns(&head, list.chain(other).map(|row| cells(table, row))));
    let rows = table["rows"].as_u64().unwrap_or(0);
    if rows > shown {
        text.push_str(&format!("({} more rows: --limit {rows})\n", rows - shown));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_in_columns() {
        let table = json!({"kind": "histogram", "labels": ["process", "error"], "unit": "ns", "rows": 3,
            "other": {"key": ["other"], "count": 1, "p50": 5, "p90": 5, "p99": 5, "max": 5},
            "row_list": [{"key": ["na\nmed", "-"], "count": 12, "p50": 1500, "p90": 2000, "p99": 4000,
                          "max": 2_000_000}]});
        let expected = "\
PROCESS  ERROR  COUNT     P50     P90     P99     MAX
na\u{fffd}med   -         12  1.5 µs  2.0 µs  4.0 µs  2.0 ms
other               1    5 ns    5 ns    5 ns    5 ns
(2 more rows: --limit 3)
";
        assert_eq!(rows(&table), expected);
    }

    #[test]
    fn tables_in_columns() {
        let tables = json!({"tables": [{"script": "e1", "table": "count_by_call", "kind": "counter",
            "rows": 2, "labels": ["call"], "help": ""}]});
        let expected = "\
SCRIPT  TABLE          KIND     ROWS  LABELS  HELP
e1      count_by_call  counter     2  call
";
        assert_eq!(list(&tables), expected);
        assert!(list(&json!({"tables": []})).contains("weir run -e"));
    }
}
