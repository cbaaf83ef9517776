//! Every change of pipelines and scripts while events flow: what can fail comes first, then the
//! switch between two batches.

use std::sync::Arc;

use super::{
    ChangeError, Kept, Pipelines, Row, ScriptInfo, Spec,
    load::check_name,
    loaded::Script,
    registry::{Pipeline, State},
    stage::Stage,
    swap::New,
    turn::beside,
    worker::Worker,
};
use crate::{
    script::{Instance, LimitValues, sha256},
    table::Tables,
};

impl Pipelines {
    /// Adds a pipeline.
    pub fn add(&self, spec: Spec) -> Result<(), ChangeError> {
        let _one = self.shared.changes.lock().expect("no panic while locked");
        check_name(&spec.name)?;
        let mut state = State::clone(&self.shared.state.load());
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
            let tables = self.memory.tables(&spec.name, &script.name);
            let known = state.scripts.get(&script.name).cloned();
            let (loaded, instance) = match known {
                Some(known) => {
                    let sha256 = beside(|| sha256(&script.bytes));
                    if known.sha256 != sha256 || known.given != script.params {
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
                    let new = New {
                        name: &script.name,
                        size_bytes: script.bytes.len(),
                        module: self.compile(&script.name, &script.bytes)?,
                        limits: self.limits_of(&script.name)?,
                    };
                    self.first(new, script.params, &tables, None)?
                }
            };
            state.scripts.insert(script.name.clone(), loaded.clone());
            let mut stage = Stage::new(loaded, tables.clone(), instance);
            self.memory.hand_back(&spec.name, &mut stage);
            stages.push(stage);
            self.is_given(&script.name);
            scripts.push((script.name, tables));
        }
        state.pipelines.push(self.pipeline(&spec.name, scripts, stages));
        self.shared.state.store(Arc::new(state));
        self.shared.changed();
        Ok(())
    }

    /// Takes a script out of all pipelines; a pipeline that is empty then goes as well.
    pub fn remove(&self, name: &str) -> Result<(), ChangeError> {
        let _one = self.shared.changes.lock().expect("no panic while locked");
        let mut state = State::clone(&self.shared.state.load());
        if state.scripts.remove(name).is_none() {
            return Err(ChangeError::UnknownScript(name.to_owned()));
        }
        self.memory.given.lock().expect("no panic while locked").remove(name);
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
        self.shared.state.store(Arc::new(state));
        for pipeline in gone {
            pipeline.worker.finish();
        }
        self.shared.changed();
        tracing::info!("script {name} is unloaded");
        Ok(())
    }

    /// Turns a script off, so that events pass it by, or on, with a fresh instance.
    pub fn enable(&self, name: &str, enabled: bool) -> Result<ScriptInfo, ChangeError> {
        let _one = self.shared.changes.lock().expect("no panic while locked");
        let state = self.shared.state.load();
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
                Some(stage) => pipeline.replace(stage, None),
                None => pipeline.alter(name, Stage::disable),
            }
        }
        self.shared.changed();
        Ok(state.info(&script))
    }

    /// Sets what a script may use, at once and for all its instances.
    pub fn limit(&self, name: &str, limits: &LimitValues) -> Result<ScriptInfo, ChangeError> {
        let _one = self.shared.changes.lock().expect("no panic while locked");
        let state = self.shared.state.load();
        let script =
            state.scripts.get(name).ok_or_else(|| ChangeError::UnknownScript(name.to_owned()))?;
        let limits = limits.change(script.limits())?;
        *script.limits.lock().expect("no panic while locked") = limits;
        script.log.limit(limits.log_lines);
        for pipeline in state.pipelines_of(name) {
            pipeline.alter(name, move |stage| stage.limit(limits));
        }
        self.shared.changed();
        Ok(state.info(script))
    }

    pub(super) fn pipeline(
        &self,
        name: &str,
        scripts: Vec<(String, Arc<Tables>)>,
        stages: Vec<Stage>,
    ) -> Pipeline {
        let (row, kept) = (Arc::new(Row::default()), Arc::new(Kept::new(self.keep_events)));
        let name: Arc<str> = name.into();
        let outlet = self.outlet.clone().filter(|outlet| outlet.is_for(&name));
        let worker = Worker::start(&name, stages, row.clone(), kept.clone(), outlet);
        Pipeline { name, scripts, row, kept, worker: Arc::new(worker) }
    }

    pub(super) fn publish(&self, state: State, name: &str) -> ScriptInfo {
        let info = state.info(&state.scripts[name]);
        self.shared.state.store(Arc::new(state));
        self.shared.changed();
        info
    }
}

