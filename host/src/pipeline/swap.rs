//! Loads a script, or puts a new version in the place of one while events flow.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use super::{
    ChangeError, Pipelines, ScriptInfo,
    change::instance_of,
    load::check_name,
    loaded::{Script, Stats},
    registry::State,
    stage::Stage,
    trial::{Rollback, Trial},
    turn::beside,
};
use crate::{
    script::{Emitted, Instance, LimitValues, Limits, LoadError, Log, Module, Sinks},
    table::Tables,
};

/// What a module is put in for.
pub struct Put<'a> {
    /// The name to load it under, or to swap.
    pub name: &'a str,
    /// The module.
    pub bytes: &'a [u8],
    /// The pipeline to append a new script to; its own if there is none.
    pub pipeline: Option<&'a str>,
    /// The parameters; those of the version before if there are none.
    pub params: Option<BTreeMap<String, String>>,
}

/// A compiled module that is to become a script.
#[derive(Clone)]
pub(super) struct New<'a> {
    pub name: &'a str,
    pub size_bytes: usize,
    pub module: Module,
    pub limits: Limits,
}

impl Pipelines {
    /// Loads a script, or swaps the one of that name in all its pipelines. Returns whether it was
    /// there before. The old version runs on if the new one is refused.
    pub fn put(&self, put: Put<'_>) -> Result<(ScriptInfo, bool), ChangeError> {
        self.put_limited(put, &LimitValues::default())
    }

    /// The same, with limits of its own; what is left out is as it was before, or for all scripts.
    pub fn put_limited(
        &self,
        put: Put<'_>,
        limits: &LimitValues,
    ) -> Result<(ScriptInfo, bool), ChangeError> {
        check_name(put.name)?;
        put.pipeline.map(check_name).transpose()?;
        limits.change(self.limits)?;
        let loading = self.loads.begin(put.name, put.bytes.len());
        let result = self.compile(put.name, put.bytes).and_then(|module| {
            loading.compiled();
            let _one = self.shared.changes.lock().expect("no panic while locked");
            let state = State::clone(&self.shared.state.load());
            let old = state.scripts.get(put.name).cloned();
            let before =
                old.as_ref().map_or_else(|| self.limits_of(put.name), |old| Ok(old.limits()))?;
            let new = New {
                name: put.name,
                size_bytes: put.bytes.len(),
                module,
                limits: limits.change(before)?,
            };
            self.memory.keep_module(new.module.sha256(), put.bytes);
            match old {
                Some(old) => {
                    check_place(&state, &put)?;
                    self.swap(state, &old, new, put.params).map(|info| (info, true))
                }
                None => {
                    let said = || self.settings.get(put.name).map(|said| said.params.clone());
                    let params = put.params.or_else(said).unwrap_or_default();
                    self.load(state, new, put.pipeline, params).map(|info| (info, false))
                }
            }
        });
        loading.end(&result);
        result
    }

    fn load(
        &self,
        mut state: State,
        new: New<'_>,
        pipeline: Option<&str>,
        params: BTreeMap<String, String>,
    ) -> Result<ScriptInfo, ChangeError> {
        let script_name = new.name;
        let name = pipeline.unwrap_or(script_name);
        let tables = self.memory.tables(name, script_name);
        let first = self.first(new, params, &tables, None);
        if first.is_err() {
            self.memory.not_taken(name, script_name, &tables);
        }
        let (script, instance) = first?;
        let mut stage = Stage::new(script.clone(), tables.clone(), instance);
        self.memory.hand_back(name, &mut stage);
        match state.pipelines.iter_mut().find(|pipeline| *pipeline.name == *name) {
            Some(pipeline) => {
                pipeline.scripts.push((script_name.to_owned(), tables));
                pipeline.worker.change(Box::new(|stages| stages.push(stage)));
            }
            None => {
                let scripts = vec![(script_name.to_owned(), tables)];
                state.pipelines.push(self.pipeline(name, scripts, vec![stage]));
            }
        }
        state.scripts.insert(script_name.to_owned(), script);
        Ok(self.publish(state, script_name))
    }

