//! Tables.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    App,
    error::{Error, Params, Path},
    history,
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
    /// A time, for the table as it was then.
    pub at: Option<String>,
}

impl TableParams {
    pub fn query(&self, now_ns: u64) -> Query {
        Query {
            sort: self.sort,
            descending: matches!(self.order, Order::Desc),
            limit: self.limit,
            now_ns,
        }
    }
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

#[derive(Serialize, utoipa::ToSchema)]
pub struct TableList<'a> {
    tables: Vec<Head<'a>>,
}

/// All tables, without their rows.
#[utoipa::path(get, path = "/api/v1/tables", responses((status = 200, body = TableList)))]
pub async fn list(State(app): State<Arc<App>>) -> Response {
    let tables = app.pipelines.tables();
    let heads = tables.iter().map(|((script, name), table)| head(script, name, table));
    Json(TableList { tables: heads.collect() }).into_response()
}

/// A table and its rows.
#[utoipa::path(get, path = "/api/v1/tables/{script}/{table}",
    params(("script" = String, Path), ("table" = String, Path), TableParams),
    responses((status = 200, body = Rows)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Path((script, name)): Path<(String, String)>,
    Params(params): Params<TableParams>,
) -> Result<Response, Error> {
    if params.at.is_some() {
        return Ok(history::get_at(app, script, name, params).await?.into_response());
    }
    let table = app.pipelines.table(&script, &name).ok_or_else(|| {
        Error::not_found("unknown_table", format!("script `{script}` has no table `{name}`"))
    })?;
    let query = params.query(now_ns());
    let (row_list, other) = table.rows(&query)?;
    let rows = Rows { head: head(&script, &name, &table), other, row_list };
    Ok(Json(rows).into_response())
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
