//! `/metrics`: the text that Prometheus reads.

mod names;

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use prometheus_client::{
    collector::Collector,
    encoding::{self, DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet},
    metrics::{MetricType, exemplar::Exemplar},
    registry::Registry,
};

use super::{
    metric::{Metric, MetricKind, Point, Sizes, Value},
    source::Source,
    tally::Tally,
};
use crate::probe;

/// However many ask and however often: tables are read at most once in so much time.
const FRESH: Duration = Duration::from_secs(1);
/// Most series in an answer; rows of tables beyond that are left out and counted.
const MOST_SERIES: usize = 500_000;

/// One of the two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text, version 0.0.4.
    Text,
    /// OpenMetrics' text, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// What a client takes: OpenMetrics if it names it, as Prometheus does.
    pub fn accepted(accept: Option<&str>) -> Self {
        let open = accept.is_some_and(|accept| accept.contains("application/openmetrics-text"));
        if open { Self::OpenMetrics } else { Self::Text }
    }

    /// The content type of an answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => encoding::prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// What answers a scrape.
pub struct Scrapes {
    source: Arc<Source>,
    tally: Arc<Tally>,
    /// The last answers, by format; whoever comes while one is made waits for it.
    last: Mutex<[Option<Answer>; 2]>,
}

/// An answer, and when it was made.
type Answer = (Instant, Arc<str>);

impl Scrapes {
    /// Nothing was asked for yet.
    pub fn new(source: Arc<Source>, tally: Arc<Tally>) -> Self {
        Self { source, tally, last: Mutex::default() }
    }

    /// The text, at most a second old. Takes a while: nothing for threads that serve.
    pub fn text(&self, format: Format) -> Result<Arc<str>, probe::Error> {
        let mut last = self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let slot = &mut last[format as usize];
        let fresh = slot.as_ref().filter(|(made, _)| made.elapsed() < FRESH);
        let text = match fresh {
            Some((_, text)) => text.clone(),
            None => {
                let text: Arc<str> = render(self.source.read()?, format).into();
                *slot = Some((Instant::now(), text.clone()));
                text
            }
        };
        drop(last);
        self.tally.sent(1);
        Ok(text)
    }
}

/// Metrics as text.
fn render(metrics: Vec<Metric>, format: Format) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Reading { metrics, format }));
    let mut text = String::new();
    let written = match format {
        Format::Text => encoding::prometheus_text::encode(&mut text, &registry),
        Format::OpenMetrics => encoding::text::encode(&mut text, &registry),
    };
    written.expect("writing to a string does not fail");
    text
}

#[derive(Debug)]
struct Reading {
    metrics: Vec<Metric>,
    format: Format,
}

impl Collector for Reading {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let families = names::families(&self.metrics);
        let (mut room, mut left_out) = (MOST_SERIES, 0);
        for (metric, family) in self.metrics.iter().zip(&families) {
            let kind = match metric.kind {
                MetricKind::Counter => MetricType::Counter,
                MetricKind::Gauge => MetricType::Gauge,
                MetricKind::Histogram => MetricType::Histogram,
                MetricKind::Info => MetricType::Info,
            };
            let unit = names::unit(&metric.unit);
            let labels = names::labels(&metric.labels);
            let help = self.help(&metric.help);
            let mut family = encoder.encode_descriptor(family, &help, None, kind)?;
            let (points, merged) = distinct(&metric.points);
            left_out += merged;
            for (values, value) in points {
                let value = &*value;
                let series = match value {
                    Value::Histogram(sizes) => sizes.counts.len() + 2,
                    _ => 1,
                };
                if metric.table.is_some() && room < series {
                    left_out += 1;
                    continue;
                }
                room = room.saturating_sub(series);
                let set = Labels { names: &labels, values };
                if metric.kind == MetricKind::Info {
                    family.encode_info(&set)?;
                } else if labels.is_empty() {
                    // An empty set of labels is none.
                    sample(&mut family, metric.kind, value, unit.factor)?;
                } else {
                    sample(&mut family.encode_family(&set)?, metric.kind, value, unit.factor)?;
                }
            }
        }
        let help = self.help(
            "Rows of all tables that are left out because there are too many series, or another has \
             the same labels",
        );
        let mut family =
            encoder.encode_descriptor("weir_metrics_left_out", &help, None, MetricType::Gauge)?;
        family.encode_gauge(&left_out)
    }
}

