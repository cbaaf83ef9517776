//! The host's own state.

use std::{fs, sync::Arc};

use axum::{Json, extract::State};
use serde::Serialize;

use super::{App, error::Error};
use crate::{
    export::ExportInfo,
    pipeline::{PipelineInfo, Snapshot},
    probe::{Choice, ProgramState},
    store,
};

#[derive(Serialize, utoipa::ToSchema)]
pub struct Status {
    version: &'static str,
    kernel: String,
    arch: &'static str,
    pid: u32,
    started: String,
    uptime_ms: u64,
    /// From the start of the process to the first event handed to the pipelines.
    time_to_first_event_ms: Option<u64>,
    backend: Choice,
    kernel_programs: Vec<ProgramState>,
    rss_bytes: Option<u64>,
    peak_rss_bytes: Option<u64>,
    /// `null` if nothing is to be stored.
    store: Option<store::Status>,
    ledger: Snapshot,
    /// What results are handed on to.
    exports: Vec<ExportInfo>,
}

/// The host's own state.
#[utoipa::path(get, path = "/api/v1/status", responses((status = 200, body = Status)))]
pub async fn status(State(app): State<Arc<App>>) -> Result<Json<Status>, Error> {
    let system = rustix::system::uname();
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        kernel: system.release().to_string_lossy().into_owned(),
        arch: std::env::consts::ARCH,
        pid: std::process::id(),
        started: humantime::format_rfc3339_nanos(app.started).to_string(),
        uptime_ms: app.began.elapsed().as_millis() as u64,
        time_to_first_event_ms: app
            .ledger
            .first_event()
            .map(|first| first.duration_since(app.began).as_millis() as u64),
        backend: app.choice.clone(),
        kernel_programs: app.ledger.programs(),
        rss_bytes: memory("VmRSS:"),
        peak_rss_bytes: memory("VmHWM:"),
        store: app.store.as_ref().map(|store| store.state()),
        ledger: snapshot(&app)?,
        exports: app.exports.info(),
    }))
}

/// The account of every call.
#[utoipa::path(get, path = "/api/v1/ledger", responses((status = 200, body = Snapshot)))]
pub async fn ledger(State(app): State<Arc<App>>) -> Result<Json<Snapshot>, Error> {
    snapshot(&app).map(Json)
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct Pipelines {
    pipelines: Vec<PipelineInfo>,
}

/// The pipelines, in the order in which they were made.
#[utoipa::path(get, path = "/api/v1/pipelines", responses((status = 200, body = Pipelines)))]
pub async fn pipelines(State(app): State<Arc<App>>) -> Json<Pipelines> {
    Json(Pipelines { pipelines: app.pipelines.pipelines() })
}

/// Whether the host is there.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = String)))]
pub async fn health() -> &'static str {
    "ok"
}

fn snapshot(app: &App) -> Result<Snapshot, Error> {
    Ok(app.ledger.snapshot(app.pipelines.rows())?)
}

/// A line of this process's status file (proc(5)), in bytes.
fn memory(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}
