//! The live view of `weir run`: what happens in this second.

use serde_json::Value;

use crate::cli::{
    columns::{Align, columns},
    events::duration,
    look::Look,
    script::bytes,
    tables::{cells, heads, plain},
};

/// Rows of the ledger that are losses.
const LOST: [&str; 3] = ["ring_full", "unpaired", "undecodable"];
/// Rows of a pipeline that are losses.
const PIPELINE_LOST: [&str; 4] = ["queue_full", "trapped", "timed_out", "quarantined"];

/// The lines of a view, each at most `width` wide.
pub fn lines(
    before: &Look,
    now: &Look,
    tables: &[Value],
    width: usize,
    height: usize,
) -> Vec<String> {
    let mut text = Vec::new();
    let seconds = seconds(before, now);
    let rate = |before: &Value, now: &Value, name: &str| rate(before, now, name, seconds);
    text.push(rates(before, now));
    text.push(format!("ledger: {}", sum(&now.ledger)));
    let pipelines = now.ledger["pipelines"].as_array().map_or(&[][..], Vec::as_slice);
    let known = |name: &Value| {
        let all = before.ledger["pipelines"].as_array().into_iter().flatten();
        all.into_iter().find(|one| one["name"] == *name).unwrap_or(&Value::Null)
    };
    let head = [
        ("PIPELINE", Align::Left),
        ("EVENTS/S", Align::Right),
        ("KEPT/S", Align::Right),
        ("DROPPED/S", Align::Right),
        ("KEPT", Align::Right),
        ("LOST", Align::Right),
        ("", Align::Left),
    ];
    let rows = pipelines.iter().map(|now| {
        let before = known(&now["name"]);
        vec![
            now["name"].as_str().unwrap_or_default().to_owned(),
            rate(before, now, "delivered"),
            rate(before, now, "kept"),
            rate(before, now, "dropped_by_script"),
            count(now, "kept").to_string(),
            PIPELINE_LOST.iter().map(|row| count(now, row)).sum::<u64>().to_string(),
            losses(now, &PIPELINE_LOST),
        ]
    });
    text.extend(table(&head, rows));
    if !now.scripts.is_empty() {
        text.extend(scripts(before, now));
    }
    for one in tables {
        // A head and a row, at least.
        let room = (height / 2).min(height.saturating_sub(text.len() + 2));
        if room < 2 {
            break;
        }
        text.push(String::new());
        text.extend(rows_of(one).into_iter().take(room));
    }
    text.truncate(height);
    text.iter().map(|line| line.chars().take(width).collect()).collect()
}

/// The backend, and what happens in a second.
pub fn rates(before: &Look, now: &Look) -> String {
    let backend = now.backend["name"].as_str().unwrap_or("-");
    let rate = |name: &str| rate(&before.ledger, &now.ledger, name, seconds(before, now));
    format!(
        "{backend}: {} calls/s seen, {} delivered, {} filtered in the kernel",
        rate("seen"),
        rate("delivered"),
        rate("filtered_in_kernel"),
    )
}

/// The scripts in columns, below a head.
pub fn scripts(before: &Look, now: &Look) -> Vec<String> {
    let seconds = seconds(before, now);
    let head = [
        ("SCRIPT", Align::Left),
        ("STATE", Align::Left),
        ("EVENTS/S", Align::Right),
        ("KEPT", Align::Right),
        ("P50", Align::Right),
        ("P99", Align::Right),
        ("CORE", Align::Right),
        ("MEMORY", Align::Right),
        ("FAULTS", Align::Right),
    ];
    let rows = now.scripts.iter().map(|script| {
        let known = before.scripts.iter().find(|one| one["name"] == script["name"]);
        let come = known.map_or(0, |known| count(known, "events_in"));
        let cost = |name: &str| script[name].as_u64().map_or_else(|| "-".to_owned(), duration);
        let faults = &script["faults"];
        vec![
            script["name"].as_str().unwrap_or_default().to_owned(),
            script["state"].as_str().unwrap_or_default().to_owned(),
            per_second(count(script, "events_in").saturating_sub(come), seconds),
            count(script, "kept").to_string(),
            cost("p50_ns"),
            cost("p99_ns"),
            format!("{:.1}%", script["core_share"].as_f64().unwrap_or(0.0) * 100.0),
            bytes(count(script, "memory_bytes")),
            (count(faults, "trapped") + count(faults, "timed_out")).to_string(),
        ]
    });
    table(&head, rows)
}

