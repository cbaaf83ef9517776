//! Every change of pipelines and scripts while events flow: what can fail comes first, then the
//! switch between two batches.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use sha2::{Digest, Sha256};

use super::{
    ChangeError, Kept, Pipelines, Row, ScriptInfo, Spec,
    load::check_name,
    loaded::{Script, Source, Stats},
    registry::{Pipeline, State},
    stage::Stage,
    worker::Worker,
};
use crate::{
    script::{Instance, LoadError, Log, Module},
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

impl Pipelines {
    /// Adds a pipeline.
    pub fn add(&self, spec: Spec) -> Result<(), ChangeError> {
        let _one = self.changes.lock().expect("no panic while locked");
        check_name(&spec.name)?;
        let mut state = State::clone(&self.state.load());
        if state.pipelines.iter().any(|pipeline| *pipeline.name == *spec.name) {
            return Err(ChangeError::Conflict(format!("there is a pipeline `{}`", spec.name)));
        }
        let (mut scripts, mut stages) = (Vec::new(), Vec::new());
        for script in spec.scripts {
            if scripts.iter().any(|(name, _)| *name == script.name) {
                return Err(ChangeError::Conflict(format!(
                    "script `{0}` stands twice in pipeline `{1}`: load one as NAME={0}",
                    script.name, spec.name
                )));
            }
            let tables = Arc::new(Tables::default());
            let known = state.scripts.get(&script.name).cloned();
            let (loaded, instance) = match known {
                Some(known) => {
                    if known.sha256 != sha256(&script.bytes) || known.given != script.params {
                        return Err(ChangeError::Conflict(format!(
                            "script `{0}` is loaded from another module or with other parameters: \
                             load one as NAME={0}",
                            script.name
                        )));
                    }
                    let instance = instance_of(&known, &tables)?;
                    (known, instance)
                }
                None => {
                    let module = self.compile(&script.name, &script.bytes)?;
                    self.first(&script.name, &script.bytes, module, script.params, &tables, None)?
                }
            };
            state.scripts.insert(script.name.clone(), loaded.clone());
            stages.push(Stage::new(loaded, tables.clone(), instance));
            scripts.push((script.name, tables));
        }
        state.pipelines.push(self.pipeline(&spec.name, scripts, stages));
        self.state.store(Arc::new(state));
        self.changed();
        Ok(())
    }

    /// Loads a script, or swaps the one of that name in all its pipelines. Returns whether it was
    /// there before. The old version runs on if the new one is refused.
    pub fn put(&self, put: Put<'_>) -> Result<(ScriptInfo, bool), ChangeError> {
        check_name(put.name)?;
        put.pipeline.map(check_name).transpose()?;
        let _one = self.changes.lock().expect("no panic while locked");
        let module = self.compile(put.name, put.bytes)?;
        let state = State::clone(&self.state.load());
        match state.scripts.get(put.name).cloned() {
            Some(old) => self.swap(state, &old, put, module).map(|info| (info, true)),
            None => self.load(state, put, module).map(|info| (info, false)),
        }
    }

    fn load(
        &self,
        mut state: State,
        put: Put<'_>,
        module: Module,
    ) -> Result<ScriptInfo, ChangeError> {
        let tables = Arc::new(Tables::default());
        let params = put.params.unwrap_or_default();
        let (script, instance) = self.first(put.name, put.bytes, module, params, &tables, None)?;
        let stage = Stage::new(script.clone(), tables.clone(), instance);
        let name = put.pipeline.unwrap_or(put.name);
        match state.pipelines.iter_mut().find(|pipeline| *pipeline.name == *name) {
            Some(pipeline) => {
                pipeline.scripts.push((put.name.to_owned(), tables));
                pipeline.worker.change(Box::new(|stages| stages.push(stage)));
            }
            None => {
                let scripts = vec![(put.name.to_owned(), tables)];
                state.pipelines.push(self.pipeline(name, scripts, vec![stage]));
            }
        }
        state.scripts.insert(put.name.to_owned(), script);
        Ok(self.publish(state, put.name))
    }

    fn swap(
        &self,
        mut state: State,
        old: &Arc<Script>,
        put: Put<'_>,
        module: Module,
    ) -> Result<ScriptInfo, ChangeError> {
        if let Some(pipeline) = put.pipeline
            && !state.pipelines_of(put.name).any(|known| *known.name == *pipeline)
        {
            return Err(ChangeError::Conflict(format!(
                "script `{}` is not in pipeline `{pipeline}`: leave the pipeline out to swap it \
                 where it is, or load it under another name",
                put.name
            )));
        }
        let carried = put.params.is_none();
        let mut params = put.params.unwrap_or_else(|| old.given.clone());
        let mut places: Vec<_> = state.pipelines_of(put.name).cloned().collect();
        let first = places.remove(0);
        let tables = first.tables(put.name);
        let (script, instance) = loop {
            let try_params = params.clone();
            let module = module.clone();
            match self.first(put.name, put.bytes, module, try_params, &tables, Some(old)) {
                // The old version's parameter, which the new one no longer has.
                Err(ChangeError::Load { source: LoadError::UnknownParam { name, .. }, .. })
                    if carried && params.remove(&name).is_some() => {}
                result => break result?,
            }
        };
        let mut switches = vec![(first, Stage::new(script.clone(), tables, instance))];
        for pipeline in places {
            let tables = pipeline.tables(put.name);
            let instance = instance_of(&script, &tables)?;
            switches.push((pipeline, Stage::new(script.clone(), tables, instance)));
        }
        for (pipeline, stage) in switches {
            pipeline.replace(stage);
        }
        state.scripts.insert(put.name.to_owned(), script);
        Ok(self.publish(state, put.name))
    }

    /// Takes a script out of all pipelines; a pipeline that is empty then goes as well.
    pub fn remove(&self, name: &str) -> Result<(), ChangeError> {
        let _one = self.changes.lock().expect("no panic while locked");
        let mut state = State::clone(&self.state.load());
        if state.scripts.remove(name).is_none() {
            return Err(ChangeError::UnknownScript(name.to_owned()));
        }
        let mut gone = Vec::new();
        state.pipelines.retain_mut(|pipeline| {
            let before = pipeline.scripts.len();
            pipeline.scripts.retain(|(script, _)| script != name);
            if pipeline.scripts.len() == before {
                return true;
            }
            if pipeline.scripts.is_empty() {
                gone.push(pipeline.clone());
                return false;
            }
            let name = name.to_owned();
            pipeline
                .worker
                .change(Box::new(move |stages| stages.retain(|stage| stage.script.name != name)));
            true
        });
        self.state.store(Arc::new(state));
        for pipeline in gone {
            pipeline.worker.finish();
        }
        self.changed();
        tracing::info!("script {name} is unloaded");
        Ok(())
    }

    /// Turns a script off, so that events pass it by, or on, with a fresh instance.
    pub fn enable(&self, name: &str, enabled: bool) -> Result<ScriptInfo, ChangeError> {
        let _one = self.changes.lock().expect("no panic while locked");
        let state = self.state.load();
        let script = state
            .scripts
            .get(name)
            .cloned()
            .ok_or_else(|| ChangeError::UnknownScript(name.to_owned()))?;
        let mut switches = Vec::new();
        for pipeline in state.pipelines_of(name) {
            if enabled {
                let tables = pipeline.tables(name);
                let instance = instance_of(&script, &tables)?;
                switches.push((pipeline, Some(Stage::new(script.clone(), tables, instance))));
            } else {
                switches.push((pipeline, None));
            }
        }
        for (pipeline, stage) in switches {
            match stage {
                Some(stage) => pipeline.replace(stage),
                None => {
                    let name = name.to_owned();
                    pipeline.worker.change(Box::new(move |stages| {
                        stages
                            .iter_mut()
                            .filter(|stage| stage.script.name == name)
                            .for_each(Stage::disable);
                    }));
                }
            }
        }
        self.changed();
        Ok(state.info(&script))
    }

    fn compile(&self, name: &str, bytes: &[u8]) -> Result<Module, ChangeError> {
        self.engine
            .compile(bytes, self.limits.module_bytes)
            .map_err(|source| ChangeError::Load { name: name.to_owned(), source })
    }

    /// The script of a module, and its first instance, which tells what it says of itself.
    fn first(
        &self,
        name: &str,
        bytes: &[u8],
        module: Module,
        given: BTreeMap<String, String>,
        tables: &Arc<Tables>,
        old: Option<&Arc<Script>>,
    ) -> Result<(Arc<Script>, Instance), ChangeError> {
        let log =
            old.map_or_else(|| Arc::new(Log::new(self.limits.log_lines)), |old| old.log.clone());
        let (engine, limits) = (self.engine.clone(), self.limits);
        let instance =
            Instance::start(&engine, &module, limits, &given, log.clone(), tables.clone())
                .map_err(|source| ChangeError::Load { name: name.to_owned(), source })?;
        let script = Script {
            name: name.to_owned(),
            sha256: sha256(bytes),
            size_bytes: bytes.len(),
            loaded: SystemTime::now(),
            describe: instance.describe().clone(),
            params: instance.params().clone(),
            given,
            source: Source { engine, module, limits },
            log,
            stats: old.map_or_else(|| Arc::new(Stats::default()), |old| old.stats.clone()),
        };
        Ok((Arc::new(script), instance))
    }

    fn pipeline(
        &self,
        name: &str,
        scripts: Vec<(String, Arc<Tables>)>,
        stages: Vec<Stage>,
    ) -> Pipeline {
        let (row, kept) = (Arc::new(Row::default()), Arc::new(Kept::new(self.keep_events)));
        let worker = Worker::start(name, stages, row.clone(), kept.clone());
        Pipeline { name: name.into(), scripts, row, kept, worker: Arc::new(worker) }
    }

    fn publish(&self, state: State, name: &str) -> ScriptInfo {
        let info = state.info(&state.scripts[name]);
        self.state.store(Arc::new(state));
        self.changed();
        info
    }
}

fn instance_of(script: &Arc<Script>, tables: &Arc<Tables>) -> Result<Instance, ChangeError> {
    script
        .instance(tables.clone())
        .map_err(|source| ChangeError::Load { name: script.name.clone(), source })
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use weir_sdk::event::{AF_INET, CALL_SENDMSG, GROUP_NAME, Head, STATUS_OK};

    use super::*;
    use crate::{
        decode::Batch,
        pipeline::{Wanted, parse_spec},
        script::{Engine, Limits, bundled, call_names},
        table::{Sort, Values},
    };

    /// A batch of calls by `named` to port 53, of which every third failed.
    fn batch() -> Arc<Batch> {
        let mut batch = Batch::default();
        for seq in 1..=9 {
            let name = batch.append(b"\x02\0\0\x35\x08\x08\x08\x08");
            let mut head = Head {
                seq,
                ret: if seq % 3 == 0 { -111 } else { 64 },
                duration_ns: 1000 * seq,
                family: AF_INET,
                port: 53,
                call: CALL_SENDMSG,
                comm: *b"named\0\0\0\0\0\0\0\0\0\0\0",
                name,
                ..Head::default()
            };
            head.addr[..4].fill(8);
            head.status[GROUP_NAME] = STATUS_OK;
            batch.heads.push(head);
        }
        Arc::new(batch)
    }

    #[test]
    fn the_bundled_scripts_work_together() {
        if bundled().is_empty() {
            return eprintln!("skipped: this build holds no scripts; run `cargo xtask build`");
        }
        let (asked, on_wanted) = (Wanted::default(), Box::new(|_| {}));
        let pipelines = Pipelines::new(Engine::new(), Limits::default(), 100, asked, on_wanted);
        pipelines.add(parse_spec("errors | service | latency").unwrap()).unwrap();
        pipelines.add(parse_spec("destinations").unwrap()).unwrap();
        pipelines.add(parse_spec("descriptors").unwrap()).unwrap();
        let calls = call_names(pipelines.wanted().calls);
        assert_eq!(calls.collect::<Vec<_>>(), ["sendmsg", "sendmmsg", "sendto"]);
        pipelines.deliver(&batch());
        pipelines.finish();

        let rows = pipelines.rows();
        let of =
            |index: usize| (rows[index].delivered, rows[index].kept, rows[index].dropped_by_script);
        assert_eq!((of(0), of(1)), ((9, 3, 6), (9, 9, 0)));
        let kept = pipelines.kept(Some("errors-service-latency")).unwrap().before(u64::MAX);
        let event = serde_json::to_value(kept[0].event(0)).unwrap();
        assert_eq!((&event["seq"], &event["attrs"]["service"]), (&3.into(), &"dns".into()));

        let tables = pipelines.tables();
        let row = |script: &str, table: &str| {
            let (rows, other) =
                tables[&(script.to_owned(), table.to_owned())].rows(Sort::Value, true, 10);
            assert_eq!((rows.len(), other.is_none()), (1, true), "{script}/{table}");
            match &rows[0].values {
                Values::Counter { value } => (rows[0].key.join(" "), *value),
                Values::Histogram(summary) => (rows[0].key.join(" "), summary.sum),
            }
        };
        assert_eq!(row("latency", "calls"), ("named dns".to_owned(), 3));
        assert_eq!(row("latency", "duration"), ("named dns".to_owned(), 18_000));
        assert_eq!(row("destinations", "calls"), ("8.8.8.8:53".to_owned(), 9));
    }
}
