//! Scripts: list, load, swap, parameters, turn off and on, order, unload.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    App,
    body::Change,
    error::{Error, Params, Path},
};
use crate::pipeline::{ChangeError, ParamChanges, PipelineInfo, ScriptInfo};

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
    enabled: Option<bool>,
    params: Option<BTreeMap<String, Value>>,
}

pub async fn patch(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Change(Patch { enabled, params }): Change<Patch>,
) -> Result<Json<ScriptInfo>, Error> {
    let params = params.map(changes).transpose()?;
    if enabled.is_none() && params.is_none() {
        return Err(Error::bad_parameter(
            "the body changes nothing: it has `enabled`, true or false, or `params`, or both",
        ));
    }
    let change = blocking(move || {
        let changed = params.map(|params| app.pipelines.set_params(&name, params)).transpose()?;
        let turned = enabled.map(|enabled| app.pipelines.enable(&name, enabled)).transpose()?;
        Ok(turned.or(changed))
    });
    Ok(Json(change.await?.expect("there is a change, as was seen to")))
}

/// Values of parameters as texts; `null` is the default.
fn changes(params: BTreeMap<String, Value>) -> Result<ParamChanges, Error> {
    let text = |(name, value)| match value {
        Value::Null => Ok((name, None)),
        Value::String(text) => Ok((name, Some(text))),
        Value::Number(_) | Value::Bool(_) => Ok((name, Some(value.to_string()))),
        Value::Array(_) | Value::Object(_) => {
            let message =
                format!("parameter `{name}`: a value is a text, a number, a bool or null");
            Err(Error::bad_parameter(message))
        }
    };
    params.into_iter().map(text).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    scripts: Vec<String>,
}

pub async fn reorder(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Change(order): Change<Order>,
) -> Result<Json<PipelineInfo>, Error> {
    Ok(Json(blocking(move || app.pipelines.reorder(&name, order.scripts)).await?))
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
        Err(error) => Err(Error::bug("a change", &error)),
    }
}
