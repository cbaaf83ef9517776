//! Scripts of before that could not be loaded again. They stay in the store until one of their name is
//! loaded, or somebody forgets them.

use super::{Refused, Status, scripts::Modules};
use crate::pipeline::{Definitions, PipelineDefinition, Pipelines};

/// What is known of them.
#[derive(Default)]
pub struct Refusals {
    /// The scripts, and the pipelines of before.
    definitions: Definitions,
    modules: Modules,
}

impl Refusals {
    /// Keeps these.
    pub fn keep(&mut self, before: &Definitions, modules: &Modules, refused: &[Refused]) {
        for Refused { script, .. } in refused {
            let Some(definition) = before.scripts.get(script) else { continue };
            if let Some(module) = modules.get(&definition.sha256) {
                self.modules.insert(definition.sha256.clone(), module.clone());
            }
            self.definitions.scripts.insert(script.clone(), definition.clone());
        }
        if !refused.is_empty() {
            self.definitions.pipelines = before.pipelines.clone();
        }
    }

    /// Pipelines and scripts as they are now, with those of these whose name nobody has taken; and the
    /// modules that may not be stored yet.
    pub fn beside(&self, pipelines: &Pipelines, status: &mut Status) -> (Definitions, Modules) {
        let mut definitions = pipelines.definitions();
        let mut modules = pipelines.modules();
        status.refused.retain(|refused| !definitions.scripts.contains_key(&refused.script));
        for Refused { script: name, .. } in &status.refused {
            let Some(script) = self.definitions.scripts.get(name) else { continue };
            for before in &self.definitions.pipelines {
                if !before.scripts.contains(name) {
                    continue;
                }
                match definitions.pipelines.iter_mut().find(|now| now.name == before.name) {
                    Some(now) => now.scripts.push(name.clone()),
                    None => definitions.pipelines.push(PipelineDefinition {
                        name: before.name.clone(),
                        scripts: vec![name.clone()],
                    }),
                }
            }
            definitions.scripts.insert(name.clone(), script.clone());
            modules.extend(self.modules.clone());
        }
        (definitions, modules)
    }
}
