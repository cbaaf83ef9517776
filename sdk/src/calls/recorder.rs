//! The host, where there is none: it answers from what a test set, and remembers what the script asked for.
//! Each thread has its own, so tests run side by side.

use std::{cell::RefCell, collections::BTreeMap};

use super::log::Level;
use crate::table::rows;

/// What a script asked of the host.
#[derive(Debug, Default)]
pub struct Recorder {
    pub params: BTreeMap<String, String>,
    /// Kind, name, options.
    pub tables: Vec<(u32, String, String)>,
    /// Table, key, value.
    pub added: Vec<(u32, Vec<u8>, u64)>,
    /// The tables of the calls that these came by.
    pub flushes: Vec<u32>,
    /// Event, name, value.
    pub attrs: Vec<(u32, Vec<u8>, Vec<u8>)>,
    pub lines: Vec<(Level, String)>,
}

thread_local! {
    static RECORDER: RefCell<Recorder> = RefCell::default();
}

/// Looks at this thread's recorder.
pub fn with<R>(look: impl FnOnce(&mut Recorder) -> R) -> R {
    RECORDER.with_borrow_mut(look)
}

pub fn attr(event: u32, name: &[u8], value: &[u8]) {
    with(|recorder| recorder.attrs.push((event, name.to_vec(), value.to_vec())));
}

/// Adds a line to the script's log, which the page shows. The host takes some hundred lines a second and
/// cuts long ones; a line takes formatting, so none per event.
pub fn log(level: Level, text: &str) {
    with(|recorder| recorder.lines.push((level, text.to_owned())));
}

pub fn param(name: &str, to: &mut [u8]) -> Option<usize> {
    with(|recorder| {
        let value = recorder.params.get(name)?.as_bytes();
        let fits = value.len().min(to.len());
        to[..fits].copy_from_slice(&value[..fits]);
        Some(value.len())
    })
}

pub fn table_add_many(table: u32, rows: &[u8]) {
    with(|recorder| {
        recorder.flushes.push(table);
        rows::each(rows, |row| recorder.added.push((table, row.key.to_vec(), row.value)));
    });
}

pub fn table_open(kind: u32, name: &str, options: &str) -> u32 {
    with(|recorder| {
        let table = (kind, name.to_owned(), options.to_owned());
        let known = recorder.tables.iter().position(|known| *known == table);
        known.unwrap_or_else(|| {
            recorder.tables.push(table);
            recorder.tables.len() - 1
        }) as u32
    })
}
