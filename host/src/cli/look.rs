//! What a host has to show at one moment, as its API says it: of this process, or of another.

use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::client::{Client, encode};
use crate::{
    pipeline::{Ledger, Pipelines},
    probe::Choice,
    table::{Query, Sort, Table},
};

/// Where to look.
pub enum Source {
    /// This process.
    Own {
        /// Pipelines and scripts.
        pipelines: Arc<Pipelines>,
        /// The account of every call.
        ledger: Arc<Ledger>,
        /// The backend.
        choice: Choice,
    },
    /// Another process.
    Other(Client),
}

/// What there was to see.
pub struct Look {
    /// When.
    pub at: Instant,
    /// The backend, with what it cannot see.
    pub backend: Value,
    /// The ledger.
    pub ledger: Value,
    /// The scripts.
    pub scripts: Vec<Value>,
    /// The tables, without their rows.
    pub tables: Vec<Value>,
}

/// Which rows of a table, in which order.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// The column; what the kind is for, if there is none.
    pub sort: Option<String>,
    /// Whether the smallest come first.
    pub ascending: bool,
    /// Most rows.
    pub limit: usize,
}

impl Source {
    /// Looks at all but rows.
    pub fn look(&self) -> anyhow::Result<Look> {
        match self {
            Self::Own { pipelines, ledger, choice } => {
                let tables = pipelines.tables();
                let tables = tables.iter().map(|((script, name), table)| head(script, name, table));
                Ok(Look {
                    at: Instant::now(),
                    backend: json!(choice),
                    ledger: json!(ledger.snapshot(pipelines.rows())?),
                    scripts: pipelines.scripts().iter().map(|script| json!(script)).collect(),
                    tables: tables.collect(),
                })
            }
            Self::Other(client) => {
                let mut status = client.get("status")?;
                Ok(Look {
                    at: Instant::now(),
                    backend: status["backend"].take(),
                    ledger: status["ledger"].take(),
                    scripts: list(client.get("scripts")?, "scripts"),
                    tables: list(client.get("tables")?, "tables"),
                })
            }
        }
    }

    /// One table with its rows; null, if it is gone.
    pub fn table(&self, script: &str, name: &str, order: &Order) -> anyhow::Result<Value> {
        match self {
            Self::Own { pipelines, .. } => {
                let table = pipelines.table(script, name);
                Ok(table.map_or(Value::Null, |table| with_rows(script, name, &table, order)))
            }
            Self::Other(client) => {
                let direction = if order.ascending { "asc" } else { "desc" };
                let sort = order.sort.as_ref().map(|sort| format!("&sort={}", encode(sort)));
                client.get(&format!(
                    "tables/{}/{}?limit={}&order={direction}{}",
                    encode(script),
                    encode(name),
                    order.limit,
                    sort.unwrap_or_default()
                ))
            }
        }
    }
}

fn list(mut answer: Value, name: &str) -> Vec<Value> {
    match answer[name].take() {
        Value::Array(list) => list,
        _ => Vec::new(),
    }
}

fn head(script: &str, name: &str, table: &Table) -> Value {
    let options = table.options();
    json!({ "script": script, "table": name, "kind": table.kind(), "labels": options.labels,
            "unit": options.unit, "help": options.help, "rows": table.len() })
}

/// A table as the API shows it. A column that its kind has not is as none.
pub fn with_rows(script: &str, name: &str, table: &Table, order: &Order) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let sort =
        order.sort.as_ref().and_then(|sort| serde_json::from_value::<Sort>(json!(sort)).ok());
    let query = Query {
        sort: sort.filter(|sort| table.kind().sorts().contains(sort)),
        descending: !order.ascending,
        limit: order.limit,
        now_ns: now.map_or(0, |now| now.as_nanos() as u64),
    };
    let (rows, other) = table.rows(&query).unwrap_or_default();
    let mut value = head(script, name, table);
    value["row_list"] = json!(rows);
    value["other"] = json!(other);
    value
}
