//! The tables of a guest, against those of the same values added here.

use serde_json::Value;
use weir::{
    decode::Batch,
    table::{Kind, Options, Query, Tables},
};
use weir_sdk::event::CALL_NAMES;

use super::guest::Guest;

const NAMES: [&str; 6] = ["counter", "histogram", "gauge", "topk", "distinct", "rate"];
/// A distinct count is given threads, the others bytes.
const DISTINCT: usize = 4;

/// Checks the tables of a guest that was given the batch twice.
pub fn check(guest: &Guest, tables: &Tables, batch: &Batch) {
    check_times(guest, tables, batch, 2);
}

/// The same of one that was given it once.
pub fn check_once(guest: &Guest, tables: &Tables, batch: &Batch) {
    check_times(guest, tables, batch, 1);
}

fn check_times(guest: &Guest, tables: &Tables, batch: &Batch, times: usize) {
    let expected = Tables::default();
    // Rust has an instrument for each of these by itself.
    let kinds = if guest.language == "rust" { &NAMES[..2] } else { &NAMES };
    for (number, name) in kinds.iter().enumerate() {
        let kind = Kind::from_number(number as u32).unwrap();
        let labels = ["process", "call"].map(str::to_owned).to_vec();
        let options = Options { labels, unit: "1".to_owned(), ..Options::default() };
        let index = expected.open(name, kind, options).unwrap();
        for head in std::iter::repeat_n(&batch.heads, times).flatten() {
            let comm = head.comm.split(|&byte| byte == 0).next().unwrap();
            let call = CALL_NAMES[usize::from(head.call) - 1].as_bytes();
            let key = [comm, b"\0", call].concat();
            let value = if number == DISTINCT { head.tid.into() } else { head.bytes };
            expected.apply(&[(index, 0..key.len(), value)], &key, batch.now_ns);
        }
        assert_eq!(rows(tables, name, batch.now_ns), rows(&expected, name, batch.now_ns), "{name}");
    }
}

fn rows(tables: &Tables, name: &str, now_ns: u64) -> Value {
    let table = tables.copy(name).unwrap_or_else(|| panic!("there is no table {name}"));
    let all = Query { sort: None, descending: true, limit: usize::MAX, now_ns };
    let (mut rows, other) = table.rows(&all).unwrap();
    rows.sort_by_key(|row| serde_json::to_string(row).unwrap());
    assert!(other.is_none() && rows.len() > 1);
    serde_json::to_value((table.kind(), table.options(), rows)).unwrap()
}
