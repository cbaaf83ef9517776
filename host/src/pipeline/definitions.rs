//! What there is, as far as it must be known to make it again.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Pipelines;
use crate::{
    script::{LimitValues, Limits},
    table::Table,
};

/// All pipelines and scripts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Definitions {
    /// The pipelines, in the order in which they were made.
    pub pipelines: Vec<PipelineDefinition>,
    /// The scripts, by name.
    pub scripts: BTreeMap<String, ScriptDefinition>,
}

/// A pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PipelineDefinition {
    /// Its name.
    pub name: String,
    /// Its scripts, in order.
    pub scripts: Vec<String>,
}

/// A script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScriptDefinition {
    /// Of the module, in hex.
    pub sha256: String,
    /// The parameters that were given.
    pub params: BTreeMap<String, String>,
    /// The limits that are not those of all scripts.
    pub limits: LimitValues,
    /// Whether nobody turned it off.
    pub enabled: bool,
    /// Whether it comes from the command line, or from the folder named there: so it comes from there the
    /// next time as well.
    pub given: bool,
}

/// Of one script in one pipeline: copies of its tables, by name.
pub type TablesOf = (Arc<str>, String, Vec<(String, Table)>);

impl Pipelines {
    /// All pipelines and scripts.
    pub fn definitions(&self) -> Definitions {
        let state = self.shared.state.load();
        let given = self.memory.given.lock().expect("no panic while locked");
        let scripts = state.scripts.iter().map(|(name, script)| {
            let definition = ScriptDefinition {
                sha256: script.sha256.clone(),
                params: script.given.clone(),
                limits: beyond(&script.limits(), &self.limits),
                enabled: script.is_enabled(),
                given: given.contains(name),
            };
            (name.clone(), definition)
        });
        let pipelines = state.pipelines.iter().map(|pipeline| PipelineDefinition {
            name: pipeline.name.to_string(),
            scripts: pipeline.script_names(),
        });
        Definitions { pipelines: pipelines.collect(), scripts: scripts.collect() }
    }

    /// Copies of all tables, by pipeline and script: those of one script in one pipeline are of one moment.
    /// Nothing that runs waits longer the more the tables hold.
    pub fn copies(&self) -> Vec<TablesOf> {
        let state = self.shared.state.load();
        let pipelines = state.pipelines.iter();
        let scripts = pipelines.flat_map(|pipeline| {
            pipeline.scripts.iter().map(|(script, tables)| (&pipeline.name, script, tables))
        });
        scripts
            .map(|(pipeline, script, tables)| (pipeline.clone(), script.clone(), tables.copies()))
            .collect()
    }
}

/// These limits, where they are not those of all scripts.
fn beyond(own: &Limits, all: &Limits) -> LimitValues {
    let (own, all) = (LimitValues::of(own), LimitValues::of(all));
    fn other<T: PartialEq>(own: Option<T>, all: Option<T>) -> Option<T> {
        if own == all { None } else { own }
    }
    LimitValues {
        batch_time_ms: other(own.batch_time_ms, all.batch_time_ms),
        memory_bytes: other(own.memory_bytes, all.memory_bytes),
        output_bytes_per_second: other(own.output_bytes_per_second, all.output_bytes_per_second),
        log_lines_per_second: other(own.log_lines_per_second, all.log_lines_per_second),
        table_keys: other(own.table_keys, all.table_keys),
    }
}
