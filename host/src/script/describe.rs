//! What a script says of itself.

use serde::{Deserialize, Serialize};

use super::{LoadError, Wants};
use crate::table::Kind;

/// A script's description, from `weir_describe`. All of it is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
    #[schema(value_type = Object)]
    pub wants: Wants,
    /// Version of the state that it saves for the next.
    pub state_version: u32,
}

/// What a script does with events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its type: `string`, `int`, `uint`, `float`, `bool`, `duration`, `enum`, `expression`. Others are for
    /// people, and take any text.
    pub r#type: String,
    /// Its value unless set.
    pub default: String,
    /// The values that it can have; none, if that is not a list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// One line on what it does.
    pub help: String,
}

/// A table that a script updates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
}
