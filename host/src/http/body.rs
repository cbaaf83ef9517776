//! The body of a request: read within bounds of size and time.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use futures::StreamExt;
use serde::de::DeserializeOwned;

use super::error::Error;

/// Most bytes of a body in JSON.
const JSON_BYTES: usize = 64 << 10;
/// How long the next part of a body may take, and all of it.
const PART: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(300);

/// Reads a body. One that says that it is too large is not read at all.
pub async fn read(
    headers: &HeaderMap,
    body: Body,
    most: usize,
    too_large: impl Fn() -> Error,
) -> Result<Vec<u8>, Error> {
    let says =
        headers.get(header::CONTENT_LENGTH).and_then(|says| says.to_str().ok()?.parse().ok());
    if says.is_some_and(|says: u64| says > most as u64) {
        return Err(too_large());
    }
    let mut parts = body.into_data_stream();
    let mut whole = Vec::new();
    let reading = async {
        while let Ok(part) = tokio::time::timeout(PART, parts.next()).await {
            let Some(part) = part else { return Ok(whole) };
            let part: Bytes = part
                .map_err(|error| Error::bad_parameter(format!("the body ended early: {error}")))?;
            if part.len() > most - whole.len() {
                return Err(too_large());
            }
            whole.extend_from_slice(&part);
        }
        Err(too_slow())
    };
    tokio::time::timeout(WHOLE, reading).await.unwrap_or_else(|_| Err(too_slow()))
}

fn too_slow() -> Error {
    let message = format!(
        "the body came too slowly: {} s for the next part of it, {} s for all of it",
        PART.as_secs(),
        WHOLE.as_secs()
    );
    Error::new(StatusCode::REQUEST_TIMEOUT, "too_slow", message)
}

/// A body in JSON, with errors in the API's form.
pub struct Change<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Change<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let too_large = || {
            let message = format!("the body is larger than {JSON_BYTES} bytes");
            Error::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
        };
        let bytes = read(&parts.headers, body, JSON_BYTES, too_large).await?;
        let value = serde_json::from_slice(&bytes);
        value.map(Self).map_err(|error| Error::bad_parameter(format!("the body: {error}")))
    }
}
