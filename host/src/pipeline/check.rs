//! Looks at a module before it is put in: compiles and starts it, and lets go of it again.

use std::sync::Arc;

use serde::Serialize;

use super::{ChangeError, Pipelines, Put, load::check_name, swap::New};
use crate::{
    script::{Describe, Form, LoadError},
    table::Tables,
};

/// What a module would be as a script.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Checked {
    /// The name to load it under.
    pub name: String,
    /// Of the module, in hex.
    pub sha256: String,
    /// Size of the module.
    pub size_bytes: usize,
    /// Whether it is a core module or a component.
    pub form: Form,
    /// All that it says of itself.
    pub describe: Describe,
    /// Parameters of the version before that this one does not have.
    pub params_lost: Vec<String>,
}

impl Pipelines {
    /// Starts a module as [`Pipelines::put`] does, with tables of its own and no event, and says what it
    /// would be. Nothing that runs is touched; a load that follows finds it compiled.
    pub fn check(&self, put: Put<'_>) -> Result<Checked, ChangeError> {
        check_name(put.name)?;
        let module = self.compile(put.name, put.bytes)?;
        let old = self.shared.state.load().scripts.get(put.name).cloned();
        let limits = old.as_ref().map_or(self.limits, |old| old.limits());
        let carried = put.params.is_none();
        let mut params = match (put.params, &old) {
            (Some(params), _) => params,
            (None, Some(old)) => old.given.clone(),
            (None, None) => Default::default(),
        };
        let size_bytes = put.bytes.len();
        let new = New { name: put.name, size_bytes, module, limits };
        let tables = Arc::new(Tables::default());
        let mut params_lost = Vec::new();
        let (script, _instance) = loop {
            match self.first(new.clone(), params.clone(), &tables, None) {
                Err(ChangeError::Load { source: LoadError::UnknownParam { name, .. }, .. })
                    if carried && params.remove(&name).is_some() =>
                {
                    params_lost.push(name);
                }
                result => break result?,
            }
        };
        Ok(Checked {
            name: script.name.clone(),
            sha256: new.module.sha256().to_owned(),
            size_bytes,
            form: new.module.form(),
            describe: script.describe.clone(),
            params_lost,
        })
    }
}
