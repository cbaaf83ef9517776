//! Tables.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    App,
    error::{Error, Params, Path},
};
use crate::table::{Kind, Query, Row, Sort, SortError, Table};

/// Most rows of one answer, unless asked for otherwise.
const ROWS: usize = 100;

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = TableHead)]
pub struct Head<'a> {
    script: &'a str,
    table: &'a str,
    kind: Kind,
    #[schema(value_type = Vec<String>)]
    labels: &'a [String],
    unit: &'a str,
    help: &'a str,
    rows: usize,
    max_keys: usize,
    /// Of a rate.
    window_s: Option<u32>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = TableRows)]
pub struct Rows<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    other: Option<Row>,
    row_list: Vec<Row>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TableParams {
    /// By what, of what this kind of table has.
    sort: Option<Sort>,
    #[serde(default)]
    #[param(value_type = Option<Order>)]
    order: Order,
    /// Most rows; 100 if left out.
    #[serde(default = "some_rows")]
    #[param(value_type = Option<usize>)]
    limit: usize,
}

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Order {
    Asc,
    #[default]
    Desc,
}

fn some_rows() -> usize {
    ROWS
}

#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it says what the list is, which borrows from the tables")]
pub struct TableList {
    tables: Vec<Head<'static>>,
}

/// All tables, without their rows.
#[utoipa::path(get, path = "/api/v1/tables", responses((status = 200, body = TableList)))]
pub async fn list(State(app): State<Arc<App>>) -> Json<Value> {
    let tables = app.pipelines.tables();
    let heads: Vec<_> =
        tables.iter().map(|((script, name), table)| head(script, name, table)).collect();
    Json(json!({ "tables": heads }))
}

/// A table and its rows.
#[utoipa::path(get, path = "/api/v1/tables/{script}/{table}",
    params(("script" = String, Path), ("table" = String, Path), TableParams),
    responses((status = 200, body = Rows)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Path((script, name)): Path<(String, String)>,
    Params(params): Params<TableParams>,
) -> Result<Json<Value>, Error> {
    let table = app.pipelines.table(&script, &name).ok_or_else(|| {
        Error::not_found("unknown_table", format!("script `{script}` has no table `{name}`"))
    })?;
    let query = Query {
        sort: params.sort,
        descending: matches!(params.order, Order::Desc),
        limit: params.limit,
        now_ns: now_ns(),
    };
    let (row_list, other) = table.rows(&query)?;
    let rows = Rows { head: head(&script, &name, &table), other, row_list };
    Ok(Json(json!(rows)))
}

fn head<'a>(script: &'a str, name: &'a str, table: &'a Table) -> Head<'a> {
    let options = table.options();
    Head {
        script,
        table: name,
        kind: table.kind(),
        labels: &options.labels,
        unit: &options.unit,
        help: &options.help,
        rows: table.len(),
        max_keys: table.max_keys(),
        window_s: table.window_s(),
    }
}

fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

impl From<SortError> for Error {
    fn from(error: SortError) -> Self {
        Self::bad_parameter(error.to_string())
    }
}
