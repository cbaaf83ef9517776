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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckParams {
    /// A JSON object of texts.
    params: Option<String>,
}

/// Waits for as long as compiling takes: whoever asks has nothing to do before the answer.
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
