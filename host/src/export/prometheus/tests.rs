use super::*;
use crate::{
    export::{metric::TableName, tables},
    table::{Kind, Tables},
};

/// Every kind of table, with names, labels and keys of every odd kind.
fn odd() -> Vec<Metric> {
    let tables = Tables::default();
    let odd = "quote\" back\\slash line\nreturn\r brace} comma, = ö \u{1f41f}\0second";
    let latin1 = b"caf\xe9\0second";
    let other_latin1 = b"caf\xea\0second";
    for kind in Kind::ALL {
        for name in ["plain", "odd name \"x\"\n{}", "1", "ö"] {
            let options = serde_json::json!({
                "labels": ["le", "a\"b}"],
                "unit": if name == "1" { "ns" } else { "By" },
                "help": "back\\slash \"quoted\"\nsecond line",
            });
            let name = format!("{name} {kind}");
            let options = serde_json::from_value(options).unwrap();
            let index = tables.open(&name, kind, options).unwrap();
            for key in [odd.as_bytes(), latin1, other_latin1, b"other\0other", b"", b"\0\0\0"] {
                tables.apply(&[(index, 0..key.len(), 1000)], key, 1);
            }
        }
    }
    let mut metrics = Vec::new();
    for script in ["a_b", "a-b", "__"] {
        tables.each(|table, copy| {
            let name = TableName { script: script.to_owned(), table: table.to_owned() };
            metrics.extend(tables::metrics(&name, copy, 100, 2).0);
        });
    }
    metrics
}

/// Each series is there once, whatever the names.
#[test]
fn no_series_twice() {
    for format in [Format::Text, Format::OpenMetrics] {
        let text = render(odd(), format);
        let mut seen = std::collections::HashSet::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let series = line.rsplit_once(' ').unwrap().0;
            assert!(seen.insert(series), "{series}");
        }
        let types = text.lines().filter(|line| line.starts_with("# TYPE"));
        let mut families = std::collections::HashSet::new();
        for name in types.map(|line| line.split(' ').nth(2).unwrap()) {
            assert!(families.insert(name), "{name}");
        }
        assert!(seen.len() > 500);
    }
}

/// Prometheus' own parser takes it. It is a Go program, which not every machine has.
#[test]
fn promtool_takes_odd_names() {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = promtool.stderr(Stdio::piped()).spawn() else {
        eprintln!("skipped: there is no promtool (Debian's package prometheus)");
        return;
    };
    let text = render(odd(), Format::Text);
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // 3 is for names that it would rather have otherwise.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{said}");
    assert!(!said.contains("error while linting"), "{said}");
}

#[test]
fn values_are_in_base_units() {
    let metrics = odd();
    let text = render(metrics, Format::Text);
    let of = |name: &str, labels: &str| -> f64 {
        let found = text.lines().find(|line| line.starts_with(name) && line.contains(labels));
        found
            .unwrap_or_else(|| panic!("no {name} {labels}"))
            .rsplit_once(' ')
            .unwrap()
            .1
            .parse()
            .unwrap()
    };
    let other = r#"label_le="other",a_b_="other""#;
    assert_eq!(of("weir_table____1_counter_seconds_total", other), 1e-6);
    assert_eq!(of("weir_table____1_histogram_seconds_sum", other), 1e-6);
    assert_eq!(of("weir_table____plain_histogram_bytes_sum", other), 1000.0);
    let bucket =
        |le: &str| of("weir_table____1_histogram_seconds_bucket", &format!("{other},le=\"{le}\""));
    assert_eq!((bucket("5.11e-07"), bucket("1.023e-06"), bucket("+Inf")), (0.0, 1.0, 1.0));
}

#[test]
fn openmetrics_only_where_it_is_asked_for() {
    let format = Format::accepted;
    assert_eq!(format(None), Format::Text);
    assert_eq!(format(Some("*/*")), Format::Text);
    let prometheus =
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
    assert_eq!(format(Some(prometheus)), Format::OpenMetrics);
}
