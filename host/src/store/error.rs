//! What can be wrong with the store.

use std::{io, path::PathBuf};

use rusqlite::ErrorCode;

/// Why something cannot be stored or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process stores there.
    #[error("{} is in use by another weir: give this one a --data-dir of its own", .0.display())]
    Locked(PathBuf),
    /// A file that cannot be made, opened or renamed.
    #[error("cannot use {}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No room.
    #[error("the disk of the data folder is full: make room there")]
    Full,
    /// What is stored is damaged.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// Written by something else.
    #[error("the file is no database of weir")]
    Foreign,
    /// Written by a later version.
    #[error("the database is of a later version of weir (schema {found}, this one knows {known})")]
    Newer {
        /// Its version.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// There is no database, so that nothing can be found.
    #[error("nothing is stored: {0}")]
    NotStored(String),
    /// Anything else that SQLite says.
    #[error("the database: {0}")]
    Database(rusqlite::Error),
}

impl Error {
    /// Whether the file itself is of no use, so that a new one is to take its place.
    pub fn is_of_file(&self) -> bool {
        matches!(self, Self::Damaged(_) | Self::Foreign | Self::Newer { .. })
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::NotADatabase) => Self::Foreign,
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            _ => match error {
                // A type or value that this version did not write.
                rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::FromSqlConversionFailure(..) => Self::Damaged(error.to_string()),
                error => Self::Database(error),
            },
        }
    }
}
