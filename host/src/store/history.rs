//! History in the database: points of ten seconds, rolled up to minutes and hours, and frames, which hold
//! all rows at one time. Times are seconds since the Unix epoch, and arguments.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Error, point::Point, recorder::Pending};

/// Lengths of points, the finest first.
pub const STEPS: [i64; 3] = [10, 60, 3_600];
/// A frame is kept so often for good.
const DAY: i64 = 86_400;
/// Points of ten seconds and of minutes are kept for so long, unless there is no room.
pub const KEEP_10: i64 = 6 * 3_600;
/// See [`KEEP_10`].
pub const KEEP_60: i64 = 7 * DAY;
/// The series that says that weir ran.
pub const RAN: i64 = 0;

/// A table's history.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its number.
    pub id: i64,
    /// What the table does with values: its name.
    pub kind: String,
    /// Names of the labels.
    pub labels: Vec<String>,
    /// Unit of the values.
    pub unit: String,
    /// Of a rate.
    pub window_s: Option<u32>,
}

/// A number that is remembered by name.
pub fn meta(database: &Connection, name: &str) -> Result<Option<i64>, Error> {
    let mut query = database.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(query.query_row([name], |row| row.get(0)).optional()?)
}

/// Remembers a number.
pub fn set_meta(database: &Connection, name: &str, value: i64) -> Result<(), Error> {
    let mut query = database.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?;
    query.execute(params![name, value])?;
    Ok(())
}

/// The number of a table's history, and whether there was none.
pub fn series_of(
    one: &Transaction<'_>,
    (script, name): (&str, &str),
    table: &Pending,
    now: i64,
) -> Result<(i64, bool), Error> {
    let labels = serde_json::to_string(&table.options.labels).expect("labels are texts");
    let kind = table.kind.name();
    let mut find = one.prepare_cached(
        "UPDATE series SET seen = ?5, unit = ?6, window_s = ?7
         WHERE script = ?1 AND name = ?2 AND kind = ?3 AND labels = ?4 RETURNING id",
    )?;
    let unit = &table.options.unit;
    let known = find
        .query_row(params![script, name, kind, labels, now, unit, table.window_s], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok((id, false));
    }
    let mut make = one.prepare_cached(
        "INSERT INTO series (script, name, kind, labels, seen, unit, window_s)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let id = make.insert(params![script, name, kind, labels, now, unit, table.window_s])?;
    Ok((id, true))
}

/// The history of a table, if there is any: of the table seen last under that name.
pub fn find_series(
    database: &Connection,
    script: &str,
    name: &str,
) -> Result<Option<Series>, Error> {
    let mut query = database.prepare_cached(
        "SELECT id, kind, labels, unit, window_s FROM series
         WHERE script = ?1 AND name = ?2 ORDER BY seen DESC, id DESC LIMIT 1",
    )?;
    let found = query.query_row([script, name], |row| {
        let series = Series {
            id: row.get(0)?,
            kind: row.get(1)?,
            labels: Vec::new(),
            unit: row.get(3)?,
            window_s: row.get(4)?,
        };
        Ok((series, row.get::<_, String>(2)?))
    });
    let Some((mut series, labels)) = found.optional()? else { return Ok(None) };
    series.labels = serde_json::from_str(&labels)
        .map_err(|error| Error::Damaged(format!("the labels of table `{name}`: {error}")))?;
    Ok(Some(series))
}

/// Adds what happened in the ten seconds from `at` on. What was rolled up already is put right.
pub fn add(one: &Transaction<'_>, series: i64, at: i64, point: &Point) -> Result<(), Error> {
    put(one, series, STEPS[0], at, point.clone())?;
    for step in &STEPS[1..] {
        if meta(one, &format!("rolled_{step}"))?.is_some_and(|rolled| at < rolled) {
            put(one, series, *step, at - at.rem_euclid(*step), point.clone())?;
        }
    }
    Ok(())
}

fn put(one: &Transaction<'_>, series: i64, step: i64, at: i64, point: Point) -> Result<(), Error> {
    let mut find =
        one.prepare_cached("SELECT body FROM points WHERE series = ?1 AND step = ?2 AND at = ?3")?;
    let known = find.query_row([series, step, at], |row| row.get::<_, Vec<u8>>(0)).optional()?;
    let mut whole = match known {
        // Of when weir ran there is no more to say than that.
        Some(body) if series != RAN => Point::from_bytes(&body)?,
        _ => Point::default(),
    };
    whole.then(point);
    whole.cap();
    let body = if series == RAN { Vec::new() } else { whole.to_bytes() };
    let mut write = one.prepare_cached("INSERT OR REPLACE INTO points VALUES (?1, ?2, ?3, ?4)")?;
    write.execute(params![series, step, at, body])?;
    Ok(())
}

/// Makes minutes and hours of what is over by `now`.
pub fn roll_up(one: &Transaction<'_>, now: i64) -> Result<(), Error> {
    for steps in STEPS.windows(2) {
        let (fine, coarse) = (steps[0], steps[1]);
        let name = format!("rolled_{coarse}");
        let end = now - now.rem_euclid(coarse);
        let from = meta(one, &name)?;
        if from.is_some_and(|from| end <= from) {
            continue;
        }
        let from = from.unwrap_or(0);
        let mut sums = BTreeMap::<(i64, i64), Point>::new();
        let mut query = one.prepare_cached(
            "SELECT series, at, body FROM points WHERE step = ?1 AND at >= ?2 AND at < ?3 ORDER BY at",
        )?;
        let mut rows = query.query([fine, from, end])?;
        while let Some(row) = rows.next()? {
            let (series, at, body): (i64, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let sum = sums.entry((series, at - at.rem_euclid(coarse))).or_default();
            if series != RAN {
                sum.then(Point::from_bytes(&body)?);
            }
        }
        for ((series, at), sum) in sums {
            put(one, series, coarse, at, sum)?;
        }
        set_meta(one, &name, end)?;
    }
    Ok(())
}

/// Keeps all rows of a table as they were at a time.
pub fn add_frame(one: &Transaction<'_>, series: i64, at: i64, frame: &Point) -> Result<(), Error> {
    let mut write = one.prepare_cached("INSERT OR REPLACE INTO frames VALUES (?1, ?2, ?3)")?;
    write.execute(params![series, at, frame.to_bytes()])?;
    Ok(())
}

/// The last frame of a table at or before a time.
pub fn frame_before(
    database: &Connection,
    series: i64,
    at: i64,
) -> Result<Option<(i64, Point)>, Error> {
    let mut query = database.prepare_cached(
        "SELECT at, body FROM frames WHERE series = ?1 AND at <= ?2 ORDER BY at DESC LIMIT 1",
    )?;
    let found = query.query_row([series, at], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)));
    found.optional()?.map(|(at, body)| Ok((at, Point::from_bytes(&body)?))).transpose()
}

