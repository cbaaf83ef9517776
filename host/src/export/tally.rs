//! What became of what an export was to deliver.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::SystemTime,
};

use serde::Serialize;

/// The account of one export: what it is given is sent, dropped for one of four reasons, or queued.
#[derive(Debug)]
pub struct Tally {
    /// Its name: `events_file`.
    pub export: &'static str,
    /// Where it delivers to, without anything secret.
    pub target: String,
    /// What it counts: `events`, `points`, `scrapes`.
    pub unit: &'static str,
    /// Delivered.
    pub sent: AtomicU64,
    /// Dropped, because the export did not keep up with what came.
    pub too_slow: AtomicU64,
    /// Dropped, because what waits to be delivered takes all the room there is.
    pub queue_full: AtomicU64,
    /// Dropped, because the other side took it and said no.
    pub refused: AtomicU64,
    /// Dropped, because it could not be delivered: out of reach, out of space, out of time.
    pub failed: AtomicU64,
    /// Waiting.
    pub queued: AtomicU64,
    /// Attempts after the first one.
    pub retries: AtomicU64,
    last: Mutex<Last>,
}

#[derive(Clone, Debug, Default)]
struct Last {
    success: Option<SystemTime>,
    error: Option<(SystemTime, String)>,
}

/// The exports in use.
pub type Tallies = Arc<Vec<Arc<Tally>>>;

/// An export as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ExportInfo {
    /// Its name.
    pub export: &'static str,
    /// Where it delivers to.
    pub target: String,
    /// What it counts.
    pub unit: &'static str,
    /// Whether the last attempt went well; `null` before the first.
    pub ok: Option<bool>,
    /// Delivered.
    pub sent: u64,
    /// Waiting to be delivered.
    pub queued: u64,
    /// What was not delivered, and will not be.
    pub dropped: u64,
    /// The same by reason.
    pub dropped_by: DroppedBy,
    /// Attempts after the first one.
    pub retries: u64,
    /// When something was delivered last, in RFC 3339.
    pub last_success: Option<String>,
    /// What went wrong last.
    pub last_error: Option<LastError>,
}

/// Why something was not delivered.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
pub struct DroppedBy {
    /// The export did not keep up.
    pub too_slow: u64,
    /// Its queue had no room.
    pub queue_full: u64,
    /// The other side said no.
    pub refused: u64,
    /// It could not be delivered.
    pub failed: u64,
}

/// What went wrong last.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct LastError {
    /// When, in RFC 3339.
    pub time: String,
    /// What.
    pub message: String,
}

impl Tally {
    /// Nothing delivered yet.
    pub fn new(export: &'static str, target: impl Into<String>, unit: &'static str) -> Arc<Self> {
        Arc::new(Self {
            export,
            target: target.into(),
            unit,
            sent: AtomicU64::default(),
            too_slow: AtomicU64::default(),
            queue_full: AtomicU64::default(),
            refused: AtomicU64::default(),
            failed: AtomicU64::default(),
            queued: AtomicU64::default(),
            retries: AtomicU64::default(),
            last: Mutex::default(),
        })
    }

    /// Counts what was delivered. The first time after an error it is logged.
    pub fn sent(&self, count: u64) {
        self.sent.fetch_add(count, Relaxed);
        let mut last = self.last.lock().expect("no panic while locked");
        if !last.is_ok() {
            tracing::info!("export {} delivers to {} again", self.export, self.target);
        }
        last.success = Some(SystemTime::now());
    }

    /// Notes what went wrong. It is logged when it is another message than the one before, or when
    /// things had gone well in between.
    pub fn error(&self, message: String) {
        let mut last = self.last.lock().expect("no panic while locked");
        let known = !last.is_ok() && last.error.as_ref().is_some_and(|(_, text)| *text == message);
        if !known {
            tracing::warn!("export {} to {}: {message}", self.export, self.target);
        }
        last.error = Some((SystemTime::now(), message));
    }

    /// The account as the API shows it.
    pub fn info(&self) -> ExportInfo {
        let last = self.last.lock().expect("no panic while locked").clone();
        let dropped_by = DroppedBy {
            too_slow: self.too_slow.load(Relaxed),
            queue_full: self.queue_full.load(Relaxed),
            refused: self.refused.load(Relaxed),
            failed: self.failed.load(Relaxed),
        };
        let DroppedBy { too_slow, queue_full, refused, failed } = dropped_by;
        let rfc3339 = |time| humantime::format_rfc3339_millis(time).to_string();
        ExportInfo {
            export: self.export,
            target: self.target.clone(),
            unit: self.unit,
            ok: (last.success.is_some() || last.error.is_some()).then(|| last.is_ok()),
            sent: self.sent.load(Relaxed),
            queued: self.queued.load(Relaxed),
            dropped: too_slow + queue_full + refused + failed,
            dropped_by,
            retries: self.retries.load(Relaxed),
            last_success: last.success.map(rfc3339),
            last_error: last
                .error
                .map(|(time, message)| LastError { time: rfc3339(time), message }),
        }
    }
}

impl Last {
    fn is_ok(&self) -> bool {
        match (&self.success, &self.error) {
            (Some(success), Some((error, _))) => success > error,
            (_, error) => error.is_none(),
        }
    }
}
