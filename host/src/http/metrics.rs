//! What Prometheus reads.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{App, error::Error};
use crate::export::Format;

/// The host's own state and every table, if `--metrics` is given.
#[utoipa::path(get, path = "/metrics",
    responses((status = 200, description = "Prometheus text, or OpenMetrics", body = String, content_type = "text/plain")))]
pub async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Error> {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::accepted(accept);
    // Tables are read, which takes a while.
    let made = tokio::task::spawn_blocking(move || {
        app.exports.scrapes().map(|scrapes| scrapes.text(format))
    });
    let text = made.await.map_err(|error| {
        let message = format!("a scrape panicked, which is a bug in weir: {error}");
        Error::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    })?;
    let Some(text) = text else {
        return Err(Error::not_found("metrics_off", "metrics are off: start weir with --metrics"));
    };
    let kind = [(header::CONTENT_TYPE, format.content_type())];
    Ok((kind, text?.to_string()).into_response())
}
