//! All pipelines and scripts, and what can be asked of them while events flow.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Arc, Mutex, OnceLock, Weak},
    thread,
};

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, unbounded};
use serde::Serialize;

use super::{
    ChangeError, Kept, Left, Outlet, Row, ScriptInfo, Settings,
    ledger::PipelineRows,
    loaded::Script,
    loading::Loads,
    restore::Memory,
    stage::Stage,
    trial::{Ended, Rollback, Trial},
    wanted::{OnWanted, Wanted},
    worker::Worker,
};
use crate::{
    decode::Batch,
    script::{Emitted, Engine, Limits, Log},
    table::{Table, Tables},
};

/// All pipelines and scripts. Changes are made one at a time; nobody who reads waits for one.
pub struct Pipelines {
    pub(super) engine: Engine,
    pub(super) limits: Limits,
    pub(super) settings: BTreeMap<String, Settings>,
    pub(super) keep_events: usize,
    pub(super) loads: Loads,
    pub(super) trials: Sender<Ended>,
    pub(super) memory: Memory,
    pub(super) outlet: Option<Arc<Outlet>>,
    pub(super) shared: Arc<Shared>,
}

/// What the thread needs that keeps the list of scripts true when one is rolled back.
pub(super) struct Shared {
    pub(super) changes: Mutex<()>,
    /// What the command line asks for.
    asked: Wanted,
    on_wanted: OnWanted,
    /// Told of every change of pipelines and scripts.
    on_changed: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// What it was told last.
    told: Mutex<Option<Wanted>>,
    pub(super) state: ArcSwap<State>,
}

#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) pipelines: Vec<Pipeline>,
    pub(super) scripts: BTreeMap<String, Arc<Script>>,
}

/// Cloning shares all but the list of scripts.
#[derive(Clone)]
pub(super) struct Pipeline {
    pub(super) name: Arc<str>,
    /// Its scripts in order, with their tables.
    pub(super) scripts: Vec<(String, Arc<Tables>)>,
    pub(super) row: Arc<Row>,
    pub(super) kept: Arc<Kept>,
    pub(super) worker: Arc<Worker>,
}

/// A pipeline as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PipelineInfo {
    /// Its name.
    pub name: String,
    /// Its scripts, in order.
    pub scripts: Vec<String>,
    /// Events that it keeps at the moment.
    pub kept_events: usize,
    /// Events that it keeps at most.
    pub kept_capacity: usize,
}

impl Pipelines {
    /// No pipelines. Each will keep so many events. `on_wanted` is told what the scripts want,
    /// besides what is `asked`: first with the first pipeline, then whenever that changes.
    pub fn new(
        engine: Engine,
        limits: Limits,
        keep_events: usize,
        asked: Wanted,
        on_wanted: OnWanted,
    ) -> Self {
        let shared = Arc::new(Shared {
            changes: Mutex::default(),
            asked,
            on_wanted,
            on_changed: OnceLock::new(),
            told: Mutex::default(),
            state: ArcSwap::default(),
        });
        let (trials, ended) = unbounded();
        let weak = Arc::downgrade(&shared);
        thread::Builder::new()
            .name("weir-trials".to_owned())
            .spawn(move || follow_trials(&weak, &ended))
            .expect("the system can start a thread");
        Self {
            engine,
            limits,
            settings: BTreeMap::new(),
            keep_events,
            loads: Loads::default(),
            trials,
            memory: Memory::default(),
            outlet: None,
            shared,
        }
    }

    /// With what is said of scripts by name, which holds whenever one of that name is loaded.
    pub fn with_settings(mut self, settings: BTreeMap<String, Settings>) -> Self {
        self.settings = settings;
        self
    }

    /// Hands what pipelines keep on through this outlet as well, where it asks for it.
    pub fn through(mut self, outlet: Arc<Outlet>) -> Self {
        self.outlet = Some(outlet);
        self
    }

