//! What happened to tables, on its way into history.

use std::{collections::BTreeMap, time::SystemTime};

use rusqlite::Transaction;

use super::{
    Error,
    history::{self, RAN, STEPS},
    nanoseconds,
    point::Point,
    recorder, seconds,
};
use crate::{pipeline::TablesOf, table::Table};

/// Writes what happened to tables, for the ten seconds that end now or are under way.
pub fn put_history(
    one: &Transaction<'_>,
    pending: &BTreeMap<(String, String), recorder::Pending>,
    tables: &[TablesOf],
    began: SystemTime,
    now: SystemTime,
) -> Result<(), Error> {
    let step = STEPS[0];
    let whole = |at: i64| at - at.rem_euclid(step);
    // What this process did was not before it began; the clock may have been set back since.
    let at = label(now).max(whole(seconds(began))).min(whole(seconds(now)));
    let end = at + step;
    let is_over = seconds(now) >= end;
    history::add(one, RAN, at, &Point::default())?;
    for ((script, name), table) in pending {
        let (series, _) = history::series_of(one, (script, name), table, end)?;
        if !table.point.is_empty() {
            let mut point = table.point.clone();
            point.cap();
            history::add(one, series, at, &point)?;
        }
        // All rows, once an hour; once more if anything else is told of the ten seconds before it.
        let hour = end - end.rem_euclid(3_600);
        let last = history::frame_before(one, series, end)?.map(|(at, _)| at);
        if is_over && last.is_none_or(|last| last < hour || last == end) {
            let merged = merged(tables, script, name);
            if let Some(table) = merged {
                history::add_frame(one, series, end, &recorder::frame(&table))?;
            }
        }
    }
    history::roll_up(one, end)
}

/// A table over all pipelines.
fn merged(tables: &[TablesOf], script: &str, name: &str) -> Option<Table> {
    let of_script = tables.iter().filter(|(_, owner, _)| owner == script);
    let named = of_script.flat_map(|(_, _, tables)| tables.iter().filter(|(own, _)| own == name));
    named.map(|(_, table)| table.clone()).reduce(|mut merged, table| {
        merged.merge(&table);
        merged
    })
}

/// The ten seconds that a look at this time is about: those that end now, or that are under way. A look
/// comes a bit late.
fn label(now: SystemTime) -> i64 {
    const LATE: i64 = 500_000_000;
    let step_ns = STEPS[0] * 1_000_000_000;
    (nanoseconds(now) - LATE).div_euclid(step_ns) * STEPS[0]
}