/// From when on points of this length are there.
pub fn kept_from(database: &Connection, step: i64) -> Result<i64, Error> {
    if step == STEPS[2] {
        return Ok(0);
    }
    Ok(meta(database, &format!("kept_{step}"))?.unwrap_or(0))
}

/// When the last point ends, if there is any.
pub fn ran_until(database: &Connection) -> Result<Option<i64>, Error> {
    let mut query =
        database.prepare_cached("SELECT max(at + step) FROM points WHERE series = ?1")?;
    let until = query.query_row([RAN], |row| row.get::<_, Option<i64>>(0))?;
    Ok(until)
}

/// The finest points that cover a time.
pub fn step_at(database: &Connection, at: i64) -> Result<i64, Error> {
    for step in STEPS {
        if at >= kept_from(database, step)? {
            return Ok(step);
        }
    }
    Ok(STEPS[2])
}

/// Hands the finest points between two times to `see`, in order, with their time and length; none is
/// longer than `step`, if that can be, and none finer if a coarser one does.
pub fn read(
    database: &Connection,
    series: i64,
    (from, to): (i64, i64),
    step: i64,
    mut see: impl FnMut(i64, i64, &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut from = from;
    // The coarsest that is fine enough first, as far as it is rolled up; then what is finer.
    for length in STEPS.into_iter().rev() {
        if from >= to {
            break;
        }
        let covered = match length {
            10 => i64::MAX,
            length => {
                let rolled = meta(database, &format!("rolled_{length}"))?.unwrap_or(0);
                if step % length == 0 && from % length == 0 {
                    rolled
                } else {
                    // Only where there is nothing finer.
                    let finer = if length == 60 { 10 } else { 60 };
                    kept_from(database, finer)?.min(rolled)
                }
            }
        };
        let until = to.min(covered);
        let until = if length == 10 { until } else { until - until.rem_euclid(length) };
        if until <= from {
            continue;
        }
        let mut query = database.prepare_cached(
            "SELECT at, body FROM points WHERE series = ?1 AND step = ?2 AND at >= ?3 AND at < ?4
             ORDER BY at",
        )?;
        let first = if length == 10 { from } else { from - from.rem_euclid(length) };
        let mut rows = query.query([series, length, first, until])?;
        while let Some(row) = rows.next()? {
            see(row.get(0)?, length, row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
        }
        from = until;
    }
    Ok(())
}

/// Forgets points of ten seconds, of minutes, and all history before these times.
pub fn forget(
    one: &Transaction<'_>,
    before_10: i64,
    before_60: i64,
    before: i64,
) -> Result<(), Error> {
    let hour = |at: i64| at - at.rem_euclid(3_600);
    for (step, until) in [(10, before_10), (60, before_60)] {
        // Never what is not rolled up yet.
        let coarse = if step == 10 { 60 } else { 3_600 };
        let rolled = meta(one, &format!("rolled_{coarse}"))?.unwrap_or(0);
        let until = hour(until.max(before).min(rolled));
        one.execute("DELETE FROM points WHERE step = ?1 AND at < ?2", [step, until])?;
        // A frame that no point begins at is of no use.
        one.execute("DELETE FROM frames WHERE at % ?1 <> 0 AND at < ?2", [coarse, until])?;
        if step == 60 {
            one.execute("DELETE FROM frames WHERE at % ?1 <> 0 AND at < ?2", [DAY, until - DAY])?;
        }
        set_meta(one, &format!("kept_{step}"), until.max(kept_from(one, step)?))?;
    }
    let before = hour(before);
    one.execute("DELETE FROM points WHERE step = 3600 AND at < ?1", [before])?;
    one.execute("DELETE FROM frames WHERE at < ?1", [before])?;
    one.execute(
        "DELETE FROM series WHERE seen < ?1 AND NOT EXISTS (SELECT 1 FROM points WHERE series = series.id)",
        [before],
    )?;
    Ok(())
}
