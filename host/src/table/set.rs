//! The tables of one script in one pipeline.

use std::{
    ops::Range,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use super::{Kind, MAX_KEYS, Options, OptionsError, Table};

/// Most tables of one script.
const MAX_TABLES: usize = 64;
/// Longest name of a table in bytes.
const MAX_NAME_BYTES: usize = 64;

/// The tables of one script in one pipeline. They belong to the host and outlive the instance; the
/// lock is taken once per batch.
#[derive(Debug)]
pub struct Tables {
    /// Most rows of a table, whatever the script says.
    max_keys: AtomicUsize,
    all: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    table: Table,
    /// It was there before this process, and no script has opened it yet.
    restored: bool,
}

/// A value that is added to a table: its index, where its key lies, the value.
pub type Update = (usize, Range<usize>, u64);

/// Why a table cannot be opened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No name, or too long a one.
    #[error("the name of a table has 1 to {MAX_NAME_BYTES} bytes, not {0}")]
    Name(usize),
    /// The options make no sense.
    #[error("table `{name}`: {source}")]
    Options {
        /// The table.
        name: String,
        /// What is wrong.
        source: OptionsError,
    },
    /// It exists, and is another.
    #[error("table `{0}` exists with another kind, labels or window: choose another name")]
    Another(String),
    /// The script has too many.
    #[error("table `{0}`: a script has at most {MAX_TABLES} tables")]
    TooMany(String),
}

/// Scripts are told of an error as a text.
impl From<OpenError> for String {
    fn from(error: OpenError) -> Self {
        error.to_string()
    }
}

impl Default for Tables {
    fn default() -> Self {
        Self { max_keys: MAX_KEYS.into(), all: Mutex::default() }
    }
}

