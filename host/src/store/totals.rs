//! The totals of all tables in the database: a head each, and the rows in chunks, of which only those are
//! written that changed.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, Transaction, params};

use super::Error;
use crate::{
    pipeline::{Left, TablesOf},
    table::Table,
};

/// Of zstd: chunks are written often.
const LEVEL: i32 = 1;

/// What of tables is in the database, by the number of a table.
pub type Written = HashMap<u64, Chunks>;

/// Tables by pipeline and script.
pub type Read = BTreeMap<(String, String), Vec<(String, Table)>>;

/// What is there of a table: its number there, and the changes of each chunk that it holds.
#[derive(Clone, Debug)]
pub struct Chunks {
    id: i64,
    changes: Vec<u64>,
}

/// Writes what changed, and returns what is then there.
pub fn write(
    one: &Transaction<'_>,
    tables: &[TablesOf],
    written: &Written,
    now_ns: i64,
) -> Result<Written, Error> {
    let mut then = Written::new();
    for (pipeline, script, tables) in tables {
        for (name, table) in tables {
            let changes = table.changes();
            let known = written.get(&table.id());
            if known.is_some_and(|known| known.changes == changes)
                && changes.iter().sum::<u64>() > 0
            {
                // Rows say nothing of what is beside them.
                write_head(one, (pipeline, script, name), table, now_ns)?;
                then.insert(table.id(), Chunks { id: known.map_or(0, |known| known.id), changes });
                continue;
            }
            let id = write_head(one, (pipeline, script, name), table, now_ns)?;
            let known = known.filter(|known| known.id == id);
            if known.is_none() {
                one.prepare_cached("DELETE FROM chunks WHERE in_table = ?1")?.execute([id])?;
            }
            let known = known.map_or(&[][..], |known| &known.changes);
            let mut query =
                one.prepare_cached("INSERT OR REPLACE INTO chunks VALUES (?1, ?2, ?3)")?;
            for (chunk, count) in changes.iter().enumerate() {
                if known.get(chunk) != Some(count) {
                    let rows = compress(&table.save_chunk(chunk));
                    query.execute(params![id, chunk as i64, rows])?;
                }
            }
            then.insert(table.id(), Chunks { id, changes });
        }
    }
    Ok(then)
}

fn write_head(
    one: &Transaction<'_>,
    (pipeline, script, name): (&str, &str, &str),
    table: &Table,
    now_ns: i64,
) -> Result<i64, Error> {
    let mut query = one.prepare_cached(
        "INSERT INTO tables (pipeline, script, name, head, at_ns) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET head = ?4, at_ns = ?5 RETURNING id",
    )?;
    let head = table.save_head();
    Ok(query.query_row(params![pipeline, script, name, head, now_ns], |row| row.get(0))?)
}

/// Forgets the tables of a script, and what it left, unless it is still in one of these pipelines.
pub fn forget(one: &Transaction<'_>, script: &str, still_in: &[&str]) -> Result<(), Error> {
    let still_in = serde_json::to_string(still_in).expect("names are texts");
    for table in ["tables", "left_by"] {
        one.execute(
            &format!(
                "DELETE FROM {table} WHERE script = ?1
                 AND pipeline NOT IN (SELECT value FROM json_each(?2))"
            ),
            [script, &still_in],
        )?;
    }
    Ok(())
}

/// Forgets tables that were last written before a time.
pub fn forget_before(one: &Transaction<'_>, before_ns: i64) -> Result<(), Error> {
    one.execute("DELETE FROM tables WHERE at_ns < ?1", [before_ns])?;
    Ok(())
}

/// All tables by pipeline and script. One that cannot be read is left out, and told of.
pub fn read(database: &Connection) -> Result<Read, Error> {
    let mut found = Read::new();
    let mut query =
        database.prepare("SELECT id, pipeline, script, name, head FROM tables ORDER BY id")?;
    let mut chunks_of =
        database.prepare("SELECT rows FROM chunks WHERE in_table = ?1 ORDER BY number")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (id, pipeline, script): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (name, head): (String, Vec<u8>) = (row.get(3)?, row.get(4)?);
        let chunks = chunks_of.query_map([id], |row| row.get::<_, Vec<u8>>(0))?;
        let chunks = chunks.collect::<Result<Vec<_>, _>>()?;
        let plain = chunks.iter().map(|chunk| zstd::stream::decode_all(&chunk[..]));
        let table = plain.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string());
        let table = table.and_then(|chunks| {
            Table::restore(&head, chunks.iter().map(|chunk| &chunk[..]))
                .map_err(|error| error.to_string())
        });
        match table {
            Ok(table) => found.entry((pipeline, script)).or_default().push((name, table)),
            Err(error) => {
                tracing::warn!("table {name} of script {script} starts empty: {error}");
            }
        }
    }
    Ok(found)
}

/// Writes what scripts left.
pub fn write_left(one: &Transaction<'_>, left: &Left) -> Result<(), Error> {
    let mut query = one.prepare("INSERT OR REPLACE INTO left_by VALUES (?1, ?2, ?3, ?4)")?;
    for ((pipeline, script), (version, saved)) in left {
        query.execute(params![pipeline, script, version, saved])?;
    }
    Ok(())
}

/// What scripts left.
pub fn read_left(database: &Connection) -> Result<Left, Error> {
    let mut query = database.prepare("SELECT pipeline, script, version, saved FROM left_by")?;
    let rows =
        query.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn compress(plain: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(plain, LEVEL).expect("memory is all that it takes")
}
