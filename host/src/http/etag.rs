//! Tags of answers, so that who asks again is sent only what is new.

use std::hash::{DefaultHasher, Hasher};

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body::Body as _;

use super::error::Error;

/// What may be kept, if it is asked for again each time.
const AGAIN: HeaderValue = HeaderValue::from_static("no-cache, private");

/// Tags an answer, and leaves its body out where the client has it already. Streams have no tag.
pub async fn tag(request: Request, next: Next) -> Response {
    let reads = request.method() == Method::GET;
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    // What has a length lies in memory.
    let is_whole = response.body().size_hint().exact().is_some();
    if !reads || response.status() != StatusCode::OK || !is_whole {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match to_bytes(body, usize::MAX).await {
        Ok(bytes) => bytes,
        Err(error) => return Error::bug("reading an answer", &error).into_response(),
    };
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    // Weak: what is compressed has the same.
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    let value = HeaderValue::try_from(&tag).expect("hex digits are plain text");
    parts.headers.insert(header::ETAG, value);
    parts.headers.entry(header::CACHE_CONTROL).or_insert(AGAIN);
    if known.is_some_and(|known| is_among(&known, &tag)) {
        return unchanged(parts.headers);
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn unchanged(mut headers: HeaderMap) -> Response {
    headers.remove(header::CONTENT_TYPE);
    headers.remove(header::CONTENT_LENGTH);
    (StatusCode::NOT_MODIFIED, headers).into_response()
}

/// Whether a tag is in the list of an `If-None-Match`, compared weakly (RFC 9110, 13.1.2).
fn is_among(list: &HeaderValue, tag: &str) -> bool {
    let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(list) = list.to_str() else { return false };
    list.split(',').any(|known| known.trim() == "*" || strong(known) == strong(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_tag_in_a_list() {
        let among = |list: &str| is_among(&HeaderValue::try_from(list).unwrap(), "W/\"12\"");
        for list in ["W/\"12\"", "\"12\"", "\"1\", W/\"12\"", "*"] {
            assert!(among(list), "{list}");
        }
        for list in ["", "12", "W/\"1\"", "\"123\"", "W/"] {
            assert!(!among(list), "{list}");
        }
    }
}
