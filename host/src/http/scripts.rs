//! Scripts: list, load, swap, turn off and on, unload.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    App,
    error::{Error, Params},
};
use crate::pipeline::{ChangeError, Put, ScriptInfo};

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
pub struct PutParams {
    pipeline: Option<String>,
    /// A JSON object of texts.
    params: Option<String>,
}

pub async fn put(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Params(query): Params<PutParams>,
    body: Body,
) -> Result<(StatusCode, Json<ScriptInfo>), Error> {
    let params: Option<BTreeMap<String, String>> =
        query.params.map(|json| serde_json::from_str(&json)).transpose().map_err(|error| {
            Error::bad_parameter(format!("params is not a JSON object of texts: {error}"))
        })?;
    let limit = app.pipelines.limits().module_bytes;
    // One byte more, so that a larger module is told from a broken connection.
    let bytes = axum::body::to_bytes(body, limit).await.map_err(|_| {
        let message = format!(
            "script `{name}`: the upload ended early, or is larger than {limit} bytes (--script-bytes)"
        );
        Error::new(StatusCode::PAYLOAD_TOO_LARGE, "module_too_large", message)
    })?;
    // Compiling takes a while, and is no work for the threads that serve.
    let change = blocking(move || {
        let pipeline = query.pipeline.as_deref();
        app.pipelines.put(Put { name: &name, bytes: &bytes, pipeline, params })
    });
    let (info, swapped) = change.await?;
    Ok((if swapped { StatusCode::OK } else { StatusCode::CREATED }, Json(info)))
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

fn unknown(name: String) -> Error {
    ChangeError::UnknownScript(name).into()
}

async fn blocking<T: Send + 'static>(
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
