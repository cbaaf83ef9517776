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

    pub fn bad_parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_parameter", message)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let refused = matches!(
            self.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PAYLOAD_TOO_LARGE
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
        let (status, code) = match &error {
            ChangeError::UnknownScript(_) => (StatusCode::NOT_FOUND, "unknown_script"),
            ChangeError::UnknownPipeline(_) => (StatusCode::NOT_FOUND, "unknown_pipeline"),
            ChangeError::Name(_) => (StatusCode::BAD_REQUEST, "bad_name"),
            ChangeError::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            ChangeError::Limit(_) => (StatusCode::BAD_REQUEST, "bad_limit"),
            ChangeError::Load { source, .. } => load(source),
        };
        Self::new(status, code, message)
    }
}

fn load(error: &LoadError) -> (StatusCode, &'static str) {
    let code = match error {
        LoadError::TooLarge { .. } => return (StatusCode::PAYLOAD_TOO_LARGE, "module_too_large"),
        LoadError::Invalid(_) => "invalid_module",
        LoadError::CompileTime(_) | LoadError::CompileMemory(_) => "compile_limit",
        LoadError::Compiler(_) => "compiler_failed",
        LoadError::Export { .. } => "missing_export",
        LoadError::Import { .. } => "unknown_import",
        LoadError::Interface { .. } => "unknown_import",
        LoadError::ImportType { .. } => "import_type",
        LoadError::Abi { .. } => "wrong_abi",
        LoadError::Describe(_) => "bad_describe",
        LoadError::UnknownParam { .. } => "unknown_param",
        LoadError::BadParam { .. } => "bad_param",
        LoadError::Expression { .. } => "bad_expression",
        LoadError::Fault { .. } => "start_failed",
        LoadError::Refused(_) => "start_refused",
    };
    (StatusCode::UNPROCESSABLE_ENTITY, code)
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
