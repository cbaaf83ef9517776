//! The account of every call, as JSON and as printed.

use std::collections::BTreeMap;

use serde_json::Value;

/// A row of a ledger.
pub fn row(ledger: &Value, name: &str) -> u64 {
    ledger[name].as_u64().unwrap_or_else(|| panic!("no row {name} in {ledger}"))
}

/// The rows of one pipeline.
pub fn pipeline<'a>(ledger: &'a Value, name: &str) -> &'a Value {
    let pipelines = ledger["pipelines"].as_array().unwrap();
    let found = pipelines.iter().find(|pipeline| pipeline["name"] == name);
    found.unwrap_or_else(|| panic!("no pipeline {name} in {ledger}"))
}

const ROWS: [&str; 6] =
    ["filtered_in_kernel", "ring_full", "unpaired", "undecodable", "delivered", "in_flight"];
const PIPELINE_ROWS: [&str; 7] =
    ["kept", "dropped_by_script", "queue_full", "trapped", "timed_out", "quarantined", "queued"];

/// Asserts that every call is in exactly one row.
pub fn check(ledger: &Value) {
    let sum = |of: &Value, rows: &[&str]| rows.iter().map(|name| row(of, name)).sum::<u64>();
    assert_eq!(row(ledger, "seen"), sum(ledger, &ROWS), "{ledger}");
    let unpaired_by = ["no_slot", "overwritten", "thread_exit", "at_stop", "too_many"];
    assert_eq!(row(ledger, "unpaired"), sum(&ledger["unpaired_by"], &unpaired_by), "{ledger}");
    for pipeline in ledger["pipelines"].as_array().unwrap() {
        assert_eq!(row(pipeline, "delivered"), sum(pipeline, &PIPELINE_ROWS), "{pipeline}");
    }
}

/// Rows by the name of their part: empty for the whole, else the pipeline's.
pub type Rows = BTreeMap<(String, String), u64>;

/// The rows of a ledger.
pub fn rows(ledger: &Value) -> Rows {
    let mut rows = Rows::new();
    for name in ["seen"].into_iter().chain(ROWS) {
        rows.insert((String::new(), name.to_owned()), row(ledger, name));
    }
    for pipeline in ledger["pipelines"].as_array().unwrap() {
        for name in ["delivered"].into_iter().chain(PIPELINE_ROWS) {
            let part = pipeline["name"].as_str().unwrap().to_owned();
            rows.insert((part, name.to_owned()), row(pipeline, name));
        }
    }
    rows
}

/// What stands on stdout: `ledger` or `pipeline NAME`, and below it rows like `  + kept   12`.
pub fn printed(lines: &[String]) -> Rows {
    let mut rows = Rows::new();
    let mut part = None;
    for line in lines {
        if line == "ledger" {
            part = Some(String::new());
        } else if let Some(name) = line.strip_prefix("pipeline ") {
            part = Some(name.to_owned());
        } else if let Some(part) = &part {
            let words: Vec<_> = line.split_whitespace().collect();
            let [.., name, count] = words[..] else { panic!("not a row: {line:?}") };
            rows.insert((part.clone(), name.to_owned()), count.parse().unwrap());
        }
    }
    rows
}