    pub(super) fn swap(
        &self,
        mut state: State,
        old: &Arc<Script>,
        new: New<'_>,
        params: Option<BTreeMap<String, String>>,
    ) -> Result<ScriptInfo, ChangeError> {
        let name = new.name;
        let carried = params.is_none();
        let mut params = params.unwrap_or_else(|| old.given.clone());
        let mut places: Vec<_> = state.pipelines_of(name).cloned().collect();
        let first = places.remove(0);
        let tables = first.tables(name);
        let (script, instance) = loop {
            match self.first(new.clone(), params.clone(), &tables, Some(old)) {
                // The old version's parameter, which the new one no longer has.
                Err(ChangeError::Load { source: LoadError::UnknownParam { name, .. }, .. })
                    if carried && params.remove(&name).is_some() => {}
                result => break result?,
            }
        };
        let mut switches = vec![(first, Stage::new(script.clone(), tables, instance))];
        for pipeline in places {
            let tables = pipeline.tables(name);
            let instance = instance_of(&script, &tables)?;
            switches.push((pipeline, Stage::new(script.clone(), tables, instance)));
        }
        script.log.limit(script.limits().log_lines);
        old.stats.slow.lock().expect("no panic while locked").rolled_back = None;
        let rollback = Rollback { new: script.clone(), old: old.clone() };
        let trial = Trial::new(rollback, switches.len(), self.trials.clone());
        self.memory.may_come_back(&old.sha256, &trial);
        state.scripts.insert(name.to_owned(), script);
        for (pipeline, stage) in switches {
            pipeline.replace(stage, Some(trial.clone()));
        }
        Ok(self.publish(state, name))
    }

    pub(super) fn compile(&self, name: &str, bytes: &[u8]) -> Result<Module, ChangeError> {
        beside(|| self.engine.compile(bytes, self.limits.module_bytes))
            .map_err(|source| ChangeError::Load { name: name.to_owned(), source })
    }

    /// The script of a module, and its first instance, which tells what it says of itself.
    pub(super) fn first(
        &self,
        New { name, size_bytes, module, limits }: New<'_>,
        given: BTreeMap<String, String>,
        tables: &Arc<Tables>,
        old: Option<&Arc<Script>>,
    ) -> Result<(Arc<Script>, Instance), ChangeError> {
        let (log, emitted, stats) = match old {
            Some(old) => (old.log.clone(), old.emitted.clone(), old.stats.clone()),
            None => (
                Arc::new(Log::new(limits.log_lines)),
                Arc::<Emitted>::default(),
                Arc::<Stats>::default(),
            ),
        };
        let engine = self.engine.clone();
        let sinks = Sinks { log: log.clone(), emitted: emitted.clone(), tables: tables.clone() };
        let instance = beside(|| Instance::start(&engine, &module, limits, &given, sinks))
            .map_err(|source| ChangeError::Load { name: name.to_owned(), source })?;
        let script = Script {
            name: name.to_owned(),
            sha256: module.sha256().to_owned(),
            size_bytes,
            loaded: SystemTime::now(),
            describe: instance.describe().clone(),
            params: instance.describe().in_force(&given),
            given,
            engine,
            module,
            limits: Mutex::new(limits),
            log,
            emitted,
            stats,
        };
        Ok((Arc::new(script), instance))
    }
}

/// Refuses to swap a script in a pipeline that it is not in.
fn check_place(state: &State, put: &Put<'_>) -> Result<(), ChangeError> {
    let Some(pipeline) = put.pipeline else { return Ok(()) };
    if state.pipelines_of(put.name).any(|known| *known.name == *pipeline) {
        return Ok(());
    }
    Err(ChangeError::Conflict(format!(
        "script `{}` is not in pipeline `{pipeline}`: leave the pipeline out to swap it where it \
         is, or load it under another name",
        put.name
    )))
}
