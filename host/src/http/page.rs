//! The page, built from web/ into the binary.

use axum::{
    http::{HeaderValue, Method, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;

use super::error::{Error, no_such_method};

/// Files whose names say what is in them, so that they never change.
const NAMED_BY_CONTENT: &str = "assets/";
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Files;

pub async fn page(method: Method, uri: Uri) -> Result<Response, Error> {
    if !matches!(method, Method::GET | Method::HEAD) {
        return Err(no_such_method(method, uri).await);
    }
    let path = match uri.path() {
        "/" => "index.html",
        path => path.trim_start_matches('/'),
    };
    let Some(file) = Files::get(path) else {
        let message = if Files::get("index.html").is_some() {
            format!("there is nothing at {}", uri.path())
        } else {
            "this build of weir holds no page: build it with `cargo xtask build`".to_owned()
        };
        return Err(Error::not_found("not_found", message));
    };
    let kind = HeaderValue::from_str(file.metadata.mimetype());
    let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let mut response = ([(header::CONTENT_TYPE, kind)], file.data).into_response();
    if path.starts_with(NAMED_BY_CONTENT) {
        response.headers_mut().insert(header::CACHE_CONTROL, FOR_EVER);
    }
    Ok(response)
}
