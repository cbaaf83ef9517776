//! Metrics as messages to a collector.
//!
//! Sums and histograms are cumulative: a request that is lost loses nothing, the next one has it all.
//! Histograms have explicit bounds: the buckets of tables are not those of an exponential histogram, so
//! that values would have to be put where they may not belong.

use std::collections::HashMap;

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::KeyValue,
    metrics::v1::{
        self as proto, AggregationTemporality, HistogramDataPoint, NumberDataPoint,
        ResourceMetrics, ScopeMetrics, metric::Data, number_data_point,
    },
};

use super::message;
use crate::export::metric::{Metric, MetricKind, Point, Sizes, TableName, Value};

/// Most points of one request: collectors refuse what is too large.
const POINTS: usize = 4096;

/// Since when sums are sums. A table that was unloaded begins anew.
#[derive(Debug)]
pub struct Starts {
    process_ns: u64,
    tables: HashMap<TableName, Start>,
}

#[derive(Clone, Copy, Debug)]
struct Start {
    at_ns: u64,
    /// Sum of all its points, which only grows.
    total: u128,
}

impl Starts {
    /// With what was there when the process started, at this Unix time.
    pub fn new(process_ns: u64) -> Self {
        Self { process_ns, tables: HashMap::new() }
    }

    /// Since when the points of a metric are summed. To be asked once per reading.
    fn of(&mut self, metric: &Metric, now_ns: u64) -> u64 {
        let (Some(table), MetricKind::Counter | MetricKind::Histogram) =
            (&metric.table, metric.kind)
        else {
            return self.process_ns;
        };
        let total = metric.points.iter().map(|point| match &point.value {
            Value::Unsigned(value) => u128::from(*value),
            Value::Histogram(sizes) => u128::from(sizes.count),
            Value::Signed(_) | Value::Float(_) => 0,
        });
        let total = total.sum();
        let new = Start { at_ns: self.process_ns, total };
        let start = self.tables.entry(table.clone()).or_insert(new);
        if total < start.total {
            start.at_ns = now_ns;
        }
        start.total = total;
        start.at_ns
    }

    /// Forgets tables that are no more.
    fn keep(&mut self, metrics: &[Metric]) {
        self.tables.retain(|table, _| metrics.iter().any(|m| m.table.as_ref() == Some(table)));
    }
}

/// Requests of these metrics, and how many points each has.
pub fn requests(
    metrics: &[Metric],
    now_ns: u64,
    starts: &mut Starts,
) -> Vec<(ExportMetricsServiceRequest, u64)> {
    starts.keep(metrics);
    let mut requests = Vec::new();
    let (mut some, mut points) = (Vec::new(), 0);
    for metric in metrics {
        let start_ns = starts.of(metric, now_ns);
        let mut rest = &metric.points[..];
        while !rest.is_empty() {
            let (part, more) = rest.split_at(rest.len().min(POINTS - points));
            some.push(message_of(metric, part, start_ns, now_ns));
            points += part.len();
            rest = more;
            if points == POINTS {
                requests.push((request(std::mem::take(&mut some)), points as u64));
                points = 0;
            }
        }
    }
    if points > 0 {
        requests.push((request(some), points as u64));
    }
    requests
}

fn request(metrics: Vec<proto::Metric>) -> ExportMetricsServiceRequest {
    let scope_metrics =
        ScopeMetrics { scope: Some(message::scope()), metrics, ..ScopeMetrics::default() };
    let resource_metrics = ResourceMetrics {
        resource: Some(message::resource()),
        scope_metrics: vec![scope_metrics],
        ..ResourceMetrics::default()
    };
    ExportMetricsServiceRequest { resource_metrics: vec![resource_metrics] }
}

