//! Tables as metrics.

use super::metric::{Metric, MetricKind, Point, TableName, Value};
use crate::table::{Kind, Query, Row, Table, Values};

/// What stands for each label of what a table had no room for.
pub const OTHER: &str = "other";

/// A table's metrics, of at most so many rows, and how many rows there are beyond.
pub fn metrics(
    name: &TableName,
    table: &Table,
    most_rows: usize,
    now_ns: u64,
) -> (Vec<Metric>, usize) {
    let query = Query { sort: None, descending: true, limit: most_rows, now_ns };
    let (rows, other) = table.rows(&query).expect("the order of its kind suits any table");
    let left_out = table.len() - rows.len();
    let options = table.options();
    let base = format!("weir.table.{}.{}", name.script, name.table);
    let metric = |suffix: &str, kind, help: String, unit: String, points| Metric {
        name: format!("{base}{suffix}"),
        help: format!("{help} (script {}, table {})", name.script, name.table),
        unit,
        kind,
        labels: options.labels.clone(),
        points,
        table: Some(name.clone()),
    };
    let points = |value: &dyn Fn(&Values) -> Value| -> Vec<Point> {
        let point = |row: &Row, other| Point {
            labels: if other {
                vec![OTHER.to_owned(); options.labels.len()]
            } else {
                fit(&row.key, options.labels.len())
            },
            value: value(&row.values),
            other,
        };
        let rows = rows.iter().map(|row| point(row, false));
        rows.chain(other.iter().map(|row| point(row, true))).collect()
    };
    let help = if options.help.is_empty() {
        format!("A table of kind {}", table.kind())
    } else {
        options.help.clone()
    };
    let unit = options.unit.clone();
    let values = points(&|values| Value::of_row(values, &options.unit));
    let metrics = match table.kind() {
        Kind::Counter => vec![metric("", MetricKind::Counter, help, unit, values)],
        Kind::Histogram => vec![metric("", MetricKind::Histogram, help, unit, values)],
        Kind::Gauge | Kind::Distinct => vec![metric("", MetricKind::Gauge, help, unit, values)],
        Kind::Rate => {
            let unit = if unit.is_empty() || unit == "1" { "/s".into() } else { unit + "/s" };
            vec![metric("", MetricKind::Gauge, help, unit, values)]
        }
        Kind::TopK => {
            let errors = points(&|values| match values {
                Values::TopK { error, .. } => Value::Unsigned(*error),
                _ => unreachable!("rows of a topk are those of a topk"),
            });
            let by = "By how much the value may be too large".to_owned();
            vec![
                metric("", MetricKind::Gauge, help, unit.clone(), values),
                metric(".error", MetricKind::Gauge, by, unit, errors),
            ]
        }
    };
    (metrics, left_out)
}

/// How many rows of each table were not read.
pub fn left_out(tables: &[(TableName, usize)]) -> Metric {
    let point = |(name, rows): &(TableName, usize)| Point {
        labels: vec![name.script.clone(), name.table.clone()],
        value: Value::Unsigned(*rows as u64),
        other: false,
    };
    Metric {
        name: "weir.table.rows.left_out".to_owned(),
        help: "Rows of a table that are beyond --metrics-rows, and not among its metrics"
            .to_owned(),
        unit: "{row}".to_owned(),
        kind: MetricKind::Gauge,
        labels: vec!["script".to_owned(), "table".to_owned()],
        points: tables.iter().map(point).collect(),
        table: None,
    }
}

/// A key of as many labels as the table has: scripts make keys, and may make wrong ones.
fn fit(key: &[String], labels: usize) -> Vec<String> {
    let mut fit: Vec<String> = key.iter().take(labels).cloned().collect();
    if let (Some(last), Some(more)) = (fit.last_mut(), key.get(labels..)) {
        for label in more {
            last.push('\u{fffd}');
            last.push_str(label);
        }
    }
    fit.resize(labels, String::new());
    fit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Tables;

    fn read(kind: Kind, options: &str, added: &[(&str, u64)], rows: usize) -> (Vec<Metric>, usize) {
        let tables = Tables::default();
        let index = tables.open("t", kind, serde_json::from_str(options).unwrap()).unwrap();
        for (key, value) in added {
            tables.apply(&[(index, 0..key.len(), *value)], key.as_bytes(), 1);
        }
        let name = TableName { script: "s".to_owned(), table: "t".to_owned() };
        metrics(&name, &tables.copy("t").unwrap(), rows, 2)
    }

    #[test]
    fn what_has_no_room_is_other_and_what_is_left_out_is_counted() {
        let options = r#"{"labels":["a","b"],"max_keys":3,"help":"Calls"}"#;
        let added = [("x\0y", 5), ("p", 9), ("u\0v\0w", 7), ("z\0z", 4)];
        let (metrics, left_out) = read(Kind::Counter, options, &added, 2);
        assert_eq!(left_out, 1);
        let [metric] = &metrics[..] else { panic!("{metrics:?}") };
        assert_eq!(metric.name, "weir.table.s.t");
        assert_eq!(metric.help, "Calls (script s, table t)");
        let points: Vec<_> =
            metric.points.iter().map(|p| (p.labels.join("|"), p.value.clone(), p.other)).collect();
        let unsigned = Value::Unsigned;
        let expected = [
            ("p|".to_owned(), unsigned(9), false),
            ("u|v\u{fffd}w".to_owned(), unsigned(7), false),
            ("other|other".to_owned(), unsigned(4), true),
        ];
        assert_eq!(points, expected);
    }

    #[test]
    fn every_kind_has_its_metrics() {
        let labels = r#"{"labels":["a"],"unit":"By"}"#;
        for (kind, expected) in [
            (Kind::Counter, &[(MetricKind::Counter, "By", Value::Unsigned(7))][..]),
            (Kind::Gauge, &[(MetricKind::Gauge, "By", Value::Signed(7))]),
            (Kind::Distinct, &[(MetricKind::Gauge, "By", Value::Unsigned(1))]),
            (
                Kind::TopK,
                &[
                    (MetricKind::Gauge, "By", Value::Unsigned(7)),
                    (MetricKind::Gauge, "By", Value::Unsigned(0)),
                ],
            ),
        ] {
            let (metrics, _) = read(kind, labels, &[("x", 7)], 10);
            let found: Vec<_> = metrics
                .iter()
                .map(|m| (m.kind, m.unit.as_str(), m.points[0].value.clone()))
                .collect();
            assert_eq!(found, expected, "{kind}");
        }
        let (rate, _) = read(Kind::Rate, labels, &[("x", 7)], 10);
        assert_eq!((rate[0].kind, rate[0].unit.as_str()), (MetricKind::Gauge, "By/s"));
        let (histogram, _) = read(Kind::Histogram, labels, &[("x", 7), ("x", 9)], 10);
        let Value::Histogram(sizes) = &histogram[0].points[0].value else { panic!() };
        assert_eq!((sizes.count, sizes.sum, sizes.min, sizes.max), (2, 16, 7, 9));
    }
}
