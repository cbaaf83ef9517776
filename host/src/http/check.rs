//! What a module would be as a script, before it is one.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::HeaderMap,
};
use serde::Deserialize;

use super::{
    App,
    error::{Error, Params},
    load::{module, parse},
    scripts::blocking,
};
use crate::pipeline::{Checked, Put};

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CheckParams {
    /// A JSON object of texts.
    params: Option<String>,
}

/// What a module would be as a script: compiled and started beside what runs, and let go of.
///
/// Waits for as long as compiling takes: whoever asks has nothing to do before the answer.
#[utoipa::path(post, path = "/api/v1/scripts/{name}/check", params(("name" = String, Path), CheckParams),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses((status = 200, body = Checked)))]
pub async fn check(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Params(query): Params<CheckParams>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Checked>, Error> {
    let params: Option<BTreeMap<String, String>> =
        parse(query.params.as_deref(), "params is not a JSON object of texts")?;
    let bytes = module(&app, &name, &headers, body).await?;
    let put =
        move || app.pipelines.check(Put { name: &name, bytes: &bytes, pipeline: None, params });
    Ok(Json(blocking(put).await?))
}
