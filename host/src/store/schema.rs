//! The database file: opened, brought to the newest schema, or put aside if it is of no use.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use rustix::fs::{FlockOperation, flock};

use super::Error;

/// The file's name in the data folder.
pub const FILE: &str = "store.db";
/// `WEIR`: what SQLite's header says of whose the file is.
const APPLICATION: i32 = 0x5745_4952;
/// Each brings the schema one version further.
pub const MIGRATIONS: [&str; 2] =
    [include_str!("schema/1_scripts_tables.sql"), include_str!("schema/2_events.sql")];
/// How long one connection waits for another.
const PATIENCE: Duration = Duration::from_secs(5);

/// Held as long as this process stores there. The kernel lets go of it however the process ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "it is there to be open")] File);

/// Makes sure that no other process stores in this folder.
pub fn lock(folder: &Path) -> Result<Lock, Error> {
    let path = folder.join("store.lock");
    let flags = libc::O_NOFOLLOW | libc::O_CLOEXEC;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(flags)
        .open(&path);
    let file = file.map_err(|source| Error::File { path: path.clone(), source })?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Lock(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::Locked(folder.join(FILE))),
        Err(error) => Err(Error::File { path, source: error.into() }),
    }
}

/// Opens the database to write, and makes or migrates it if need be. Whether it was there before.
pub fn open(folder: &Path) -> Result<(Connection, bool), Error> {
    let path = folder.join(FILE);
    let was_there = match fs::symlink_metadata(&path) {
        Ok(meta) if !meta.is_file() => return Err(Error::Foreign),
        Ok(meta) => meta.len() > 0,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // SQLite would make it readable for others.
            let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path);
            made.map_err(|source| full_or(&path, source))?;
            false
        }
        Err(source) => return Err(Error::File { path, source }),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut database = Connection::open_with_flags(&path, flags)?;
    database.busy_timeout(PATIENCE)?;
    let version: u32 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i32 = database.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let known = MIGRATIONS.len() as u32;
    let is_empty =
        database.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, version) {
        (APPLICATION, 1..) if version <= known => {}
        (APPLICATION, _) if version > known => return Err(Error::Newer { found: version, known }),
        (_, 0) if is_empty => {}
        _ => return Err(Error::Foreign),
    }
    if version == 0 {
        // Only while nothing is in it.
        database.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    database.pragma_update(None, "journal_mode", "WAL")?;
    // After a crash of this process every commit is there; after one of the machine the last may not be.
    database.pragma_update(None, "synchronous", "NORMAL")?;
    database.pragma_update(None, "journal_size_limit", 16 << 20)?;
    database.pragma_update(None, "foreign_keys", true)?;
    migrate(&mut database, version)?;
    Ok((database, was_there && version > 0))
}

/// Opens the database to read, beside the one that writes.
pub fn open_to_read(folder: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let database = Connection::open_with_flags(folder.join(FILE), flags)?;
    database.busy_timeout(PATIENCE)?;
    Ok(database)
}

fn migrate(database: &mut Connection, from: u32) -> Result<(), Error> {
    for (version, step) in (1..).zip(MIGRATIONS).filter(|(version, _)| *version > from) {
        let one = database.transaction()?;
        one.execute_batch(step)?;
        one.pragma_update(None, "application_id", APPLICATION)?;
        one.pragma_update(None, "user_version", version)?;
        one.commit()?;
        if from > 0 {
            tracing::info!("the store is migrated to schema {version}");
        }
    }
    Ok(())
}

/// Renames the database, with what belongs to it, so that a new one can take its place.
pub fn put_aside(folder: &Path, now: std::time::SystemTime) -> Result<PathBuf, Error> {
    let stamp = humantime::format_rfc3339_seconds(now).to_string().replace(':', "");
    let aside = (0..).map(|number| folder.join(format!("{FILE}.aside-{stamp}-{number}")));
    let mut free = aside.filter(|path| fs::symlink_metadata(path).is_err());
    let aside = free.next().expect("some number is free");
    for suffix in ["", "-wal", "-shm"] {
        let from = folder.join(format!("{FILE}{suffix}"));
        let mut to = aside.clone().into_os_string();
        to.push(suffix);
        match fs::rename(&from, &to) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::File { path: from, source });
            }
            _ => {}
        }
    }
    Ok(aside)
}

fn full_or(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full,
        _ => Error::File { path: path.to_owned(), source },
    }
}
