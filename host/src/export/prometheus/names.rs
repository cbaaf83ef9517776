//! Names and units as Prometheus wants them.

use std::collections::{BTreeSet, HashMap};

use sha2::{Digest, Sha256};

use crate::export::metric::{Metric, MetricKind};

/// A unit in Prometheus' terms: the end of the name, and what values are multiplied by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// `seconds`; empty if there is none.
    pub suffix: &'static str,
    /// From the value's unit to this one.
    pub factor: f64,
}

/// The base unit (prometheus.io/docs/practices/naming) of a unit in UCUM. Units that are none of its
/// own are left out of the name, and values stay as they are.
pub fn unit(ucum: &str) -> Unit {
    let (unit, rate) = match ucum.strip_suffix("/s") {
        Some(unit) => (unit, true),
        None => (ucum, false),
    };
    let (base, factor) = match unit {
        "ns" => ("seconds", 1e-9),
        "us" => ("seconds", 1e-6),
        "ms" => ("seconds", 1e-3),
        "s" => ("seconds", 1.0),
        "min" => ("seconds", 60.0),
        "h" => ("seconds", 3600.0),
        "By" => ("bytes", 1.0),
        "KiBy" => ("bytes", 1024.0),
        "MiBy" => ("bytes", 1048576.0),
        "bit" => ("bits", 1.0),
        "%" => ("ratio", 0.01),
        _ => ("", 1.0),
    };
    let suffix = match (base, rate) {
        ("", true) => "per_second",
        ("seconds", true) => "seconds_per_second",
        ("bytes", true) => "bytes_per_second",
        ("bits", true) => "bits_per_second",
        ("ratio", true) => "ratio_per_second",
        (base, _) => base,
    };
    Unit { suffix, factor }
}

/// The names of metrics' families, without the ends `_total` and `_info`. No two have a series of the
/// same name: of those that would, the ones of tables get a number made from the table's name, so that
/// it does not depend on what else there is.
pub fn families(metrics: &[Metric]) -> Vec<String> {
    let mut names: Vec<String> = metrics.iter().map(plain).collect();
    let mut owners: HashMap<String, BTreeSet<usize>> = HashMap::new();
    for (index, metric) in metrics.iter().enumerate() {
        for series in series(&names[index], metric.kind) {
            owners.entry(series).or_default().insert(index);
        }
    }
    let clashing = owners.values().filter(|owners| owners.len() > 1).flatten();
    for &index in clashing.collect::<BTreeSet<_>>() {
        if let Some(table) = &metrics[index].table {
            let hash = Sha256::digest(format!("{}\0{}", table.script, table.table));
            let number: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
            names[index] = format!("{}_x{number}", names[index]);
        }
    }
    names
}

/// All names that a family takes up: its own, and those of its series, in either format.
fn series(name: &str, kind: MetricKind) -> Vec<String> {
    let suffixes: &[&str] = match kind {
        MetricKind::Counter => &["", "_total", "_created"],
        MetricKind::Gauge => &[""],
        MetricKind::Histogram => &["", "_bucket", "_sum", "_count", "_created"],
        MetricKind::Info => &["", "_info"],
    };
    suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect()
}

fn plain(metric: &Metric) -> String {
    let mut name = word(&metric.name);
    if metric.kind == MetricKind::Counter {
        // It is put there by whoever writes the family.
        name.truncate(name.strip_suffix("_total").unwrap_or(&name).len());
    }
    let Unit { suffix, .. } = unit(&metric.unit);
    if !suffix.is_empty() && !name.ends_with(&format!("_{suffix}")) {
        name = format!("{name}_{suffix}");
    }
    name
}

/// Names of labels, each another one, none of those that Prometheus keeps for itself.
pub fn labels(labels: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(labels.len());
    for label in labels {
        let mut name = word(label);
        if name.starts_with("__") || ["le", "quantile", ""].contains(&name.as_str()) {
            name = format!("label_{}", name.trim_start_matches('_'));
        }
        let mut free = name.clone();
        let mut number = 2;
        while names.contains(&free) {
            free = format!("{name}_{number}");
            number += 1;
        }
        names.push(free);
    }
    names
}

/// Letters, digits and underscores, no digit first.
fn word(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let word: String = text.chars().map(plain).collect();
    if word.starts_with(|c: char| c.is_ascii_digit()) { format!("_{word}") } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::metric::TableName;

    fn metric(name: &str, kind: MetricKind, unit: &str, table: Option<(&str, &str)>) -> Metric {
        Metric {
            name: name.to_owned(),
            help: String::new(),
            unit: unit.to_owned(),
            kind,
            labels: Vec::new(),
            points: Vec::new(),
            table: table.map(|(script, table)| TableName {
                script: script.to_owned(),
                table: table.to_owned(),
            }),
        }
    }

    fn table(script: &str, table: &str, kind: MetricKind, unit: &str) -> Metric {
        metric(&format!("weir.table.{script}.{table}"), kind, unit, Some((script, table)))
    }

    #[test]
    fn units_are_base_units_and_named_once() {
        for (kind, name, unit, expected) in [
            (MetricKind::Histogram, "latency", "ns", "weir_table_s_latency_seconds"),
            (MetricKind::Counter, "bytes", "By", "weir_table_s_bytes"),
            (MetricKind::Counter, "sent", "KiBy", "weir_table_s_sent_bytes"),
            (MetricKind::Counter, "calls_total", "1", "weir_table_s_calls"),
            (MetricKind::Gauge, "speed", "By/s", "weir_table_s_speed_bytes_per_second"),
            (MetricKind::Gauge, "calls", "/s", "weir_table_s_calls_per_second"),
            (MetricKind::Gauge, "heat-ö", "Cel", "weir_table_s_heat__"),
        ] {
            assert_eq!(families(&[table("s", name, kind, unit)]), [expected]);
        }
    }

    #[test]
    fn names_that_clash_are_told_apart_whatever_else_there_is() {
        let two = [
            table("a_b", "c", MetricKind::Counter, ""),
            table("a", "b_c", MetricKind::Counter, ""),
        ];
        let names = families(&two);
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|name| name.starts_with("weir_table_a_b_c_x")), "{names:?}");
        let swapped = families(&[two[1].clone(), two[0].clone()]);
        assert_eq!([&swapped[1], &swapped[0]], [&names[0], &names[1]]);

        // What a histogram adds to its name is taken as well.
        let three = [
            table("s", "x", MetricKind::Histogram, ""),
            table("s", "x_sum", MetricKind::Gauge, ""),
            table("s", "y", MetricKind::Gauge, ""),
        ];
        let names = families(&three);
        assert!(names[0].starts_with("weir_table_s_x_x"), "{names:?}");
        assert!(names[1].starts_with("weir_table_s_x_sum_x"), "{names:?}");
        assert_eq!(names[2], "weir_table_s_y");

        // A topk's two metrics are of the same table, and are no clash.
        let error = |name: &str| metric(name, MetricKind::Gauge, "", Some(("s", "top")));
        let topk = families(&[error("weir.table.s.top"), error("weir.table.s.top.error")]);
        assert_eq!(topk, ["weir_table_s_top", "weir_table_s_top_error"]);
    }

    #[test]
    fn odd_labels() {
        let odd = ["", "le", "__name__", "a b", "a-b", "a.b", "9", "ö", "process"];
        let names = labels(&odd.map(str::to_owned));
        let expected =
            ["label_", "label_le", "label_name__", "a_b", "a_b_2", "a_b_3", "_9", "_", "process"];
        assert_eq!(names, expected);
    }
}
