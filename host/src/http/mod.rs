//! The API, the live stream and the page. The only module that knows axum.

mod auth;
mod body;
mod check;
mod error;
mod etag;
mod events;
mod feed;
mod filter;
mod history;
mod load;
mod metrics;
mod openapi;
mod page;
mod past;
mod scripts;
mod server;
mod status;
mod stream;
mod tables;
mod tls;

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Instant, SystemTime},
};

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    middleware,
    response::Response,
    routing::{get, patch, post},
};
use tokio::sync::Semaphore;
use tower_http::{CompressionLevel, compression::CompressionLayer};

pub use auth::{Auth, Names, Token};
pub use axum::http::uri::Authority;
pub use feed::Feeds;
pub use tls::{CERT_FILE, Tls, TlsError};

use crate::{
    export::Exports,
    pipeline::{Ledger, Pipelines},
    probe::Choice,
    store::Store,
};

/// What the handlers share.
pub struct App {
    /// Pipelines and scripts.
    pub pipelines: Arc<Pipelines>,
    /// The account of every call.
    pub ledger: Arc<Ledger>,
    /// What results are handed on to.
    pub exports: Arc<Exports>,
    /// The backend in use.
    pub choice: Choice,
    /// What survives a restart, unless nothing is to.
    pub store: Option<Arc<Store>>,
    /// What a change must bring along.
    pub token: Token,
    /// What needs the token.
    pub auth: Auth,
    /// By which names the host is asked.
    pub names: Names,
    /// When the process started, by the wall clock.
    pub started: SystemTime,
    /// The same by the monotonic clock.
    pub began: Instant,
    /// Connections that are served at once.
    pub connections: usize,
    /// Whether payload is shown.
    pub show_payload: bool,
    /// What streams share.
    pub feeds: Feeds,
    /// Requests that look through all kept events at the same time.
    pub looks: Semaphore,
}

/// As many requests may look through all kept events at the same time.
pub const LOOKS: usize = 2;

/// Serves for ever.
pub async fn serve(
    listener: tokio::net::TcpListener,
    tls: Option<Tls>,
    app: Arc<App>,
) -> Infallible {
    let connections = app.connections;
    server::serve(listener, tls, router(app), connections).await
}

fn router(app: Arc<App>) -> Router {
    let api = Router::new()
        .route("/openapi.json", get(openapi::document))
        .route("/status", get(status::status))
        .route("/ledger", get(status::ledger))
        .route("/scripts", get(scripts::list))
        .route(
            "/scripts/{name}",
            get(scripts::get).put(load::put).patch(scripts::patch).delete(scripts::delete),
        )
        .route("/scripts/{name}/logs", get(scripts::logs))
        .route("/scripts/{name}/load", get(load::load))
        .route("/scripts/{name}/check", post(check::check))
        .route("/scripts/{name}/limits", patch(load::limits))
        .route("/scripts/{name}/emitted", get(load::emitted))
        .route("/loads", get(load::loads))
        .route("/pipelines", get(status::pipelines))
        .route("/pipelines/{name}", patch(scripts::reorder))
        .route("/tables", get(tables::list))
        .route("/tables/{script}/{table}", get(tables::get))
        .route("/tables/{script}/{table}/series", get(history::series))
        .route("/events", get(events::list))
        .route("/events/stream", get(stream::stream))
        .route("/events/{seq}", get(events::get))
        .fallback(error::no_such_address)
        .method_not_allowed_fallback(error::no_such_method);
    Router::new()
        .nest("/api/v1", api)
        .route("/healthz", get(status::health))
        .route("/metrics", get(metrics::metrics))
        .fallback(page::page)
        .method_not_allowed_fallback(error::no_such_method)
        .layer(middleware::from_fn(etag::tag))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(middleware::from_fn_with_state(app.clone(), auth::check))
        .layer(middleware::map_response(harden))
        .with_state(app)
}

/// Tells the browser to trust nothing but this host.
async fn harden(mut response: Response) -> Response {
    // Attributes set the widths of bars; a style cannot run anything.
    const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                       style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
                       connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
                       frame-ancestors 'none'";
    const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), SAME_ORIGIN);
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), SAME_ORIGIN);
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
