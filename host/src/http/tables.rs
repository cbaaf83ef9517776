//! Tables.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    App,
    error::{Error, Params},
};
use crate::table::{Kind, Row, Sort, Table};

/// Most rows of one answer, unless asked for otherwise.
const ROWS: usize = 100;

#[derive(Serialize)]
struct Head<'a> {
    script: &'a str,
    table: &'a str,
    kind: Kind,
    labels: &'a [String],
    unit: &'a str,
    help: &'a str,
    rows: usize,
    max_keys: usize,
}

#[derive(Serialize)]
struct Rows<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    other: Option<Row>,
    row_list: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableParams {
    #[serde(default)]
    sort: Sort,
    #[serde(default)]
    order: Order,
    #[serde(default = "some_rows")]
    limit: usize,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    Asc,
    #[default]
    Desc,
}

fn some_rows() -> usize {
    ROWS
}

pub async fn list(State(app): State<Arc<App>>) -> Json<Value> {
    let tables = app.pipelines.tables();
    let heads: Vec<_> =
        tables.iter().map(|((script, name), table)| head(script, name, table)).collect();
    Json(json!({ "tables": heads }))
}

pub async fn get(
    State(app): State<Arc<App>>,
    Path(key): Path<(String, String)>,
    Params(query): Params<TableParams>,
) -> Result<Json<Value>, Error> {
    let tables = app.pipelines.tables();
    let table = tables.get(&key).ok_or_else(|| {
        let (script, table) = &key;
        Error::not_found("unknown_table", format!("script `{script}` has no table `{table}`"))
    })?;
    let descending = matches!(query.order, Order::Desc);
    let (row_list, other) = table.rows(query.sort, descending, query.limit);
    let rows = Rows { head: head(&key.0, &key.1, table), other, row_list };
    Ok(Json(json!(rows)))
}

fn head<'a>(script: &'a str, name: &'a str, table: &'a Table) -> Head<'a> {
    Head {
        script,
        table: name,
        kind: table.kind,
        labels: &table.options.labels,
        unit: &table.options.unit,
        help: &table.options.help,
        rows: table.len(),
        max_keys: table.max_keys,
    }
}
