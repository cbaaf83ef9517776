//! The store as the API shows it.

use std::path::PathBuf;

use serde::Serialize;

/// The store as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = StoreStatus)]
pub struct Status {
    /// The database.
    #[schema(value_type = String)]
    pub path: PathBuf,
    /// What it takes on the disk, with its log.
    pub bytes: u64,
    /// What it may take.
    pub most_bytes: u64,
    /// The last commit, as RFC 3339; none if there was none yet.
    pub last_commit: Option<String>,
    /// How long ago that is, in seconds.
    pub age_s: Option<f64>,
    /// How long that took.
    pub commit_ms: f64,
    /// Kept events that are stored.
    pub events: u64,
    /// Kept events that could not be stored.
    pub dropped: u64,
    /// Why nothing is stored at the moment.
    pub error: Option<String>,
    /// What was there when this process began.
    pub restored: Option<Restored>,
    /// Where a database was put that was of no use.
    #[schema(value_type = Option<String>)]
    pub put_aside: Option<PathBuf>,
    /// Scripts of before that are not at work. They stay in the store.
    pub refused: Vec<Refused>,
    /// Whether tables and scripts leave any room.
    #[serde(skip)]
    pub(super) has_room: bool,
}

/// What was there when this process began.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Restored {
    /// The commit that all is as of, as RFC 3339.
    pub last_commit: String,
    /// How old that was when this process began, in seconds: what came meanwhile is lost.
    pub age_s: f64,
    /// Whether the process before ended by itself, having written all there was.
    pub complete: bool,
    /// Tables.
    pub tables: usize,
    /// Scripts that were loaded over the API, and are at work again.
    pub scripts: usize,
}

/// A script of before that is not at work.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Refused {
    /// Its name.
    pub script: String,
    /// Why.
    pub error: String,
}

impl Status {
    pub(super) fn new(path: PathBuf, most_bytes: u64) -> Self {
        Self {
            path,
            bytes: 0,
            most_bytes,
            last_commit: None,
            age_s: None,
            commit_ms: 0.0,
            events: 0,
            dropped: 0,
            error: None,
            restored: None,
            put_aside: None,
            refused: Vec::new(),
            has_room: true,
        }
    }
}
