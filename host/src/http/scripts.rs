//! Scripts: list, load, swap, parameters, turn off and on, order, unload.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    App,
    body::Change,
    error::{Error, Params, Path},
};
use crate::{
    pipeline::{ChangeError, ParamChanges, PipelineInfo, ScriptInfo},
    script::Line,
};

#[derive(Serialize, utoipa::ToSchema)]
pub struct Scripts {
    scripts: Vec<ScriptInfo>,
}

/// All scripts, by name.
#[utoipa::path(get, path = "/api/v1/scripts", responses((status = 200, body = Scripts)))]
pub async fn list(State(app): State<Arc<App>>) -> Json<Scripts> {
    Json(Scripts { scripts: app.pipelines.scripts() })
}

/// One script.
#[utoipa::path(get, path = "/api/v1/scripts/{name}", params(("name" = String, Path)),
    responses((status = 200, body = ScriptInfo)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<ScriptInfo>, Error> {
    app.pipelines.script(&name).map(Json).ok_or_else(|| unknown(name))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ScriptChange)]
pub struct Patch {
    /// `false`: events pass it by. `true`: a fresh instance, with the state that the one before left.
    enabled: Option<bool>,
    /// Parameters that change, `null` to the default; the others stay.
    #[schema(value_type = Option<Object>)]
    params: Option<BTreeMap<String, Value>>,
}

/// Turns a script off and on, or sets parameters.
#[utoipa::path(patch, path = "/api/v1/scripts/{name}", params(("name" = String, Path)),
    request_body = Patch, responses((status = 200, body = ScriptInfo)))]
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

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PipelineChange)]
pub struct Order {
    /// All its scripts, in the new order.
    scripts: Vec<String>,
}

/// Changes the order of a pipeline's scripts.
#[utoipa::path(patch, path = "/api/v1/pipelines/{name}", params(("name" = String, Path)),
    request_body = Order, responses((status = 200, body = PipelineInfo)))]
pub async fn reorder(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Change(order): Change<Order>,
) -> Result<Json<PipelineInfo>, Error> {
    Ok(Json(blocking(move || app.pipelines.reorder(&name, order.scripts)).await?))
}

/// Unloads a script; a pipeline that is empty then goes as well.
#[utoipa::path(delete, path = "/api/v1/scripts/{name}", params(("name" = String, Path)),
    responses((status = 204)))]
pub async fn delete(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<StatusCode, Error> {
    blocking(move || match app.pipelines.remove(&name) {
        // One that could not be loaded again is in the store alone.
        Err(ChangeError::UnknownScript(_))
            if app.store.as_ref().is_some_and(|store| store.forget_refused(&name)) =>
        {
            Ok(())
        }
        removed => removed,
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogParams {
    /// Only the last so many lines.
    #[serde(default = "all_lines")]
    #[param(value_type = Option<usize>)]
    limit: usize,
}

fn all_lines() -> usize {
    usize::MAX
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct LogLines {
    /// Oldest first.
    lines: Vec<Line>,
    /// Lines that were too many for a second.
    dropped: u64,
}

/// A script's log.
#[utoipa::path(get, path = "/api/v1/scripts/{name}/logs",
    params(("name" = String, Path), LogParams), responses((status = 200, body = LogLines)))]
pub async fn logs(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Params(query): Params<LogParams>,
) -> Result<Json<LogLines>, Error> {
    let log = app.pipelines.log(&name).ok_or_else(|| unknown(name))?;
    let (lines, dropped) = log.last(query.limit);
    Ok(Json(LogLines { lines, dropped }))
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