impl Tables {
    /// Sets how many rows each table may have at most, whatever the script says. Rows beyond that stay;
    /// further keys go into `other`.
    pub fn limit_keys(&self, max_keys: usize) {
        if self.max_keys.swap(max_keys, Relaxed) != max_keys {
            self.lock().iter_mut().for_each(|entry| entry.table.limit_keys(max_keys));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.all.lock().expect("no panic while locked")
    }

    /// Finds or makes a table and returns its index.
    pub fn open(&self, name: &str, kind: Kind, options: Options) -> Result<usize, OpenError> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return Err(OpenError::Name(name.len()));
        }
        options
            .check(kind)
            .map_err(|source| OpenError::Options { name: name.to_owned(), source })?;
        let mut tables = self.lock();
        let max_keys = self.max_keys.load(Relaxed);
        if let Some(index) = tables.iter().position(|entry| entry.name == name) {
            let entry = &mut tables[index];
            if entry.table.is_like(kind, &options) {
                entry.table.reopen(options, max_keys);
            } else if entry.restored {
                // Of a version of the script that never ran in this process.
                entry.table = Table::new(kind, options, max_keys);
            } else {
                return Err(OpenError::Another(name.to_owned()));
            }
            entry.restored = false;
            return Ok(index);
        }
        if tables.len() == MAX_TABLES {
            return Err(OpenError::TooMany(name.to_owned()));
        }
        let table = Table::new(kind, options, max_keys);
        tables.push(Entry { name: name.to_owned(), table, restored: false });
        Ok(tables.len() - 1)
    }

    /// These tables as they were before this process. A script that opens one with another kind, labels
    /// or window gets a new one.
    pub fn restored(tables: impl IntoIterator<Item = (String, Table)>) -> Self {
        let entries = tables.into_iter().take(MAX_TABLES);
        let entries = entries.map(|(name, table)| Entry { name, table, restored: true });
        Self { max_keys: MAX_KEYS.into(), all: Mutex::new(entries.collect()) }
    }

    /// Adds values, at a time: that of the batch, or of the tick. The keys lie in `keys`.
    pub fn apply(&self, updates: &[Update], keys: &[u8], now_ns: u64) {
        if updates.is_empty() {
            return;
        }
        let mut tables = self.lock();
        for (table, key, value) in updates {
            tables[*table].table.add(&keys[key.clone()], *value, now_ns);
        }
    }

    /// Copies of all tables as they are at one moment, between two batches. Under the lock nothing is done
    /// that takes longer the more the rows hold.
    pub fn copies(&self) -> Vec<(String, Table)> {
        self.lock().iter().map(|entry| (entry.name.clone(), entry.table.clone())).collect()
    }

    /// Hands each table to `see`.
    pub fn each(&self, mut see: impl FnMut(&str, &Table)) {
        for (name, table) in self.copies() {
            see(&name, &table);
        }
    }

    /// A copy of one table as it is now.
    pub fn copy(&self, name: &str) -> Option<Table> {
        self.lock().iter().find(|entry| entry.name == name).map(|entry| entry.table.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(json: &str) -> Options {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn opening_again_finds_the_same_table() {
        let tables = Tables::default();
        let process = || options(r#"{"labels":["process"]}"#);
        let index = tables.open("calls", Kind::Counter, process()).unwrap();
        tables.apply(&[(index, 0..1, 2), (index, 0..1, 3)], b"x", 0);
        assert_eq!(tables.open("calls", Kind::Counter, process()), Ok(index));
        let copies = tables.copies();
        assert_eq!((copies.len(), &copies[0].0[..], copies[0].1.len()), (1, "calls", 1));
        assert_eq!(tables.copy("calls").unwrap().len(), 1);
        assert!(tables.copy("other").is_none());
    }

    #[test]
    fn the_cap_is_the_scripts_up_to_the_hosts() {
        let tables = Tables::default();
        tables.limit_keys(3);
        for (at, (json, keys)) in [
            (r#"{"labels":["a"]}"#, 3),
            (r#"{"labels":["a"],"max_keys":2}"#, 2),
            (r#"{"labels":["a"],"max_keys":9}"#, 3),
        ]
        .into_iter()
        .enumerate()
        {
            // As one table that is opened again, and as one of its own.
            for name in ["one".to_owned(), format!("own {at}")] {
                tables.open(&name, Kind::Gauge, options(json)).unwrap();
                assert_eq!(tables.copy(&name).unwrap().max_keys(), keys, "{json}");
            }
        }
        tables.limit_keys(5);
        assert_eq!(tables.copy("own 0").unwrap().max_keys(), 5);
        assert_eq!(tables.copy("own 1").unwrap().max_keys(), 2);
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let tables = Tables::default();
        let json = r#"{"labels":["process"]}"#;
        tables.open("calls", Kind::Counter, options(json)).unwrap();
        tables.open("rate", Kind::Rate, options(json)).unwrap();
        let another = |name: &str| OpenError::Another(name.into());
        let error = |name: &str, kind, json| tables.open(name, kind, options(json)).unwrap_err();
        assert_eq!(error("calls", Kind::Histogram, json), another("calls"));
        assert_eq!(error("calls", Kind::Counter, r#"{"labels":["x"]}"#), another("calls"));
        let other_window = r#"{"labels":["process"],"window_s":61}"#;
        assert_eq!(error("rate", Kind::Rate, other_window), another("rate"));
        tables
            .open("rate", Kind::Rate, options(r#"{"labels":["process"],"window_s":60}"#))
            .unwrap();
        assert_eq!(error("", Kind::Counter, json), OpenError::Name(0));
        assert_eq!(
            error("none", Kind::Counter, "{}").to_string(),
            "table `none`: it has 0 labels: a key has 1 to 4"
        );
        for number in 2..MAX_TABLES {
            tables.open(&format!("{number}"), Kind::Counter, options(json)).unwrap();
        }
        assert_eq!(error("more", Kind::Counter, json), OpenError::TooMany("more".into()));
    }
}
