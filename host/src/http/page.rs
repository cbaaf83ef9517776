//! The page, built from web/ into the binary.

use axum::{
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Files;

pub async fn page(uri: Uri) -> Response {
    let path = match uri.path() {
        "/" => "index.html",
        path => path.trim_start_matches('/'),
    };
    let Some(file) = Files::get(path) else {
        let text = if Files::get("index.html").is_some() {
            format!("there is nothing at {}\n", uri.path())
        } else {
            "this build of weir holds no page: build it with `cargo xtask build`\n".to_owned()
        };
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    let kind = HeaderValue::from_str(file.metadata.mimetype());
    let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    ([(header::CONTENT_TYPE, kind)], file.data).into_response()
}
