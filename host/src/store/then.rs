//! A table as it was at a time.

use rusqlite::Connection;

use super::{
    answer::{AnswerError, kind_of, multiple_of},
    history::{self, STEPS},
    point::{Point, Value},
};
use crate::table::{Kind, Query, Row, Values, sorted};

/// A table as it was, as far as history tells.
#[derive(Debug)]
pub struct Then {
    /// What it does with values.
    pub kind: Kind,
    /// Names of the labels.
    pub labels: Vec<String>,
    /// Unit of the values.
    pub unit: String,
    /// Of a rate.
    pub window_s: Option<u32>,
    /// When it was so: the last time at or before what was asked for that history has.
    pub at: i64,
    /// Number of rows.
    pub rows: usize,
    /// The rows asked for.
    pub row_list: Vec<Row>,
    /// All others together.
    pub other: Option<Row>,
}

/// A table as it was at a time.
pub fn table_at(
    database: &Connection,
    script: &str,
    name: &str,
    at: i64,
    query: &Query,
) -> Result<Then, AnswerError> {
    let unknown = || AnswerError::UnknownTable(script.to_owned(), name.to_owned());
    let series = history::find_series(database, script, name)?.ok_or_else(unknown)?;
    let kind = kind_of(&series.kind)?;
    let no_history = || AnswerError::NoHistory { table: name.to_owned() };
    let step = history::step_at(database, at)?;
    // Not later than what is stored.
    let at = at.min(history::ran_until(database)?.ok_or_else(no_history)?);
    let at = at - at.rem_euclid(step);
    let (state, until) = match kind {
        Kind::Rate => {
            let window = multiple_of(step, series.window_s.unwrap_or(60).into());
            let mut sum = Point::default();
            let mut until = None;
            history::read(database, series.id, (at - window, at), step, |from, length, body| {
                sum.then(Point::from_bytes(body)?);
                until = Some(from + length);
                Ok(())
            })?;
            (sum, until.map_or(at, |_| at))
        }
        _ => {
            let (from, mut state) =
                history::frame_before(database, series.id, at)?.ok_or_else(no_history)?;
            history::read(database, series.id, (from, at), STEPS[2], |_, _, body| {
                state.then(Point::from_bytes(body)?);
                Ok(())
            })?;
            (state, at)
        }
    };
    let values = |value: &Value| values_of(value, series.window_s);
    let other = state.other.as_ref().and_then(values);
    let other = other.map(|values| Row { key: vec!["other".to_owned()], values });
    let rows = state.rows.into_iter().filter_map(|(key, value)| Some((key, values(&value)?)));
    let rows: Vec<_> = rows.collect();
    Ok(Then {
        kind,
        labels: series.labels,
        unit: series.unit,
        window_s: series.window_s,
        at: until,
        rows: rows.len(),
        row_list: sorted(kind, rows, query)?,
        other,
    })
}

/// What a row held; nothing if it was not shown.
fn values_of(value: &Value, window_s: Option<u32>) -> Option<Values> {
    Some(match value {
        Value::Added(sum) => match window_s {
            Some(window_s) => Values::Rate {
                per_second: *sum as f64 / f64::from(window_s.max(1)),
                value: *sum,
                window_s,
            },
            None => Values::Counter { value: *sum },
        },
        Value::Recorded(histogram) => Values::Histogram(Box::new(histogram.summary())),
        Value::Set(gauge) => Values::Gauge { value: gauge.value(), set: time_ns(gauge.set_ns()) },
        Value::Distinct(value, exact) => Values::Distinct {
            value: *value,
            relative_error: if *exact { 0.0 } else { crate::table::RELATIVE_ERROR },
        },
        Value::Weighed(_, shown) => {
            let (value, error) = (*shown)?;
            Values::TopK { value, error }
        }
    })
}

fn time_ns(at: u64) -> String {
    let since = std::time::Duration::from_nanos(at);
    humantime::format_rfc3339_nanos(std::time::UNIX_EPOCH + since).to_string()
}
