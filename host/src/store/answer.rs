//! What the API asks of history: a table at a time, and series.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::Connection;
use serde::Serialize;

use super::{
    Error,
    history::{self, RAN, STEPS},
    point::{Point, Value},
    recorder::Pending,
};
use crate::table::{Histogram, Kind, SortError, labels};

/// Times of one answer at most.
pub const TIMES: i64 = 5_000;
/// Times of an answer if nobody says how long a step is, about.
const SOME_TIMES: i64 = 200;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// No table of that name was ever stored.
    #[error("there is no history of table `{1}` of script `{0}`")]
    UnknownTable(String, String),
    /// History begins later.
    #[error("there is no history of table `{table}` at that time")]
    NoHistory {
        /// The table.
        table: String,
    },
    /// What is asked cannot be.
    #[error("{0}")]
    Bad(String),
    /// An order that the kind has not.
    #[error("{0}")]
    Sort(#[from] SortError),
    /// The store.
    #[error("{0}")]
    Store(#[from] Error),
}

/// What series are asked for. Times are seconds since the Unix epoch.
#[derive(Clone, Debug)]
pub struct Wish {
    /// From when on.
    pub from: i64,
    /// Until when.
    pub to: i64,
    /// Seconds between two values; chosen to fit if it is left out.
    pub step: Option<i64>,
    /// The rows, by their labels; if there are none, the largest.
    pub keys: Vec<Vec<String>>,
    /// Most series.
    pub limit: usize,
    /// Whether histograms are told by bucket as well.
    pub heat: bool,
}

/// Series as the API shows them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Series)]
pub struct Answer {
    /// The script.
    pub script: String,
    /// The table.
    pub table: String,
    /// What it does with values.
    pub kind: String,
    /// Names of the labels.
    pub labels: Vec<String>,
    /// Unit of the values.
    pub unit: String,
    /// The first time.
    pub from: String,
    /// The end of the last step.
    pub to: String,
    /// Seconds between two times: at least what was asked for.
    pub step_s: i64,
    /// When each step begins.
    pub times: Vec<String>,
    /// A row each, the largest first.
    pub series: Vec<Line>,
}

/// One row over time.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SeriesRow)]
pub struct Line {
    /// Its labels.
    pub key: Vec<String>,
    /// What was added or counted in each step, or the last value; `null` where weir did not run, or the row
    /// was not there.
    pub values: Vec<Option<f64>>,
    /// Of a histogram.
    #[serde(flatten)]
    pub quantiles: Option<Quantiles>,
}

/// What a histogram says of each step.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SeriesQuantiles)]
pub struct Quantiles {
    p50: Vec<Option<u64>>,
    p90: Vec<Option<u64>>,
    p99: Vec<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buckets: Option<Buckets>,
}

/// How many values lie in which range, by time.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SeriesBuckets)]
pub struct Buckets {
    /// Bucket n holds what is at least bound n, and less than the next.
    bounds: Vec<u64>,
    /// By time, then by bucket.
    counts: Vec<Vec<u64>>,
}

pub fn kind_of(name: &str) -> Result<Kind, Error> {
    let found = Kind::ALL.into_iter().find(|kind| kind.name() == name);
    found.ok_or_else(|| Error::Damaged(format!("a table of kind {name}")))
}

/// Series of a table, up to what is not stored yet.
pub fn series(
    database: &Connection,
    (script, name): (&str, &str),
    wish: &Wish,
    pending: Option<&Pending>,
    now: i64,
) -> Result<Answer, AnswerError> {
    let bad = |text: &str| AnswerError::Bad(text.to_owned());
    if wish.to <= wish.from {
        return Err(bad("`to` is not later than `from`"));
    }
    let unknown = || AnswerError::UnknownTable(script.to_owned(), name.to_owned());
    let known = match history::find_series(database, script, name)? {
        Some(series) => series,
        None => {
            // It is so new that it is not stored yet.
            let Pending { kind, options, window_s, .. } = pending.ok_or_else(unknown)?;
            history::Series {
                id: -1,
                kind: kind.name().to_owned(),
                labels: options.labels.clone(),
                unit: options.unit.clone(),
                window_s: *window_s,
            }
        }
    };
    let pending = pending.filter(|pending| {
        pending.kind.name() == known.kind && pending.options.labels == known.labels
    });
    let kind = kind_of(&known.kind)?;
    let step = step_of(database, wish)?;
    let from = wish.from - wish.from.rem_euclid(step);
    let count = (wish.to - from + step - 1) / step;
    if count > TIMES {
        return Err(bad(
            "there are more than 5,000 steps between `from` and `to`: choose a longer `step`",
        ));
    }
    let (count, to) = (count as usize, from + count * step);
    let place = |at: i64| {
        let place = (at - from).div_euclid(step);
        usize::try_from(place).ok().filter(|&place| place < count)
    };
    let current = place(now).filter(|_| now < to);

    // Which rows: the first pass holds one number a row.
    let wanted: Option<BTreeSet<Vec<u8>>> = (!wish.keys.is_empty())
        .then(|| wish.keys.iter().map(|key| key.join("\0").into_bytes()).collect());
    let mut weights = HashMap::<Vec<u8>, u64>::new();
    let mut weigh = |point: &Point| {
        for (key, value) in &point.rows {
            if wanted.as_ref().is_none_or(|wanted| wanted.contains(key)) {
                let weight = match weights.get_mut(key) {
                    Some(weight) => weight,
                    None => weights.entry(key.clone()).or_default(),
                };
                *weight = match value {
                    Value::Set(_) | Value::Distinct(..) => value.weight(),
                    value => weight.saturating_add(value.weight()),
                };
            }
        }
    };
    let carried = matches!(kind, Kind::Gauge | Kind::Distinct);
    let before = if carried { state_before(database, known.id, from)? } else { Point::default() };
    weigh(&before);
    history::read(database, known.id, (from, to), step, |_, _, body| {
        weigh(&Point::from_bytes(body)?);
        Ok(())
    })?;
    if let (Some(pending), Some(_)) = (pending, current) {
        weigh(&pending.point);
    }
    let mut keys: Vec<_> =
        weights.into_iter().filter(|(_, weight)| carried || *weight > 0).collect();
    keys.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    keys.truncate(wish.limit);

    // What they did: by row, then by step.
    let mut lines: BTreeMap<&[u8], Vec<Option<Value>>> =
        keys.iter().map(|(key, _)| (&key[..], vec![None; count])).collect();
    let mut fill = |place: usize, point: Point| {
        for (key, value) in point.rows {
            if let Some(line) = lines.get_mut(&key[..]) {
                match &mut line[place] {
                    Some(known) => known.then(value),
                    empty => *empty = Some(value),
                }
            }
        }
    };
    history::read(database, known.id, (from, to), step, |at, _, body| {
        if let Some(place) = place(at) {
            fill(place, Point::from_bytes(body)?);
        }
        Ok(())
    })?;
    if let (Some(pending), Some(place)) = (pending, current) {
        fill(place, pending.point.clone());
    }
    // Where weir ran, nothing happened; elsewhere nobody knows.
    let mut ran = vec![false; count];
    history::read(database, RAN, (from, to), step, |at, length, _| {
        let first = place(at.max(from));
        let steps = (length / step).max(1) as usize;
        if let Some(first) = first {
            ran.iter_mut().skip(first).take(steps).for_each(|ran| *ran = true);
        }
        Ok(())
    })?;
    if let Some(place) = current {
        ran[place] = true;
    }
    let series = keys.iter().map(|(key, _)| {
        let line = lines.remove(&key[..]).unwrap_or_default();
        line_of(key, line, kind, &ran, before.rows.get(key), wish.heat)
    });
    let series = series.collect();
    Ok(Answer {
        script: script.to_owned(),
        table: name.to_owned(),
        kind: known.kind,
        labels: known.labels,
        unit: known.unit,
        from: time(from),
        to: time(to),
        step_s: step,
        times: (0..count as i64).map(|place| time(from + place * step)).collect(),
        series,
    })
}

/// Seconds of a step: as asked for, or so that there are not too many; and never less than points are
/// long.
fn step_of(database: &Connection, wish: &Wish) -> Result<i64, AnswerError> {
    let least = history::step_at(database, wish.from)?;
    let step = match wish.step {
        Some(step) if step < 1 => {
            return Err(AnswerError::Bad("`step` is at least 10s".to_owned()));
        }
        Some(step) => step,
        None => {
            let fits = [10, 30, 60, 300, 900, 3_600, 3 * 3_600, 6 * 3_600, 86_400];
            let length = (wish.to - wish.from) / SOME_TIMES;
            fits.into_iter().find(|&step| step >= length).unwrap_or(86_400)
        }
    };
    Ok(multiple_of(least, step))
}

/// The smallest multiple of `of` that is at least `least`.
pub fn multiple_of(of: i64, least: i64) -> i64 {
    least.saturating_add(of - 1) / of * of
}

/// What rows held at a time; nothing if history does not tell.
fn state_before(database: &Connection, series: i64, at: i64) -> Result<Point, Error> {
    let Some((from, mut state)) = history::frame_before(database, series, at)? else {
        return Ok(Point::default());
    };
    history::read(database, series, (from, at), STEPS[2], |_, _, body| {
        state.then(Point::from_bytes(body)?);
        Ok(())
    })?;
    Ok(state)
}

fn line_of(
    key: &[u8],
    line: Vec<Option<Value>>,
    kind: Kind,
    ran: &[bool],
    before: Option<&Value>,
    heat: bool,
) -> Line {
    let mut last = before.and_then(last_of);
    let values = line.iter().zip(ran).map(|(value, &ran)| match (kind, value) {
        (Kind::Gauge | Kind::Distinct, value) => {
            last = value.as_ref().and_then(last_of).or(last);
            last.filter(|_| ran || value.is_some())
        }
        (_, Some(value)) => Some(value.weight() as f64),
        (_, None) => ran.then_some(0.0),
    });
    let values = values.collect();
    let quantiles = (kind == Kind::Histogram).then(|| quantiles(&line, heat));
    Line { key: labels(key), values, quantiles }
}

fn last_of(value: &Value) -> Option<f64> {
    match value {
        Value::Set(gauge) => Some(gauge.value() as f64),
        Value::Distinct(count, _) => Some(*count as f64),
        _ => None,
    }
}

fn quantiles(line: &[Option<Value>], heat: bool) -> Quantiles {
    let histograms: Vec<Option<&Histogram>> = line
        .iter()
        .map(|value| match value {
            Some(Value::Recorded(histogram)) if histogram.count() > 0 => Some(histogram),
            _ => None,
        })
        .collect();
    let each = |quantile: f64| {
        let values = histograms.iter();
        values.map(|histogram| histogram.map(|histogram| histogram.quantile(quantile))).collect()
    };
    let buckets = heat.then(|| {
        let used = histograms.iter().flatten().flat_map(|histogram| histogram.coarse());
        let used: BTreeSet<usize> = used.map(|(bucket, _)| bucket).collect();
        let (Some(&first), Some(&last)) = (used.first(), used.last()) else {
            return Buckets { bounds: Vec::new(), counts: vec![Vec::new(); line.len()] };
        };
        let counts = histograms.iter().map(|histogram| {
            let mut counts = vec![0; last + 1 - first];
            for (bucket, count) in histogram.iter().flat_map(|histogram| histogram.coarse()) {
                counts[bucket - first] += count;
            }
            counts
        });
        let counts = counts.collect();
        Buckets { bounds: (first..=last + 1).map(Histogram::coarse_from).collect(), counts }
    });
    Quantiles { p50: each(0.5), p90: each(0.9), p99: each(0.99), buckets }
}

/// A time as the API shows it.
pub fn time(at: i64) -> String {
    let since = std::time::Duration::from_secs(at.max(0).cast_unsigned());
    humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + since).to_string()
}
