//! Handing results on: to Prometheus, to a collector, to a file. Off the event path: what is slow there
//! drops, and counts what it drops.

mod file;
mod follow;
mod metric;
mod otlp;
mod own;
mod prometheus;
mod source;
mod tables;
mod tally;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use crate::{
    pipeline::{Ledger, Pipelines},
    probe::Choice,
};

pub use file::FileSettings;
pub use follow::Chosen;
pub use otlp::{Endpoint, EndpointError, Header, HeaderError, OtlpError, OtlpSettings};
pub use prometheus::{Format, Scrapes};
pub use source::Source;
pub use tally::{ExportInfo, Tallies, Tally};

/// How long the last lines may take at the end of the process.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// What is handed on to what.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether Prometheus is answered.
    pub metrics: bool,
    /// Most rows of each table in metrics.
    pub rows: usize,
    /// A collector.
    pub otlp: Option<OtlpSettings>,
    /// A file.
    pub file: Option<FileSettings>,
    /// Whether payload is handed on.
    pub payload: bool,
}

/// What exports are made from.
pub struct Parts {
    /// Pipelines and scripts.
    pub pipelines: Arc<Pipelines>,
    /// The account of every call.
    pub ledger: Arc<Ledger>,
    /// The backend in use.
    pub choice: Choice,
    /// When the process started, by the wall clock.
    pub started: SystemTime,
    /// The same by the monotonic clock.
    pub began: Instant,
}

/// Why an export cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file.
    #[error("--events-file: {0}")]
    File(#[source] std::io::Error),
    /// The collector.
    #[error(transparent)]
    Otlp(#[from] OtlpError),
    /// A thread.
    #[error("cannot start an export's thread: {0}")]
    Thread(#[source] std::io::Error),
}

/// The exports in use.
pub struct Exports {
    tallies: Tallies,
    scrapes: Option<Scrapes>,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    file: Option<follow::Following>,
    otlp: Option<otlp::Otlp>,
}

impl Exports {
    /// Starts what is asked for.
    pub fn start(settings: &Settings, parts: Parts) -> Result<Self, Error> {
        let Settings { metrics, rows, otlp, file, payload } = settings;
        let scrapes = metrics.then(|| Tally::new("metrics", "/metrics", "scrapes"));
        let points =
            otlp.as_ref().map(|otlp| Tally::new("otlp_metrics", otlp.endpoint.metrics(), "points"));
        let records = otlp.as_ref().filter(|otlp| otlp.logs.is_some());
        let records = records.map(|otlp| Tally::new("otlp_logs", otlp.endpoint.logs(), "events"));
        let lines = file
            .as_ref()
            .map(|file| Tally::new("events_file", file.path.display().to_string(), "events"));
        let all = [&scrapes, &points, &records, &lines];
        let tallies: Tallies = Arc::new(all.into_iter().flatten().cloned().collect());

        let Parts { pipelines, ledger, choice, started, began } = parts;
        let rows = *rows;
        let tallies_too = tallies.clone();
        let source =
            Source { pipelines, ledger, choice, started, began, rows, tallies: tallies_too };
        let source = Arc::new(source);
        let mut running = Running::default();
        if let (Some(settings), Some(tally)) = (file, lines) {
            let sink = file::EventsFile::open(settings, *payload, tally.clone());
            let sink = sink.map_err(Error::File)?;
            let (pipelines, chosen) = (source.pipelines.clone(), settings.pipelines.clone());
            let following = follow::follow("weir-events", pipelines, chosen, tally, sink);
            running.file = Some(following.map_err(Error::Thread)?);
        }
        if let (Some(settings), Some(points)) = (otlp, points) {
            let started = otlp::Otlp::start(settings, source.clone(), *payload, points, records);
            running.otlp = Some(started?);
        }
        let scrapes = scrapes.map(|tally| Scrapes::new(source, tally));
        Ok(Self { tallies, scrapes, running: Mutex::new(running) })
    }

    /// What answers Prometheus, if that is asked for.
    pub fn scrapes(&self) -> Option<&Scrapes> {
        self.scrapes.as_ref()
    }

    /// What became of what was to be delivered.
    pub fn info(&self) -> Vec<ExportInfo> {
        self.tallies.iter().map(|tally| tally.info()).collect()
    }

    /// Delivers what there is, within a few seconds, and ends.
    pub fn finish(&self) {
        let mut running = self.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Running { file, otlp } = std::mem::take(&mut *running);
        drop(running);
        let ended = [
            file.is_none_or(|file| file.finish(LAST_PATIENCE)),
            otlp.is_none_or(otlp::Otlp::finish),
        ];
        if ended.contains(&false) {
            tracing::warn!("an export did not end in time");
        }
        for info in self.info().iter().filter(|info| info.dropped > 0) {
            let ExportInfo { export, dropped, unit, .. } = info;
            tracing::warn!("export {export} dropped {dropped} {unit}");
        }
    }
}