/// The first rows of a table, below its name.
fn rows_of(of: &Value) -> Vec<String> {
    let heads = heads(of);
    let labels = of["labels"].as_array().map_or(0, Vec::len);
    let align = |at: usize| if at < labels { Align::Left } else { Align::Right };
    let head: Vec<_> =
        heads.iter().enumerate().map(|(at, head)| (head.as_str(), align(at))).collect();
    let rows = of["row_list"].as_array().into_iter().flatten();
    let text = |name: &str| plain(of[name].as_str().unwrap_or_default());
    let title = format!("{} {} ({} rows)", text("script"), text("table"), count(of, "rows"));
    std::iter::once(title).chain(table(&head, rows.map(|row| cells(of, row)))).collect()
}

fn table(head: &[(&str, Align)], rows: impl IntoIterator<Item = Vec<String>>) -> Vec<String> {
    columns(head, rows).lines().map(str::to_owned).collect()
}

/// The ledger as the sum that it is. Rows that are nothing are left out.
pub fn sum(ledger: &Value) -> String {
    let rows = ["filtered_in_kernel", "ring_full", "unpaired", "undecodable", "in_flight"];
    let mut text =
        format!("{} seen = {} delivered", count(ledger, "seen"), count(ledger, "delivered"));
    for row in rows {
        let count = count(ledger, row);
        if count > 0 {
            text.push_str(&format!(" + {count} {row}"));
        }
    }
    let lost: u64 = LOST.iter().map(|row| count(ledger, row)).sum();
    text + &if lost == 0 { "; none lost".to_owned() } else { format!("; {lost} LOST") }
}

fn losses(rows: &Value, names: &[&str]) -> String {
    let some = names.iter().filter(|name| count(rows, name) > 0);
    some.map(|name| format!("{name} {}", count(rows, name))).collect::<Vec<_>>().join(", ")
}

fn count(of: &Value, name: &str) -> u64 {
    of[name].as_u64().unwrap_or(0)
}

fn seconds(before: &Look, now: &Look) -> f64 {
    now.at.duration_since(before.at).as_secs_f64().max(0.001)
}

fn rate(before: &Value, now: &Value, name: &str, seconds: f64) -> String {
    per_second(count(now, name).saturating_sub(count(before, name)), seconds)
}

fn per_second(count: u64, seconds: f64) -> String {
    let rate = count as f64 / seconds;
    if rate < 10.0 && count > 0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::*;

    fn look(at: Instant, seen: u64, lost: u64) -> Look {
        let pipelines = json!([{"name": "e1", "delivered": seen, "kept": seen / 2,
            "dropped_by_script": seen / 2, "queue_full": lost, "trapped": 0}]);
        Look {
            at,
            backend: json!({"name": "tracepoint"}),
            ledger: json!({"seen": seen + lost, "delivered": seen, "ring_full": lost,
                           "pipelines": pipelines}),
            scripts: vec![
                json!({"name": "e1", "state": "running", "events_in": seen, "kept": seen / 2,
                "p50_ns": 40, "p99_ns": 1500, "core_share": 0.015, "memory_bytes": 1_572_864,
                "faults": {"trapped": 0, "timed_out": 1}}),
            ],
            tables: Vec::new(),
        }
    }

    #[test]
    fn rates_losses_and_scripts() {
        let start = Instant::now();
        let (before, now) = (look(start, 1000, 0), look(start + Duration::from_secs(2), 3000, 7));
        let table = json!({"script": "e1", "table": "count", "kind": "counter", "labels": ["call"],
            "rows": 1, "row_list": [{"key": ["sendmsg"], "value": 5}]});
        let expected = "\
tracepoint: 1004 calls/s seen, 1000 delivered, 0 filtered in the kernel
ledger: 3007 seen = 3000 delivered + 7 ring_full; 7 LOST
PIPELINE  EVENTS/S  KEPT/S  DROPPED/S  KEPT  LOST
e1            1000     500        500  1500     7  queue_full 7
SCRIPT  STATE    EVENTS/S  KEPT    P50     P99  CORE   MEMORY  FAULTS
e1      running      1000  1500  40 ns  1.5 µs  1.5%  1.5 MiB       1

e1 count (1 rows)
CALL     VALUE
sendmsg      5";
        assert_eq!(lines(&before, &now, &[table], 200, 40).join("\n"), expected);
    }

    #[test]
    fn it_fits_the_terminal() {
        let start = Instant::now();
        let (before, now) = (look(start, 0, 0), look(start + Duration::from_secs(1), 5, 0));
        let lines = lines(&before, &now, &[], 20, 4);
        assert!(lines.len() <= 4 && lines.iter().all(|line| line.chars().count() <= 20));
        assert!(lines[0].starts_with("tracepoint: 5.0 call"));
    }
}