fn message_of(metric: &Metric, points: &[Point], start_ns: u64, now_ns: u64) -> proto::Metric {
    let cumulative = AggregationTemporality::Cumulative as i32;
    let numbers = |start_time_unix_nano| -> Vec<NumberDataPoint> {
        let number = |point: &Point| NumberDataPoint {
            attributes: attributes(metric, point),
            start_time_unix_nano,
            time_unix_nano: now_ns,
            value: Some(value(&point.value)),
            ..NumberDataPoint::default()
        };
        points.iter().map(number).collect()
    };
    let data = match metric.kind {
        MetricKind::Counter => Data::Sum(proto::Sum {
            data_points: numbers(start_ns),
            aggregation_temporality: cumulative,
            is_monotonic: true,
        }),
        MetricKind::Gauge | MetricKind::Info => {
            Data::Gauge(proto::Gauge { data_points: numbers(0) })
        }
        MetricKind::Histogram => Data::Histogram(proto::Histogram {
            data_points: points
                .iter()
                .filter_map(|point| match &point.value {
                    Value::Histogram(sizes) => {
                        Some(histogram(sizes, attributes(metric, point), start_ns, now_ns))
                    }
                    _ => None,
                })
                .collect(),
            aggregation_temporality: cumulative,
        }),
    };
    let info = if metric.kind == MetricKind::Info { ".info" } else { "" };
    proto::Metric {
        name: format!("{}{info}", name(&metric.name)),
        description: metric.help.clone(),
        unit: if metric.unit == "/s" { "1/s".to_owned() } else { metric.unit.clone() },
        data: Some(data),
        ..proto::Metric::default()
    }
}

/// Letters, digits and `_.-/`, as OpenTelemetry has it; at most 255 of them.
fn name(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "_.-/".contains(c) { c } else { '_' }
    };
    name.chars().map(plain).take(250).collect()
}

fn attributes(metric: &Metric, point: &Point) -> Vec<KeyValue> {
    let labels = metric.labels.iter().zip(&point.labels);
    let mut attributes: Vec<_> = labels.map(|(name, value)| message::text(name, value)).collect();
    if point.other {
        attributes.push(message::flag("otel.metric.overflow", true));
    }
    attributes
}

fn value(value: &Value) -> number_data_point::Value {
    use number_data_point::Value::{AsDouble, AsInt};
    match value {
        Value::Unsigned(value) => i64::try_from(*value).map_or(AsDouble(*value as f64), AsInt),
        Value::Signed(value) => AsInt(*value),
        Value::Float(value) => AsDouble(*value),
        Value::Histogram(sizes) => AsDouble(sizes.count as f64),
    }
}

fn histogram(
    sizes: &Sizes,
    attributes: Vec<KeyValue>,
    start_time_unix_nano: u64,
    time_unix_nano: u64,
) -> HistogramDataPoint {
    let Sizes { bounds, counts, count, sum, min, max } = sizes;
    HistogramDataPoint {
        attributes,
        start_time_unix_nano,
        time_unix_nano,
        count: *count,
        sum: Some(*sum as f64),
        bucket_counts: counts.clone(),
        explicit_bounds: bounds.iter().map(|&bound| bound as f64).collect(),
        min: Some(*min as f64),
        max: Some(*max as f64),
        ..HistogramDataPoint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(table: &str, values: &[u64]) -> Metric {
        let point = |&value: &u64| Point {
            labels: vec!["x".to_owned()],
            value: Value::Unsigned(value),
            other: false,
        };
        Metric {
            name: format!("weir.table.s.{table}"),
            help: String::new(),
            unit: "ns".to_owned(),
            kind: MetricKind::Counter,
            labels: vec!["process".to_owned()],
            points: values.iter().map(point).collect(),
            table: Some(TableName { script: "s".to_owned(), table: table.to_owned() }),
        }
    }

    fn starts(requests: &[(ExportMetricsServiceRequest, u64)]) -> Vec<u64> {
        let metrics = requests.iter().flat_map(|(request, _)| {
            request.resource_metrics.iter().flat_map(|r| &r.scope_metrics).flat_map(|s| &s.metrics)
        });
        metrics
            .map(|metric| match metric.data.as_ref().unwrap() {
                Data::Sum(sum) => sum.data_points[0].start_time_unix_nano,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn large_ones_are_cut() {
        let metrics = [counter("a", &[1; 3000]), counter("b", &[1; 6000])];
        let requests = requests(&metrics, 5, &mut Starts::new(1));
        let points: Vec<_> = requests.iter().map(|(_, points)| *points).collect();
        assert_eq!(points, [4096, 4096, 808]);
    }

    #[test]
    fn a_table_that_begins_anew_says_so() {
        let mut of = Starts::new(1);
        let mut read =
            |values: &[u64], now_ns| starts(&requests(&[counter("a", values)], now_ns, &mut of));
        assert_eq!(read(&[5], 10), [1]);
        assert_eq!(read(&[5, 1], 20), [1]);
        assert_eq!(read(&[2], 30), [30]);
        assert_eq!(read(&[3], 40), [30]);
    }

    #[test]
    fn names_are_what_they_must_be() {
        assert_eq!(name("weir.table.a b.ö"), "weir.table.a_b._");
        assert_eq!(name(&"a".repeat(300)).len(), 250);
    }
}
