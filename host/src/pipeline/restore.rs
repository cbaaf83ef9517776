//! What was there before this process: scripts, their tables and what they saved.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use super::{ChangeError, Definitions, Pipelines, Put, stage::Stage, trial::Trial};
use crate::table::{Table, Tables};

/// What a script left, by pipeline and script: the version of that, and the bytes.
pub type Left = BTreeMap<(String, String), (u32, Vec<u8>)>;

/// What there was, for those who come back: tables by pipeline and script, and what scripts left.
#[derive(Default)]
pub struct Remembered {
    /// The tables.
    pub tables: BTreeMap<(String, String), Vec<(String, Table)>>,
    /// What scripts saved when the process before ended.
    pub left: Left,
}

/// What [`Pipelines`] remember for and of a restart.
#[derive(Default)]
pub(super) struct Memory {
    /// Scripts of the command line and of its folder.
    pub given: Mutex<BTreeSet<String>>,
    before: Mutex<Remembered>,
    /// Whether modules are to be stored.
    stored: AtomicBool,
    /// Modules that were loaded over the API and are not stored yet, by sha256 in hex.
    modules: Mutex<HashMap<String, Arc<[u8]>>>,
    /// Versions that may be put back, by sha256 in hex, each as long as the one in its place is on trial.
    replaced: Mutex<Vec<(Weak<Trial>, String)>>,
}

impl Memory {
    /// The tables of a script that is about to start in a pipeline: those of before, if it was there.
    pub fn tables(&self, pipeline: &str, script: &str) -> Arc<Tables> {
        let key = (pipeline.to_owned(), script.to_owned());
        let before = self.before.lock().expect("no panic while locked").tables.remove(&key);
        Arc::new(Tables::restored(before.unwrap_or_default()))
    }

    /// Puts tables back that a script did not take after all.
    pub fn not_taken(&self, pipeline: &str, script: &str, tables: &Tables) {
        let key = (pipeline.to_owned(), script.to_owned());
        let tables = tables.copies();
        if !tables.is_empty() {
            self.before.lock().expect("no panic while locked").tables.insert(key, tables);
        }
    }

    /// Hands a script what it saved in this pipeline before.
    pub fn hand_back(&self, pipeline: &str, stage: &mut Stage) {
        let key = (pipeline.to_owned(), stage.script.name.clone());
        let left = self.before.lock().expect("no panic while locked").left.remove(&key);
        if let Some((version, saved)) = left {
            stage.take_back(version, &saved);
        }
    }

    /// Keeps a module until it is stored.
    pub fn keep_module(&self, sha256: &str, bytes: &[u8]) {
        if self.stored.load(Relaxed) {
            let mut modules = self.modules.lock().expect("no panic while locked");
            modules.entry(sha256.to_owned()).or_insert_with(|| bytes.into());
        }
    }

    /// Notes that a version may be put back as long as there is this trial.
    pub fn may_come_back(&self, sha256: &str, trial: &Arc<Trial>) {
        let mut replaced = self.replaced.lock().expect("no panic while locked");
        replaced.retain(|(trial, _)| trial.strong_count() > 0);
        replaced.push((Arc::downgrade(trial), sha256.to_owned()));
    }
}

impl Pipelines {
    /// Remembers what there was, for scripts that come back. From now on modules are kept for whoever
    /// stores them, who takes them by [`modules`](Self::modules).
    pub fn remember(&self, before: Remembered) {
        *self.memory.before.lock().expect("no panic while locked") = before;
        self.memory.stored.store(true, Relaxed);
    }

    /// Forgets what did not come back. What is loaded from now on starts empty.
    pub fn forget_before(&self) {
        *self.memory.before.lock().expect("no panic while locked") = Remembered::default();
    }

    /// Notes that a script comes from the command line or its folder.
    pub fn is_given(&self, script: &str) {
        self.memory.given.lock().expect("no panic while locked").insert(script.to_owned());
    }

    /// The modules that were loaded and are not stored yet, by sha256 in hex.
    pub fn modules(&self) -> HashMap<String, Arc<[u8]>> {
        self.memory.modules.lock().expect("no panic while locked").clone()
    }

    /// The modules of versions that may be put back, by sha256 in hex.
    pub fn may_come_back(&self) -> Vec<String> {
        let replaced = self.memory.replaced.lock().expect("no panic while locked");
        let on_trial = replaced.iter().filter(|(trial, _)| trial.strong_count() > 0);
        on_trial.map(|(_, sha256)| sha256.clone()).collect()
    }

    /// Lets modules go that are stored.
    pub fn modules_stored<'a>(&self, stored: impl IntoIterator<Item = &'a String>) {
        let mut modules = self.memory.modules.lock().expect("no panic while locked");
        for sha256 in stored {
            modules.remove(sha256);
        }
    }

    /// Loads the scripts again that were loaded over the API before, in the pipelines that they were in.
    /// What the command line gives is as it says. Returns the scripts that are refused, and why: the
    /// others run.
    pub fn load_again(
        &self,
        before: &Definitions,
        modules: &HashMap<String, Arc<[u8]>>,
    ) -> BTreeMap<String, ChangeError> {
        let mut refused = BTreeMap::new();
        for pipeline in &before.pipelines {
            for name in &pipeline.scripts {
                let Some(script) = before.scripts.get(name).filter(|script| !script.given) else {
                    continue;
                };
                if self.memory.given.lock().expect("no panic while locked").contains(name) {
                    tracing::warn!(
                        "script {name}: the command line gives one of this name, so that of \
                         pipeline {} is not loaded again",
                        pipeline.name
                    );
                    continue;
                }
                let loaded = match modules.get(&script.sha256) {
                    Some(bytes) => self.put_limited(
                        Put {
                            name,
                            bytes,
                            pipeline: Some(&pipeline.name),
                            params: Some(script.params.clone()),
                        },
                        &script.limits,
                    ),
                    None => Err(ChangeError::Conflict(format!(
                        "the module of script `{name}` is not in the store: load it again"
                    ))),
                };
                match loaded {
                    Ok(_) if !script.enabled => {
                        if let Err(error) = self.enable(name, false) {
                            tracing::warn!("script {name} stays on: {error}");
                        }
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::error!("script {name} is not loaded again: {error}");
                        refused.insert(name.clone(), error);
                    }
                }
            }
            self.order_again(&pipeline.name, &pipeline.scripts);
        }
        self.limit_again(before);
        refused
    }

    /// Brings scripts into the order that they were in, as far as they are there.
    fn order_again(&self, pipeline: &str, before: &[String]) {
        let infos = self.pipelines();
        let Some(now) = infos.into_iter().find(|info| info.name == pipeline) else { return };
        let mut order = now.scripts.clone();
        let place = |script: &String| before.iter().position(|known| known == script);
        order.sort_by_key(|script| place(script).unwrap_or(usize::MAX));
        if order != now.scripts
            && let Err(error) = self.reorder(pipeline, order)
        {
            tracing::warn!("pipeline {pipeline} is in another order than before: {error}");
        }
    }

    /// The command line says nothing of limits of one script: they are as they were.
    fn limit_again(&self, before: &Definitions) {
        for (name, script) in &before.scripts {
            let is_there = self.shared.state.load().scripts.contains_key(name);
            if script.given
                && is_there
                && script.limits != Default::default()
                && let Err(error) = self.limit(name, &script.limits)
            {
                tracing::warn!("script {name} has the limits of all scripts: {error}");
            }
        }
    }
}
