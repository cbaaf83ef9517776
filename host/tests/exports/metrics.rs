//! `/metrics`.

use std::{
    collections::HashMap,
    io::Write,
    process::{Command, Stdio},
};

use prometheus_parse::{Scrape, Value as Parsed};

use crate::{
    calls,
    live::{Weir, row},
    make_calls,
};

/// All there is, by name and labels; of a histogram its buckets.
struct Read(Scrape);

impl Read {
    fn of(text: &str) -> Self {
        Self(Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap())
    }

    fn find(
        &self,
        name: &str,
        labels: &[(&str, &str)],
    ) -> Vec<(&HashMap<String, String>, &Parsed)> {
        let fits = |sample: &&prometheus_parse::Sample| {
            sample.metric == name
                && labels.iter().all(|(name, value)| sample.labels.get(name) == Some(*value))
        };
        self.0.samples.iter().filter(fits).map(|sample| (&*sample.labels, &sample.value)).collect()
    }

    fn number(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        match &self.find(name, labels)[..] {
            [(_, Parsed::Counter(value) | Parsed::Gauge(value) | Parsed::Untyped(value))] => *value,
            found => panic!("{name} {labels:?}: {found:?}"),
        }
    }

    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let found = self.find(name, labels);
        assert!(!found.is_empty(), "no {name} {labels:?}");
        found
            .into_iter()
            .map(|(_, value)| match value {
                Parsed::Counter(value) | Parsed::Gauge(value) => *value,
                other => panic!("{name}: {other:?}"),
            })
            .sum()
    }
}

fn text(weir: &Weir, headers: &[(&str, &str)]) -> String {
    let (status, text) = weir.request("GET", "/metrics", headers, &[]);
    assert_eq!(status, 200, "{text}");
    text.as_str().unwrap().to_owned()
}

/// What Prometheus' own parser and linter say; nothing, if they are not here.
fn promtool(text: &str) -> Option<(i32, String)> {
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = promtool.stdout(Stdio::null()).spawn() else {
        eprintln!("skipped: there is no promtool (Debian's package prometheus)");
        return None;
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Some((output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap()))
}

#[test]
fn weirs_own_state_and_every_table() {
    let weir = Weir::start([
        "--metrics",
        "--metrics-rows",
        "2",
        "-e",
        "call == \"sendmsg\" | count by fd",
        "-e",
        "call == \"sendmsg\" | histogram(duration_ns) by process.comm",
        "-e",
        "call == \"sendmsg\" | rate by process.comm",
    ]);
    make_calls(30);
    calls::settle(&weir);
    let ledger = weir.ledger();
    let text = text(&weir, &[]);
    let read = Read::of(&text);

    let seen = read.number("weir_calls_seen_total", &[]);
    let rows = read.sum("weir_calls_total", &[]) + read.number("weir_calls_in_flight", &[]);
    assert_eq!(seen, rows);
    assert!(seen >= row(&ledger, "seen") as f64);
    let own = [("pipeline", "own")];
    let delivered = read.number("weir_pipeline_events_delivered_total", &own);
    let events = read.sum("weir_pipeline_events_total", &own)
        + read.number("weir_pipeline_events_queued", &own);
    assert_eq!(delivered, events);
    assert!(read.number("weir_pipeline_kept_events", &own) >= 30.0);
    assert_eq!(read.number("weir_pipeline_kept_capacity", &own), 10_000.0);
    assert_eq!(read.number("weir_export_sent_total", &[("export", "metrics")]), 0.0);

    let script = [("script", "own")];
    let of_script = |name: &str| read.number(&format!("weir_script_events_{name}_total"), &script);
    assert!(of_script("in") >= of_script("kept") && of_script("kept") >= 30.0);
    assert!(read.number("weir_script_event_cost_p50_seconds", &script) < 1.0);
    assert_eq!(read.number("weir_script_state", &[("script", "own"), ("state", "running")]), 1.0);
    assert_eq!(read.sum("weir_script_state", &script), 1.0);
    assert_eq!(read.find("weir_script_info", &[("script", "own")]).len(), 1);
    let status = weir.get("/api/v1/status");
    let build = [
        ("version", status["version"].as_str().unwrap()),
        ("backend", status["backend"]["name"].as_str().unwrap()),
    ];
    assert_eq!(read.number("weir_build_info", &build), 1.0);
    assert!(read.number("weir_uptime_seconds", &[]) > 0.0);

    // Tables, whose names the API tells.
    let tables = weir.get("/api/v1/tables");
    let tables = tables["tables"].as_array().unwrap();
    let name = |kind: &str| {
        let table = tables.iter().find(|table| table["kind"] == kind);
        let table = table.unwrap_or_else(|| panic!("no {kind} in {tables:?}"));
        let (script, table) = (table["script"].as_str().unwrap(), table["table"].as_str().unwrap());
        (format!("weir_table_{script}_{table}").replace(['-', '.'], "_"), script, table)
    };
    let (counter, script, table) = name("counter");
    let rows: Vec<_> = read
        .find(&format!("{counter}_total"), &[])
        .into_iter()
        .map(|(labels, _)| labels["fd"].clone())
        .collect();
    assert_eq!(rows.len(), 2, "{rows:?}");
    let of_table = [("script", script), ("table", table)];
    assert!(read.number("weir_table_rows_left_out", &of_table) >= 28.0);
    let (histogram, _, _) = name("histogram");
    let histogram = text
        .lines()
        .find_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" histogram"))
        .filter(|name| name.starts_with(&histogram))
        .unwrap();
    let found = read.find(histogram, &[]);
    let Parsed::Histogram(buckets) = found[0].1 else { panic!("{found:?}") };
    assert!(buckets.is_sorted_by(|a, b| a.less_than < b.less_than && a.count <= b.count));
    let comm = found[0].0["process_comm"].clone();
    let all = read.number(&format!("{histogram}_count"), &[("process_comm", &comm)]);
    assert_eq!(buckets.last().unwrap().count, all);
    assert!(all > 0.0 && histogram.ends_with("_seconds"));
    let (rate, _, _) = name("rate");
    assert!(text.lines().any(|line| line.starts_with(&format!("{rate}_per_second{{"))), "{text}");

    if let Some((code, said)) = promtool(&text) {
        // 3 is for names that it would rather have otherwise: those of tables are the scripts'.
        let own = said.lines().filter(|line| !line.starts_with("weir_table_"));
        assert_eq!(own.collect::<Vec<_>>(), [""; 0], "{code}");
        assert!(matches!(code, 0 | 3), "{code} {said}");
    }
    weir.stop();
}

#[test]
fn both_formats_are_of_the_same_second() {
    let weir = Weir::start(["--metrics"]);
    let open = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.3";
    let open = text(&weir, &[("accept", open)]);
    assert!(open.ends_with("# EOF\n") && open.contains("# TYPE weir_calls counter\n"));
    let plain = text(&weir, &[]);
    assert!(plain.contains("# TYPE weir_calls_total counter\n"));
    // However many ask, tables are read once a second: the answers are the same.
    let same = (0..20).filter(|_| text(&weir, &[]) == plain).count();
    assert!(same > 0);
    assert_eq!(weir.get("/healthz"), "ok");
    weir.stop();
}

#[test]
fn off_unless_asked_for() {
    let weir = Weir::start([] as [&str; 0]);
    let (status, answer) = weir.request("GET", "/metrics", &[], &[]);
    assert_eq!((status, answer["code"].as_str()), (404, Some("metrics_off")), "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("--metrics"));
    assert_eq!(weir.get("/api/v1/status")["exports"], serde_json::json!([]));
    weir.stop();
}