    /// Has this called after every change of pipelines and scripts. It must not wait for one.
    pub fn on_changed(&self, told: impl Fn() + Send + Sync + 'static) {
        // There is one who follows changes.
        _ = self.shared.on_changed.set(Box::new(told));
    }

    /// The limits that a script of this name starts with.
    pub(super) fn limits_of(&self, name: &str) -> Result<Limits, ChangeError> {
        let settings = self.settings.get(name);
        Ok(settings.map_or(Ok(self.limits), |settings| settings.limits.change(self.limits))?)
    }

    /// What is wanted at the moment.
    pub fn wanted(&self) -> Wanted {
        self.shared.wanted_now()
    }

    /// Tells what is wanted, unless that is what was told last. Every change does so by itself;
    /// this is for when there has been none.
    pub fn tell_wanted(&self) {
        let _one = self.shared.changes.lock().expect("no panic while locked");
        self.shared.changed();
    }

    /// The limits of scripts.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Hands a batch to every pipeline. Never waits.
    pub fn deliver(&self, batch: &Arc<Batch>) {
        for pipeline in &self.shared.state.load().pipelines {
            pipeline.worker.deliver(batch, &pipeline.row);
        }
    }

    /// Lets every pipeline finish its queue, and ends it. Its rows and tables stay to be read. Returns
    /// what scripts leave for the next time.
    pub fn finish(&self) -> Left {
        let mut left = Left::new();
        for pipeline in &self.shared.state.load().pipelines {
            for (script, state) in pipeline.worker.finish() {
                left.insert((pipeline.name.to_string(), script), state);
            }
        }
        left
    }

    /// The scripts, by name.
    pub fn scripts(&self) -> Vec<ScriptInfo> {
        let state = self.shared.state.load();
        state.scripts.values().map(|script| state.info(script)).collect()
    }

    /// One script.
    pub fn script(&self, name: &str) -> Option<ScriptInfo> {
        let state = self.shared.state.load();
        state.scripts.get(name).map(|script| state.info(script))
    }

    /// A script's log.
    pub fn log(&self, name: &str) -> Option<Arc<Log>> {
        self.shared.state.load().scripts.get(name).map(|script| script.log.clone())
    }

    /// A script's results.
    pub fn emitted(&self, name: &str) -> Option<Arc<Emitted>> {
        self.shared.state.load().scripts.get(name).map(|script| script.emitted.clone())
    }

    /// The pipelines, in the order in which they were made.
    pub fn pipelines(&self) -> Vec<PipelineInfo> {
        let state = self.shared.state.load();
        let pipelines = state.pipelines.iter();
        pipelines
            .map(|pipeline| {
                let (kept_events, kept_capacity) = pipeline.kept.fill();
                PipelineInfo {
                    name: pipeline.name.to_string(),
                    scripts: pipeline.script_names(),
                    kept_events,
                    kept_capacity,
                }
            })
            .collect()
    }

    /// Each pipeline's rows of the ledger.
    pub fn rows(&self) -> Vec<PipelineRows> {
        let state = self.shared.state.load();
        let pipelines = state.pipelines.iter();
        pipelines
            .map(|pipeline| pipeline.row.read(&pipeline.name, pipeline.script_names()))
            .collect()
    }

    /// The events that a pipeline keeps; of the first one if none is named.
    pub fn kept(&self, pipeline: Option<&str>) -> Option<Arc<Kept>> {
        let state = self.shared.state.load();
        let mut pipelines = state.pipelines.iter();
        let found = match pipeline {
            Some(name) => pipelines.find(|pipeline| *pipeline.name == *name),
            None => pipelines.next(),
        };
        found.map(|pipeline| pipeline.kept.clone())
    }

    /// The events that each pipeline keeps, by its name.
    pub fn all_kept(&self) -> Vec<(Arc<str>, Arc<Kept>)> {
        let state = self.shared.state.load();
        let pipelines = state.pipelines.iter();
        pipelines.map(|pipeline| (pipeline.name.clone(), pipeline.kept.clone())).collect()
    }

