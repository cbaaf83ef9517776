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
    pub emitted: Vec<String>,
    /// What is known of processes.
    pub processes: BTreeMap<u32, String>,
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

/// Hands on a result that is no row of a table: a JSON object, shown with the script. It counts when the batch or
/// tick at hand ends well.
pub fn emit(json: &str) {
    with(|recorder| recorder.emitted.push(json.to_owned()));
}

pub fn process(pid: u32, to: &mut [u8]) -> Option<usize> {
    with(|recorder| recorder.processes.get(&pid).map(|known| write(known, to)))
}

/// Writes as much as fits and returns the whole length.
fn write(text: &str, to: &mut [u8]) -> usize {
    let fits = text.len().min(to.len());
    to[..fits].copy_from_slice(&text.as_bytes()[..fits]);
    text.len()
}

pub fn param(name: &str, to: &mut [u8]) -> Option<usize> {
    with(|recorder| recorder.params.get(name).map(|value| write(value, to)))
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
