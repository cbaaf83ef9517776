//! What a script says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{LoadError, Wants};
use crate::table::Kind;

/// A script's description, from `weir_describe`. All of it is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Describe {
    /// Its own name, which need not be the one it is loaded under.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One line on what it does.
    pub summary: String,
    /// What it does with events.
    pub role: Option<Role>,
    /// The language it is written in.
    pub language: String,
    /// Its parameters.
    pub params: Vec<Param>,
    /// Its tables.
    pub tables: Vec<TableInfo>,
    /// Which events it is given.
    pub wants: Wants,
    /// Version of the state that it saves for the next.
    pub state_version: u32,
}

/// What a script does with events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Drops some.
    Filter,
    /// Adds attributes to them.
    Enrich,
    /// Sums them up in tables.
    Aggregate,
}

/// A parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its type, for people and forms: `string`, `int`, `duration`, …
    pub r#type: String,
    /// Its value unless set.
    pub default: String,
    /// One line on what it does.
    pub help: String,
}

/// A table that a script updates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableInfo {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// One line on what it says.
    #[serde(default)]
    pub help: String,
}

impl Describe {
    pub(super) fn parse(json: &[u8]) -> Result<Self, LoadError> {
        serde_json::from_slice(json).map_err(|error| LoadError::Describe(error.to_string()))
    }

    /// The parameters' values: what was given, else the defaults.
    pub(super) fn values(
        &self,
        given: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, LoadError> {
        let known = |name: &str| self.params.iter().any(|param| param.name == name);
        if let Some(name) = given.keys().find(|name| !known(name)) {
            let names: Vec<_> = self.params.iter().map(|param| param.name.as_str()).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(LoadError::UnknownParam { name: name.clone(), known });
        }
        let mut values = given.clone();
        for param in &self.params {
            values.entry(param.name.clone()).or_insert_with(|| param.default.clone());
        }
        Ok(values)
    }
}
