//! The kept events.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    App,
    error::{Error, Params},
};
use crate::pipeline::Kept;

/// Events in one answer, unless asked for otherwise.
const EVENTS: usize = 100;
/// Most events in one answer.
const MOST_EVENTS: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventParams {
    pipeline: Option<String>,
    #[serde(default = "some_events")]
    limit: usize,
    before: Option<u64>,
}

fn some_events() -> usize {
    EVENTS
}

pub async fn list(
    State(app): State<Arc<App>>,
    Params(query): Params<EventParams>,
) -> Result<Json<Value>, Error> {
    let kept = kept(&app, query.pipeline.as_deref())?;
    let before = query.before.unwrap_or(u64::MAX);
    let limit = query.limit.min(MOST_EVENTS);
    let batches = kept.before(before);
    let newest_first = batches.iter().flat_map(|batch| {
        let indices = (0..batch.heads.len()).rev();
        indices.map(move |index| (batch, index))
    });
    let mut events: Vec<_> = newest_first
        .filter(|(batch, index)| batch.heads[*index].seq < before)
        .take(limit + 1)
        .collect();
    let more = events.len() > limit;
    events.truncate(limit);
    let next_before = events.last().filter(|_| more).map(|(batch, index)| batch.heads[*index].seq);
    let events: Vec<_> = events.into_iter().map(|(batch, index)| batch.event(index)).collect();
    Ok(Json(json!({ "events": events, "next_before": next_before })))
}

/// The kept events of a pipeline.
pub fn kept(app: &App, pipeline: Option<&str>) -> Result<Arc<Kept>, Error> {
    app.pipelines.kept(pipeline).ok_or_else(|| {
        let message = match pipeline {
            Some(name) => format!("there is no pipeline `{name}`"),
            None => "there is no pipeline: load a script".to_owned(),
        };
        Error::not_found("unknown_pipeline", message)
    })
}
