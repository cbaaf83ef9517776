//! The scripts in columns.

use serde_json::Value;

use crate::cli::columns::{Align, columns};

const HEAD: [(&str, Align); 11] = [
    ("NAME", Align::Left),
    ("STATE", Align::Left),
    ("VERSION", Align::Left),
    ("LANGUAGE", Align::Left),
    ("PIPELINES", Align::Left),
    ("EVENTS", Align::Right),
    ("KEPT", Align::Right),
    ("P50", Align::Right),
    ("P99", Align::Right),
    ("MEMORY", Align::Right),
    ("FAULTS", Align::Right),
];

/// The scripts of an answer: of a list, or one.
pub fn table(answer: &Value) -> String {
    let one = std::slice::from_ref(answer);
    let scripts = answer["scripts"].as_array().map_or(one, Vec::as_slice);
    if scripts.is_empty() {
        return "no scripts are loaded: weir script load FILE\n".to_owned();
    }
    let mut table = columns(&HEAD, scripts.iter().map(row));
    for script in scripts {
        let why = script["state_why"].as_str();
        let fault = script["faults"]["last"]["message"].as_str();
        let fault = fault.map(|fault| format!("last fault: {fault}"));
        for line in why.map(str::to_owned).into_iter().chain(fault) {
            table.push_str(&format!("{}: {line}\n", text(&script["name"])));
        }
    }
    table
}

fn row(script: &Value) -> Vec<String> {
    let pipelines = script["pipelines"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let number = |value: &Value| value.as_u64().map_or_else(|| "-".to_owned(), |n| n.to_string());
    let ns = |value: &Value| value.as_u64().map_or_else(|| "-".to_owned(), |ns| format!("{ns} ns"));
    let faults = &script["faults"];
    let faults =
        faults["trapped"].as_u64().unwrap_or(0) + faults["timed_out"].as_u64().unwrap_or(0);
    vec![
        text(&script["name"]),
        text(&script["state"]),
        text(&script["version"]),
        text(&script["language"]),
        pipelines.collect::<Vec<_>>().join(","),
        number(&script["events_in"]),
        number(&script["kept"]),
        ns(&script["p50_ns"]),
        ns(&script["p99_ns"]),
        script["memory_bytes"].as_u64().map_or_else(|| "-".to_owned(), bytes),
        faults.to_string(),
    ]
}

fn text(value: &Value) -> String {
    value.as_str().filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

/// A size for people.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_per_script_and_what_is_wrong_below() {
        let script = json!({"name": "e1", "state": "paused", "state_why": "starts afresh", "version": "",
            "language": "rust", "pipelines": ["e1", "all"], "events_in": 12, "kept": 3, "p50_ns": 40,
            "p99_ns": null, "memory_bytes": 1_572_864,
            "faults": {"trapped": 1, "timed_out": 1, "last": {"message": "unreachable"}}});
        let expected = "\
NAME  STATE   VERSION  LANGUAGE  PIPELINES  EVENTS  KEPT    P50  P99   MEMORY  FAULTS
e1    paused  -        rust      e1,all         12     3  40 ns    -  1.5 MiB       2
e1: starts afresh
e1: last fault: unreachable
";
        assert_eq!(table(&json!({"scripts": [script]})), expected);
        assert_eq!(table(&script), expected);
        assert!(table(&json!({"scripts": []})).contains("weir script load"));
    }

    #[test]
    fn sizes() {
        assert_eq!(
            (bytes(7), bytes(1536), bytes(3 << 20)),
            ("7 B".into(), "1.5 KiB".into(), "3.0 MiB".into())
        );
    }
}
