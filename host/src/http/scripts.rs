//! Scripts: list, turn off and on, unload.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    App,
    error::{Error, Params},
};
use crate::pipeline::{ChangeError, ScriptInfo};

pub async fn list(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({ "scripts": app.pipelines.scripts() }))
}

pub async fn get(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<ScriptInfo>, Error> {
    app.pipelines.script(&name).map(Json).ok_or_else(|| unknown(name))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    enabled: bool,
}

pub async fn patch(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    body: Result<Json<Patch>, axum::extract::rejection::JsonRejection>,
) -> Result<Json<ScriptInfo>, Error> {
    let Json(patch) = body.map_err(|error| Error::bad_parameter(error.body_text()))?;
    Ok(Json(blocking(move || app.pipelines.enable(&name, patch.enabled)).await?))
}

pub async fn delete(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<StatusCode, Error> {
    blocking(move || app.pipelines.remove(&name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogParams {
    #[serde(default = "all_lines")]
    limit: usize,
}

fn all_lines() -> usize {
    usize::MAX
}

pub async fn logs(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Params(query): Params<LogParams>,
) -> Result<Json<Value>, Error> {
    let log = app.pipelines.log(&name).ok_or_else(|| unknown(name))?;
    let (lines, dropped) = log.last(query.limit);
    Ok(Json(json!({ "lines": lines, "dropped": dropped })))
}

pub fn unknown(name: String) -> Error {
    ChangeError::UnknownScript(name).into()
}

pub async fn blocking<T: Send + 'static>(
    change: impl FnOnce() -> Result<T, ChangeError> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(change).await {
        Ok(result) => Ok(result?),
        Err(error) => {
            let message = format!("a change panicked, which is a bug in weir: {error}");
            Err(Error::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message))
        }
    }
}
