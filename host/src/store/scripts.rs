//! Pipelines and scripts in the database, and the modules by what they are.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Error, totals};
use crate::{
    pipeline::{Definitions, ScriptDefinition},
    script,
};

/// Modules by their sha256 in hex.
pub type Modules = HashMap<String, Arc<[u8]>>;

/// Writes all pipelines and scripts, and modules that are not there yet. One that no script is made of may
/// be on its way to become one, or be put back: [`unused`] tells of it.
fn write(one: &Transaction<'_>, definitions: &Definitions, modules: &Modules) -> Result<(), Error> {
    let json = serde_json::to_string(definitions).expect("definitions are texts and numbers");
    one.execute("INSERT OR REPLACE INTO definitions VALUES (1, ?1)", [json])?;
    let given = definitions.scripts.values().filter(|script| script.given);
    let given: BTreeSet<_> = given.map(|script| &script.sha256).collect();
    for (sha256, bytes) in modules.iter().filter(|(sha256, _)| !given.contains(sha256)) {
        let bytes = &bytes[..];
        one.execute("INSERT OR IGNORE INTO modules VALUES (?1, ?2)", params![sha256, bytes])?;
    }
    Ok(())
}

/// Modules that no script is made of, by sha256 in hex.
pub fn unused(database: &Connection, definitions: &Definitions) -> Result<BTreeSet<String>, Error> {
    let mut query = database.prepare_cached("SELECT sha256 FROM modules")?;
    let all = query.query_map([], |row| row.get(0))?.collect::<Result<BTreeSet<String>, _>>()?;
    let wanted = definitions.scripts.values().filter(|script| !script.given);
    let wanted: BTreeSet<_> = wanted.map(|script| &script.sha256).collect();
    Ok(all.into_iter().filter(|sha256| !wanted.contains(sha256)).collect())
}

/// Forgets modules.
pub fn forget<'a>(
    one: &Transaction<'_>,
    modules: impl IntoIterator<Item = &'a String>,
) -> Result<(), Error> {
    let mut delete = one.prepare_cached("DELETE FROM modules WHERE sha256 = ?1")?;
    modules.into_iter().try_for_each(|sha256| delete.execute([sha256]).map(drop))?;
    Ok(())
}

/// Writes all pipelines and scripts in the place of those of before. What was unloaded starts empty when it
/// is loaded again.
pub fn replace(
    one: &Transaction<'_>,
    before: Option<&Definitions>,
    definitions: &Definitions,
    modules: &Modules,
) -> Result<(), Error> {
    write(one, definitions, modules)?;
    let places = |of: &Definitions| {
        let places = of.pipelines.iter().flat_map(|pipeline| {
            pipeline.scripts.iter().map(|script| (script.clone(), pipeline.name.clone()))
        });
        places.collect::<Vec<_>>()
    };
    let now = places(definitions);
    let gone = before.into_iter().flat_map(places).filter(|place| !now.contains(place));
    for (script, _) in gone {
        let still = now.iter().filter(|(other, _)| *other == script);
        let still_in: Vec<_> = still.map(|(_, pipeline)| pipeline.as_str()).collect();
        totals::forget(one, &script, &still_in)?;
    }
    Ok(())
}

/// All pipelines and scripts, and the modules that they are made of.
pub fn read(database: &Connection) -> Result<(Definitions, Modules), Error> {
    let json: Option<String> =
        database.query_row("SELECT json FROM definitions", [], |row| row.get(0)).optional()?;
    let definitions = match json {
        Some(json) => serde_json::from_str(&json)
            .map_err(|error| Error::Damaged(format!("the list of scripts: {error}")))?,
        None => Definitions::default(),
    };
    let mut query = database.prepare("SELECT bytes FROM modules WHERE sha256 = ?1")?;
    let mut modules = Modules::new();
    for ScriptDefinition { sha256, .. } in definitions.scripts.values() {
        let bytes = query.query_row([sha256], |row| row.get::<_, Vec<u8>>(0)).optional()?;
        modules.extend(bytes.map(|bytes| (sha256.clone(), bytes.into())));
    }
    // They are what their names say, or they are damaged.
    modules.retain(|sha256, bytes| {
        let is_it = script::sha256(bytes) == *sha256;
        if !is_it {
            tracing::error!("a module in the store is damaged, and so not used: {sha256}");
        }
        is_it
    });
    Ok((definitions, modules))
}
