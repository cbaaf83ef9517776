//! The one place where an error becomes a status.

use axum::{
    Json,
    extract::{FromRequestParts, Query},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{pipeline::ChangeError, probe, script::LoadError};

/// An error as a client sees it.
#[derive(Debug, Serialize)]
pub struct Error {
    #[serde(skip)]
    status: StatusCode,
    /// Stable, for programs.
    code: &'static str,
    /// For people.
    message: String,
}

impl Error {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// Of something that cannot fail.
    pub fn bug(what: &str, error: &dyn std::error::Error) -> Self {
        let message = format!("{what} failed, which is a bug in weir: {error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    pub fn bad_parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_parameter", message)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let refused = matches!(
            self.status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::SERVICE_UNAVAILABLE
        );
        let mut response = (self.status, Json(self)).into_response();
        if refused {
            // The body was not read, so the connection cannot be used again.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<ChangeError> for Error {
    fn from(error: ChangeError) -> Self {
        let message = error.to_string();
        let status = match &error {
            ChangeError::UnknownScript(_) | ChangeError::UnknownPipeline(_) => {
                StatusCode::NOT_FOUND
            }
            ChangeError::Name(_) | ChangeError::Limit(_) => StatusCode::BAD_REQUEST,
            ChangeError::Conflict(_) => StatusCode::CONFLICT,
            ChangeError::Load { source: LoadError::TooLarge { .. }, .. } => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            ChangeError::Load { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, error.code(), message)
    }
}

impl From<probe::Error> for Error {
    fn from(error: probe::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "kernel", error.to_string())
    }
}

/// The query of an address, with errors in the API's form.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(error) => Err(Error::bad_parameter(error.body_text())),
        }
    }
}

pub async fn no_such_address(uri: axum::http::Uri) -> Error {
    let message = format!("there is nothing at {}; see docs/api.md for what there is", uri.path());
    Error::not_found("not_found", message)
}

pub async fn no_such_method(method: axum::http::Method, uri: axum::http::Uri) -> Error {
    let message = format!("{} cannot be used with {method}", uri.path());
    Error::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}
