//! The API, the live stream and the page. The only module that knows axum.

mod auth;
mod check;
mod error;
mod events;
mod feed;
mod filter;
mod load;
mod page;
mod scripts;
mod server;
mod status;
mod stream;
mod tables;

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::Arc,
    time::{Instant, SystemTime},
};

use axum::{
    Router,
    http::{HeaderValue, header},
    middleware,
    response::Response,
    routing::{get, patch, post},
};
use tokio::sync::Semaphore;

pub use feed::Feeds;

use crate::{
    pipeline::{Ledger, Pipelines},
    probe::Choice,
};

/// What the handlers share.
pub struct App {
    /// Pipelines and scripts.
    pub pipelines: Arc<Pipelines>,
    /// The account of every call.
    pub ledger: Arc<Ledger>,
    /// The backend in use.
    pub choice: Choice,
    /// What a change must bring along.
    pub token: String,
    /// Where the host listens.
    pub listen: SocketAddr,
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
pub async fn serve(listener: tokio::net::TcpListener, app: Arc<App>) -> Infallible {
    let connections = app.connections;
    server::serve(listener, router(app), connections).await
}

fn router(app: Arc<App>) -> Router {
    let api = Router::new()
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
        .route("/events", get(events::list))
        .route("/events/stream", get(stream::stream))
        .route("/events/{seq}", get(events::get))
        .fallback(error::no_such_address)
        .method_not_allowed_fallback(error::no_such_method);
    Router::new()
        .nest("/api/v1", api)
        .route("/healthz", get(|| async { "ok" }))
        .fallback(page::page)
        .layer(middleware::from_fn_with_state(app.clone(), auth::check))
        .layer(middleware::map_response(harden))
        .with_state(app)
}

/// Tells the browser to trust nothing but this host.
async fn harden(mut response: Response) -> Response {
    const CSP: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
                       img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
