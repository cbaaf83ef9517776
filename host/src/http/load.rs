//! Loading and swapping scripts, their limits, and their results.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    App,
    body::Change,
    error::{Error, Params, Path},
    scripts::{blocking, unknown},
};
use crate::{
    pipeline::{LoadInfo, LoadState, Put, ScriptInfo},
    script::{EmittedResult, LimitValues},
};

/// Who loads a script waits for so long; what takes longer is to be followed.
const PATIENCE: Duration = Duration::from_secs(1);
/// Batches in which a new version proves itself, how long an answer waits for them, and between
/// two looks: where no events come, there is nothing to wait for.
const TRIAL_BATCHES: u64 = 3;
const TRIAL: Duration = Duration::from_millis(50);
const LOOK: Duration = Duration::from_millis(5);

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PutParams {
    /// The one to append a new script to; its own if left out.
    pipeline: Option<String>,
    /// A JSON object of texts.
    params: Option<String>,
    /// A JSON object of numbers.
    limits: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct Followed {
    name: String,
    state: LoadState,
    /// Where it is told how that goes on.
    follow: String,
}

/// Loads a script, or swaps it.
///
/// What takes longer than a second is answered with 202, and goes on.
#[utoipa::path(put, path = "/api/v1/scripts/{name}", params(("name" = String, Path), PutParams),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses(
        (status = 201, description = "loaded", body = ScriptInfo),
        (status = 200, description = "swapped", body = ScriptInfo),
        (status = 202, description = "goes on", body = Followed),
    ))]
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
        let answer = Followed { name, state, follow };
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

#[derive(Serialize, utoipa::ToSchema)]
pub struct Loads {
    loads: Vec<LoadInfo>,
}

/// The last load of each name.
#[utoipa::path(get, path = "/api/v1/loads", responses((status = 200, body = Loads)))]
pub async fn loads(State(app): State<Arc<App>>) -> Json<Loads> {
    Json(Loads { loads: app.pipelines.loads() })
}

/// The last load of a name.
#[utoipa::path(get, path = "/api/v1/scripts/{name}/load", params(("name" = String, Path)),
    responses((status = 200, body = LoadInfo)))]
pub async fn load(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<LoadInfo>, Error> {
    app.pipelines.load_of(&name).map(Json).ok_or_else(|| {
        let message = format!("script `{name}` was not loaded over the API, or long ago");
        Error::not_found("unknown_load", message)
    })
}

/// Changes limits of a script, at once and for versions to come.
#[utoipa::path(patch, path = "/api/v1/scripts/{name}/limits", params(("name" = String, Path)),
    request_body = LimitValues, responses((status = 200, body = ScriptInfo)))]
pub async fn limits(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Change(limits): Change<LimitValues>,
) -> Result<Json<ScriptInfo>, Error> {
    Ok(Json(blocking(move || app.pipelines.limit(&name, &limits)).await?))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EmittedParams {
    /// Only the last so many.
    #[serde(default = "all_results")]
    #[param(value_type = Option<usize>)]
    limit: usize,
}

fn all_results() -> usize {
    usize::MAX
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct Results {
    /// Oldest first.
    results: Vec<EmittedResult>,
    /// How many there ever were.
    total: u64,
    /// Bytes that were too many for a second.
    refused: u64,
}

/// What a script handed on with `emit`.
#[utoipa::path(get, path = "/api/v1/scripts/{name}/emitted",
    params(("name" = String, Path), EmittedParams), responses((status = 200, body = Results)))]
pub async fn emitted(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Params(query): Params<EmittedParams>,
) -> Result<Json<Results>, Error> {
    let info = app.pipelines.script(&name);
    let (Some(emitted), Some(info)) = (app.pipelines.emitted(&name), info) else {
        return Err(unknown(name));
    };
    let (results, total) = emitted.last(query.limit);
    Ok(Json(Results { results, total, refused: info.output_refused }))
}
