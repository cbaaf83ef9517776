//! What goes when it is too old, or too much.

use rusqlite::{Connection, Transaction};

use super::{Error, history};

/// What is in the database may take so much of what it may take, in hundredths, after room was made.
const AFTERWARDS: u64 = 90;

/// Bytes that are in use in the database.
pub fn used_bytes(database: &Connection) -> Result<u64, Error> {
    let number = |name| database.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = number("page_count")? - number("freelist_count")?;
    Ok((pages * number("page_size")?).max(0).cast_unsigned())
}

/// Events that are stored.
pub fn events(database: &Connection) -> Result<u64, Error> {
    let events: i64 =
        database.query_row("SELECT coalesce(sum(count), 0) FROM events", [], |row| row.get(0))?;
    Ok(events.max(0).cast_unsigned())
}

/// Forgets what is older than `age` seconds at `now`, and finer history than is kept for long.
pub fn forget_old(one: &Transaction<'_>, now: i64, age: i64) -> Result<(), Error> {
    let before = now.saturating_sub(age);
    one.execute("DELETE FROM events WHERE last_ns < ?1", [before.saturating_mul(1_000_000_000)])?;
    history::forget(one, now - history::KEEP_10, now - history::KEEP_60, before)?;
    super::totals::forget_before(one, before.saturating_mul(1_000_000_000))
}

/// Makes room if more than `most` bytes are in use: the oldest events go first, then the finest history,
/// then the oldest. Whether there is room now: totals and scripts stay.
pub fn make_room(one: &Transaction<'_>, now: i64, most: u64) -> Result<bool, Error> {
    if used_bytes(one)? <= most {
        return Ok(true);
    }
    let aim = most / 100 * AFTERWARDS;
    while used_bytes(one)? > aim {
        let gone = one.execute(
            "DELETE FROM events WHERE id IN
             (SELECT id FROM events ORDER BY id LIMIT (SELECT count(*) / 16 + 1 FROM events))",
            [],
        )?;
        if gone == 0 {
            break;
        }
    }
    let mut before = 0;
    for (before_10, before_60) in [(now - 3_600, 0), (now - 3_600, now - 3_600)] {
        if used_bytes(one)? > aim {
            history::forget(one, before_10, before_60, before)?;
        }
    }
    while used_bytes(one)? > aim {
        let oldest: Option<i64> =
            one.query_row("SELECT min(at) FROM points WHERE step = 3600", [], |row| row.get(0))?;
        let Some(oldest) = oldest.filter(|oldest| *oldest < now - 7_200) else { break };
        before = oldest + ((now - oldest) / 8).max(3_600);
        history::forget(one, now - 3_600, now - 3_600, before)?;
    }
    Ok(used_bytes(one)? <= most)
}
