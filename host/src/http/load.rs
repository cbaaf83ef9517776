//! Loading and swapping scripts, their limits, and their results.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    App,
    body::Change,
    error::{Error, Params, Path},
    scripts::{blocking, unknown},
};
use crate::{
    pipeline::{LoadInfo, LoadState, Put, ScriptInfo},
    script::LimitValues,
};

/// Who loads a script waits for so long; what takes longer is to be followed.
const PATIENCE: Duration = Duration::from_secs(1);
/// Batches in which a new version proves itself, how long an answer waits for them, and between
/// two looks: where no events come, there is nothing to wait for.
const TRIAL_BATCHES: u64 = 3;
const TRIAL: Duration = Duration::from_millis(50);
const LOOK: Duration = Duration::from_millis(5);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutParams {
    pipeline: Option<String>,
    /// A JSON object of texts.
    params: Option<String>,
    /// A JSON object of numbers.
    limits: Option<String>,
}

pub async fn put(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Params(query): Params<PutParams>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Error> {
    let params: Option<BTreeMap<String, String>> =
        parse(query.params.as_deref(), "params is not a JSON object of texts")?;
    let limits: LimitValues =
        parse(query.limits.as_deref(), "limits is not a JSON object of limits")?
            .unwrap_or_default();
    let bytes = module(&app, &name, &headers, body).await?;
    let (pipelines, of) = (app.pipelines.clone(), name.clone());
    // Compiling takes a while, and is no work for the threads that serve. It goes on if nobody
    // waits any more.
    let change = tokio::spawn(blocking(move || {
        let pipeline = query.pipeline.as_deref();
        let put = Put { name: &of, bytes: &bytes, pipeline, params };
        pipelines.put_limited(put, &limits)
    }));
    let Ok(ended) = tokio::time::timeout(PATIENCE, change).await else {
        let follow = format!("/api/v1/scripts/{name}/load");
        let load = app.pipelines.load_of(&name);
        let state = load.map_or(LoadState::Compiling, |load| load.state);
        let answer = json!({ "name": name, "state": state, "follow": follow });
        return Ok((StatusCode::ACCEPTED, Json(answer)).into_response());
    };
    let (info, swapped) = ended.map_err(|error| Error::bug("a change", &error))??;
    if !swapped {
        return Ok((StatusCode::CREATED, Json(info)).into_response());
    }
    Ok(Json(proven(&app, info).await).into_response())
}

/// The script once its new version has proved itself or failed, if that does not take long.
async fn proven(app: &App, swapped: ScriptInfo) -> ScriptInfo {
    let began = tokio::time::Instant::now();
    let mut now = swapped.clone();
    while now.rolled_back.is_none()
        && now.batches < swapped.batches + TRIAL_BATCHES
        && began.elapsed() < TRIAL
    {
        tokio::time::sleep(LOOK).await;
        match app.pipelines.script(&swapped.name) {
            Some(info) => now = info,
            None => break,
        }
    }
    now
}

/// The module that a request brings along.
pub(super) async fn module(
    app: &App,
    name: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Vec<u8>, Error> {
    let most = app.pipelines.limits().module_bytes;
    let too_large = || {
        let message =
            format!("script `{name}`: the upload is larger than {most} bytes (--script-bytes)");
        Error::new(StatusCode::PAYLOAD_TOO_LARGE, "module_too_large", message)
    };
    super::body::read(headers, body, most, too_large).await
}

pub(super) fn parse<T: DeserializeOwned>(
    json: Option<&str>,
    what: &str,
) -> Result<Option<T>, Error> {
    json.map(serde_json::from_str)
        .transpose()
        .map_err(|error| Error::bad_parameter(format!("{what}: {error}")))
}

pub async fn loads(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({ "loads": app.pipelines.loads() }))
}

pub async fn load(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<LoadInfo>, Error> {
    app.pipelines.load_of(&name).map(Json).ok_or_else(|| {
        let message = format!("script `{name}` was not loaded over the API, or long ago");
        Error::not_found("unknown_load", message)
    })
}

pub async fn limits(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Change(limits): Change<LimitValues>,
) -> Result<Json<ScriptInfo>, Error> {
    Ok(Json(blocking(move || app.pipelines.limit(&name, &limits)).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmittedParams {
    #[serde(default = "all_results")]
    limit: usize,
}

fn all_results() -> usize {
    usize::MAX
}

pub async fn emitted(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Params(query): Params<EmittedParams>,
) -> Result<Json<Value>, Error> {
    let info = app.pipelines.script(&name);
    let (Some(emitted), Some(info)) = (app.pipelines.emitted(&name), info) else {
        return Err(unknown(name));
    };
    let (results, total) = emitted.last(query.limit);
    Ok(Json(json!({ "results": results, "total": total, "refused": info.output_refused })))
}