impl Reading {
    /// The library escapes it in one of the formats only.
    fn help(&self, help: &str) -> String {
        match self.format {
            Format::Text => help.to_owned(),
            Format::OpenMetrics => {
                help.replace('\\', r"\\").replace('\n', r"\n").replace('"', r#"\""#)
            }
        }
    }
}

/// Labels, and the value that they have.
type Labelled<'a> = (&'a [String], Cow<'a, Value>);

/// Points with labels of their own: keys that are not UTF-8 may look alike, and a script may name a row
/// `other`. Sums are added up; of what cannot be, the first counts, and the others are counted.
fn distinct(points: &[Point]) -> (Vec<Labelled<'_>>, usize) {
    let mut places: HashMap<&[String], usize> = HashMap::with_capacity(points.len());
    let mut distinct: Vec<Labelled<'_>> = Vec::with_capacity(points.len());
    let mut left_out = 0;
    for point in points {
        let place = *places.entry(&point.labels).or_insert(distinct.len());
        let Some((_, known)) = distinct.get_mut(place) else {
            distinct.push((&point.labels, Cow::Borrowed(&point.value)));
            continue;
        };
        match (known.to_mut(), &point.value) {
            (Value::Unsigned(sum), Value::Unsigned(more)) => *sum = sum.saturating_add(*more),
            (Value::Histogram(sum), Value::Histogram(more)) => sum.merge(more),
            (Value::Float(sum), Value::Float(more)) => *sum += more,
            _ => left_out += 1,
        }
    }
    (distinct, left_out)
}

fn sample(
    encoder: &mut MetricEncoder<'_>,
    kind: MetricKind,
    value: &Value,
    factor: f64,
) -> fmt::Result {
    const NONE: Option<&Exemplar<NoLabelSet, f64>> = None;
    let whole = factor == 1.0;
    match (kind, value) {
        (MetricKind::Counter, Value::Unsigned(value)) if whole => {
            encoder.encode_counter(value, NONE)
        }
        (MetricKind::Counter, value) => {
            encoder.encode_counter(&scaled(number(value), factor), NONE)
        }
        (_, Value::Unsigned(value)) if whole => encoder.encode_gauge(value),
        (_, Value::Signed(value)) if whole => encoder.encode_gauge(value),
        (_, Value::Histogram(sizes)) => histogram(encoder, sizes, factor),
        (_, value) => encoder.encode_gauge(&scaled(number(value), factor)),
    }
}

fn histogram(encoder: &mut MetricEncoder<'_>, sizes: &Sizes, factor: f64) -> fmt::Result {
    let bounds =
        sizes.bounds.iter().map(|&bound| scaled(bound as f64, factor)).chain([f64::INFINITY]);
    let buckets: Vec<_> = bounds.zip(sizes.counts.iter().copied()).collect();
    let sum = scaled(sizes.sum as f64, factor);
    encoder.encode_histogram::<NoLabelSet>(sum, sizes.count, &buckets, None)
}

/// By division where that is exact and short: 255 ns are 2.55e-7, not 2.5500000000000004e-7.
fn scaled(value: f64, factor: f64) -> f64 {
    if factor < 1.0 { value / (1.0 / factor).round() } else { value * factor }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Unsigned(value) => *value as f64,
        Value::Signed(value) => *value as f64,
        Value::Float(value) => *value,
        Value::Histogram(sizes) => sizes.count as f64,
    }
}

struct Labels<'a> {
    names: &'a [String],
    values: &'a [String],
}

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut encoding::LabelSetEncoder<'_>) -> fmt::Result {
        use fmt::Write;
        for (name, value) in self.names.iter().zip(self.values) {
            let mut label = encoder.encode_label();
            let mut key = label.encode_label_key()?;
            key.write_str(name)?;
            let mut text = key.encode_label_value()?;
            text.write_str(value)?;
            text.finish()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