pub(super) fn instance_of(
    script: &Arc<Script>,
    tables: &Arc<Tables>,
) -> Result<Instance, ChangeError> {
    beside(|| script.instance(tables.clone()))
        .map_err(|source| ChangeError::Load { name: script.name.clone(), source })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use weir_sdk::event::{AF_INET, CALL_SENDMSG, GROUP_NAME, Head, STATUS_OK};

    use super::*;
    use crate::{
        decode::Batch,
        pipeline::{Wanted, parse_spec},
        script::{Engine, Limits, bundled, call_names},
        table::{Query, Values},
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
        pipelines.add(parse_spec("errors | service | latency", &BTreeMap::new()).unwrap()).unwrap();
        pipelines.add(parse_spec("destinations", &BTreeMap::new()).unwrap()).unwrap();
        pipelines.add(parse_spec("descriptors", &BTreeMap::new()).unwrap()).unwrap();
        pipelines.add(parse_spec("talkers", &BTreeMap::new()).unwrap()).unwrap();
        let calls = call_names(pipelines.wanted().calls);
        assert_eq!(
            calls.collect::<Vec<_>>(),
            ["sendmsg", "sendmmsg", "sendto", "sendfile", "io_uring"]
        );
        pipelines.deliver(&batch());
        pipelines.finish();

        let rows = pipelines.rows();
        let of =
            |index: usize| (rows[index].delivered, rows[index].kept, rows[index].dropped_by_script);
        assert_eq!((of(0), of(1)), ((9, 3, 6), (9, 9, 0)));
        let kept = pipelines.kept(Some("errors-service-latency")).unwrap().before(u64::MAX);
        let event = serde_json::to_value(kept[0].event(0)).unwrap();
        assert_eq!((&event["seq"], &event["attrs"]["service"]), (&3.into(), &"dns".into()));

        let query = Query { sort: None, descending: true, limit: 10, now_ns: 0 };
        let row = |script: &str, table: &str| {
            let (rows, other) = pipelines.table(script, table).unwrap().rows(&query).unwrap();
            assert_eq!((rows.len(), other.is_none()), (1, true), "{script}/{table}");
            match &rows[0].values {
                Values::Counter { value } => (rows[0].key.join(" "), *value),
                Values::Histogram(summary) => (rows[0].key.join(" "), summary.sum),
                Values::Gauge { value, .. } => (rows[0].key.join(" "), *value as u64),
                Values::TopK { value, .. }
                | Values::Distinct { value, .. }
                | Values::Rate { value, .. } => (rows[0].key.join(" "), *value),
            }
        };
        assert_eq!(row("latency", "calls"), ("named dns".to_owned(), 3));
        assert_eq!(row("latency", "duration"), ("named dns".to_owned(), 18_000));
        assert_eq!(row("destinations", "calls"), ("8.8.8.8:53".to_owned(), 9));
        assert_eq!(row("talkers", "bytes"), ("named - 8.8.8.8:53".to_owned(), 6 * 64));
        assert_eq!(row("talkers", "peers"), ("named -".to_owned(), 1));
        assert_eq!(row("talkers", "last"), ("named -".to_owned(), 64));
        assert_eq!(row("talkers", "rate"), ("named -".to_owned(), 6 * 64));
    }
}
