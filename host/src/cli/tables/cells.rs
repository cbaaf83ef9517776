//! The rows of a table as text, by the table's kind and unit.

use serde_json::Value;

use crate::cli::{events::duration, script::bytes};

/// What a kind shows of a row, beside its key.
fn columns_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "histogram" => &["count", "p50", "p90", "p99", "max"],
        "gauge" => &["value", "set"],
        "topk" => &["value", "error"],
        "rate" => &["per_second", "value"],
        _ => &["value"],
    }
}

/// The names of the columns: the labels, then what the kind has.
pub fn heads(table: &Value) -> Vec<String> {
    let labels = table["labels"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let values = columns_of(table["kind"].as_str().unwrap_or_default()).iter().copied();
    labels.chain(values).map(|name| plain(name).to_uppercase()).collect()
}

/// One row in these columns.
pub fn cells(table: &Value, row: &Value) -> Vec<String> {
    let labels = table["labels"].as_array().map_or(0, Vec::len);
    let key = row["key"].as_array().map_or(&[][..], Vec::as_slice);
    let unit = table["unit"].as_str().unwrap_or_default();
    let label = |at: usize| plain(key.get(at).and_then(Value::as_str).unwrap_or_default());
    let value = |name: &&str| match (*name, &row[*name]) {
        ("count", value) => number(value),
        ("set", value) => value.as_str().unwrap_or("-").to_owned(),
        (_, value) => in_unit(value, unit),
    };
    let kind = table["kind"].as_str().unwrap_or_default();
    (0..labels).map(label).chain(columns_of(kind).iter().map(value)).collect()
}

fn in_unit(value: &Value, unit: &str) -> String {
    match (value.as_u64(), unit) {
        (Some(value), "ns") => duration(value),
        (Some(value), "By") => bytes(value),
        _ => number(value),
    }
}

fn number(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        value if value.is_f64() => format!("{:.1}", value.as_f64().unwrap_or_default()),
        value => value.to_string(),
    }
}

/// A text without what a terminal would take for orders.
pub fn plain(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect()
}
