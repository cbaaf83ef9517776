//! The tables of one script in one pipeline.

use std::{
    ops::Range,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use super::{Kind, MAX_KEYS, Options, Table};

/// Most tables of one script.
const MAX_TABLES: usize = 64;
/// Most labels of a key.
const MAX_LABELS: usize = 4;
/// Longest name of a table in bytes.
const MAX_NAME_BYTES: usize = 64;

/// The tables of one script in one pipeline. They belong to the host and outlive the instance; the
/// lock is taken once per batch.
#[derive(Debug)]
pub struct Tables {
    tables: Mutex<Vec<(String, Table)>>,
    max_keys: AtomicUsize,
}

impl Default for Tables {
    fn default() -> Self {
        Self { tables: Mutex::default(), max_keys: MAX_KEYS.into() }
    }
}

impl Tables {
    fn lock(&self) -> MutexGuard<'_, Vec<(String, Table)>> {
        self.tables.lock().expect("no panic while locked")
    }

    /// Sets how many rows each table may have. Rows beyond that stay; further keys go into `other`.
    pub fn limit_keys(&self, max_keys: usize) {
        if self.max_keys.swap(max_keys, Relaxed) != max_keys {
            self.lock().iter_mut().for_each(|(_, table)| table.max_keys = max_keys);
        }
    }

    /// Finds or makes a table and returns its index.
    pub fn open(&self, name: &str, kind: Kind, options: Options) -> Result<usize, String> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return Err(format!("the name of a table has 1 to {MAX_NAME_BYTES} bytes"));
        }
        if options.labels.is_empty() || options.labels.len() > MAX_LABELS {
            return Err(format!(
                "table `{name}` has {} labels; a key has 1 to {MAX_LABELS}",
                options.labels.len()
            ));
        }
        let mut tables = self.lock();
        if let Some(index) = tables.iter().position(|(known, _)| known == name) {
            let table = &mut tables[index].1;
            if table.kind != kind || table.options.labels != options.labels {
                return Err(format!(
                    "table `{name}` exists with another kind or other labels: choose another name"
                ));
            }
            table.options = options;
            return Ok(index);
        }
        if tables.len() == MAX_TABLES {
            return Err(format!("a script has at most {MAX_TABLES} tables"));
        }
        let mut table = Table::new(kind, options);
        table.max_keys = self.max_keys.load(Relaxed);
        tables.push((name.to_owned(), table));
        Ok(tables.len() - 1)
    }

    /// Adds values: table, key in `keys`, value.
    pub fn apply(&self, updates: &[(usize, Range<usize>, u64)], keys: &[u8]) {
        if updates.is_empty() {
            return;
        }
        let mut tables = self.lock();
        for (table, key, value) in updates {
            tables[*table].1.add(&keys[key.clone()], *value);
        }
    }

    /// Hands each table to `see`.
    pub fn each(&self, mut see: impl FnMut(&str, &Table)) {
        for (name, table) in self.lock().iter() {
            see(name, table);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(labels: &[&str]) -> Options {
        Options {
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            ..Options::default()
        }
    }

    #[test]
    fn opening_again_finds_the_same_table() {
        let tables = Tables::default();
        let index = tables.open("calls", Kind::Counter, options(&["process"])).unwrap();
        tables.apply(&[(index, 0..1, 2), (index, 0..1, 3)], b"x");
        assert_eq!(tables.open("calls", Kind::Counter, options(&["process"])), Ok(index));
        let mut seen = 0;
        tables.each(|name, table| {
            assert_eq!((name, table.len()), ("calls", 1));
            seen += 1;
        });
        assert_eq!(seen, 1);
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let tables = Tables::default();
        tables.open("calls", Kind::Counter, options(&["process"])).unwrap();
        for (name, kind, labels) in [
            ("calls", Kind::Histogram, &["process"][..]),
            ("calls", Kind::Counter, &["destination"]),
            ("", Kind::Counter, &["process"]),
            ("none", Kind::Counter, &[]),
            ("five", Kind::Counter, &["a", "b", "c", "d", "e"]),
        ] {
            tables.open(name, kind, options(labels)).unwrap_err();
        }
    }
}
