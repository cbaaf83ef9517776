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
#[derive(Debug, Serialize, utoipa::ToSchema)]
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

/// The parts of an address, with errors in the API's form.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(place)) => Ok(Self(place)),
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

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    /// The codes in the sources: the first text of each error that is made, and what the other areas call
    /// theirs.
    fn codes(root: &Path) -> BTreeSet<String> {
        let mut codes = BTreeSet::new();
        let mut add = |text: &str| {
            let code = text.split('"').nth(1).unwrap_or_default();
            let is_code = |c: char| c.is_ascii_lowercase() || c == '_';
            if !code.is_empty() && code.chars().all(is_code) {
                codes.insert(code.to_owned());
            }
        };
        for file in fs::read_dir(root.join("src/http")).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            // Tests make errors up.
            let text = text.split("#[cfg(test)]").next().unwrap();
            for made in ["Error::new(", "Self::new(", "Error::not_found("] {
                text.split(made).skip(1).for_each(&mut add);
            }
        }
        for file in ["src/pipeline/load.rs", "src/script/mod.rs"] {
            let text = fs::read_to_string(root.join(file)).unwrap();
            let function = text.split("pub fn code(&self)").nth(1).unwrap();
            function.split("\n    }\n").next().unwrap().split("=>").skip(1).for_each(&mut add);
        }
        codes
    }

    #[test]
    fn every_code_is_documented_and_every_documented_code_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let page = fs::read_to_string(root.join("../docs/api.md")).unwrap();
        let table = page.split("| Code | Status |").nth(1).unwrap().split("\n\n").next().unwrap();
        let rows = table.lines().skip(2).map(|row| row.split('|').nth(1).unwrap());
        let documented: BTreeSet<_> =
            rows.flat_map(|row| row.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
        assert_eq!(codes(root), documented);
    }
}