    /// Every table by script and name, merged over the pipelines that the script is in.
    pub fn tables(&self) -> BTreeMap<(String, String), Table> {
        let mut merged = BTreeMap::<_, Table>::new();
        for (_, script, tables) in self.copies() {
            for (name, table) in tables {
                match merged.entry((script.clone(), name)) {
                    Entry::Occupied(mut known) => known.get_mut().merge(&table),
                    Entry::Vacant(place) => _ = place.insert(table),
                }
            }
        }
        merged
    }

    /// One table of a script, merged over the pipelines that the script is in.
    pub fn table(&self, script: &str, name: &str) -> Option<Table> {
        let state = self.shared.state.load();
        let scripts = state.pipelines.iter().flat_map(|pipeline| &pipeline.scripts);
        let own = scripts.filter(|(owner, _)| owner == script);
        own.filter_map(|(_, tables)| tables.copy(name)).reduce(|mut merged, table| {
            merged.merge(&table);
            merged
        })
    }
}

impl Shared {
    fn wanted_now(&self) -> Wanted {
        Wanted::of(&self.state.load(), &self.asked)
    }

    /// To be called at the end of every change, still alone.
    pub(super) fn changed(&self) {
        let wanted = self.wanted_now();
        let mut told = self.told.lock().expect("no panic while locked");
        if told.as_ref() != Some(&wanted) {
            *told = Some(wanted.clone());
            (self.on_wanted)(wanted);
        }
        drop(told);
        if let Some(told) = self.on_changed.get() {
            told();
        }
    }

    /// Puts a script back into the list, unless there is a newer one by now.
    fn roll_back(&self, Rollback { new, old }: Rollback) {
        let _one = self.changes.lock().expect("no panic while locked");
        let mut state = State::clone(&self.state.load());
        match state.scripts.get_mut(&new.name) {
            Some(listed) if Arc::ptr_eq(listed, &new) => *listed = old,
            _ => return,
        }
        self.state.store(Arc::new(state));
        self.changed();
    }
}

/// Puts back what stood before a version that failed, and drops what stood before one that did not.
fn follow_trials(shared: &Weak<Shared>, ended: &Receiver<Ended>) {
    for end in ended {
        let Some(shared) = shared.upgrade() else { return };
        if let Ended::Failed(rollback) = end {
            shared.roll_back(rollback);
        }
    }
}

impl State {
    pub(super) fn pipelines_of<'a>(
        &'a self,
        script: &'a str,
    ) -> impl Iterator<Item = &'a Pipeline> {
        self.pipelines.iter().filter(move |pipeline| pipeline.has(script))
    }

    pub(super) fn info(&self, script: &Script) -> ScriptInfo {
        let pipelines = self.pipelines_of(&script.name);
        script.info(pipelines.map(|pipeline| pipeline.name.to_string()).collect())
    }
}

impl Pipeline {
    pub(super) fn has(&self, script: &str) -> bool {
        self.scripts.iter().any(|(name, _)| name == script)
    }

    pub(super) fn script_names(&self) -> Vec<String> {
        self.scripts.iter().map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn tables(&self, script: &str) -> Arc<Tables> {
        let found = self.scripts.iter().find(|(name, _)| name == script);
        found.map(|(_, tables)| tables.clone()).expect("asked of a pipeline that has the script")
    }

    /// Puts a stage in the place of the one of the same script, between two batches.
    pub(super) fn replace(&self, stage: Stage, trial: Option<Arc<Trial>>) {
        self.worker.change(Box::new(move |stages| {
            let place = stages.iter_mut().find(|old| old.script.name == stage.script.name);
            if let Some(place) = place {
                place.replace(stage, trial);
            }
        }));
    }

    /// Does something to the stage of a script, between two batches.
    pub(super) fn alter(&self, script: &str, change: impl Fn(&mut Stage) + Send + 'static) {
        let script = script.to_owned();
        self.worker.change(Box::new(move |stages| {
            stages.iter_mut().filter(|stage| stage.script.name == script).for_each(change);
        }));
    }
}
