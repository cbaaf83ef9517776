//! Parameters that change while a script runs: a fresh instance takes over between two batches.

use std::collections::BTreeMap;

use super::{ChangeError, Pipelines, ScriptInfo, registry::State, stage::Stage, swap::New};

/// New values of parameters by name; none for the default.
pub type ParamChanges = BTreeMap<String, Option<String>>;

impl Pipelines {
    /// Changes parameters of a script in all its pipelines; the others stay as they are. It runs on as
    /// before if one is refused.
    pub fn set_params(&self, name: &str, changes: ParamChanges) -> Result<ScriptInfo, ChangeError> {
        let _one = self.shared.changes.lock().expect("no panic while locked");
        let state = State::clone(&self.shared.state.load());
        let old = state.scripts.get(name).cloned();
        let old = old.ok_or_else(|| ChangeError::UnknownScript(name.to_owned()))?;
        let mut given = old.given.clone();
        for (param, value) in changes {
            match value {
                Some(value) => given.insert(param, value),
                None => given.remove(&param),
            };
        }
        let new = New {
            name,
            size_bytes: old.size_bytes,
            module: old.module.clone(),
            limits: old.limits(),
        };
        let enabled = old.is_enabled();
        let mut info = self.swap(state, &old, new, Some(given))?;
        if !enabled {
            // What is turned off stays so.
            let state = self.shared.state.load();
            for pipeline in state.pipelines_of(name) {
                pipeline.alter(name, Stage::disable);
            }
            self.shared.changed();
            info = state.info(&state.scripts[name]);
        }
        tracing::info!("script {name} has other parameters");
        Ok(info)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use weir_sdk::event::{CALL_RECVMSG, CALL_SENDMSG, Head};

    use super::*;
    use crate::{
        decode::Batch,
        expression,
        pipeline::{ScriptState, Spec, Wanted, load::ScriptSpec},
        script::{Engine, Limits, bundled},
        table::{Query, Sort},
    };

    /// Pipelines with the bundled expression as script `e1`; `None` where this build has none.
    fn pipelines(text: &str) -> Option<Pipelines> {
        let Some((_, bytes)) = bundled().iter().find(|(name, _)| *name == expression::SCRIPT)
        else {
            eprintln!("skipped: this build holds no scripts; run `cargo xtask build`");
            return None;
        };
        let pipelines = Pipelines::new(
            Engine::new(),
            Limits::default(),
            100,
            Wanted::default(),
            Box::new(|_| {}),
        );
        let params = [(expression::PARAM.to_owned(), text.to_owned())].into();
        let script = ScriptSpec { name: "e1".to_owned(), bytes: bytes.to_vec(), params };
        pipelines.add(Spec { name: "e1".to_owned(), scripts: vec![script] }).unwrap();
        Some(pipelines)
    }

    fn batch(fds: &[i32]) -> Arc<Batch> {
        let mut batch = Batch::default();
        for (seq, &fd) in (1..).zip(fds) {
            batch.push(Head { seq, fd, call: CALL_SENDMSG, ..Head::default() });
        }
        Arc::new(batch)
    }

    fn change(text: &str) -> ParamChanges {
        [(expression::PARAM.to_owned(), Some(text.to_owned()))].into()
    }

    #[test]
    fn a_change_takes_over_between_two_batches() {
        let Some(pipelines) = pipelines("fd == 3 | count by fd") else { return };
        pipelines.deliver(&batch(&[3, 4, 3]));
        // The queue is not waited for by a change.
        while pipelines.rows()[0].queued > 0 {
            std::thread::yield_now();
        }
        let info = pipelines.set_params("e1", change("fd == 4 | count by fd")).unwrap();
        assert_eq!(info.params[expression::PARAM], "fd == 4 | count by fd");
        pipelines.deliver(&batch(&[3, 4, 3]));
        pipelines.finish();
        let row = &pipelines.rows()[0];
        assert_eq!((row.delivered, row.kept, row.dropped_by_script), (6, 3, 3));
        let query = Query { sort: Some(Sort::Key), descending: false, limit: 9, now_ns: 0 };
        let (rows, _) = pipelines.table("e1", "count_by_fd").unwrap().rows(&query).unwrap();
        let rows = serde_json::to_value(rows).unwrap();
        assert_eq!((&rows[0]["key"][0], &rows[0]["value"]), (&"3".into(), &2.into()));
        assert_eq!((&rows[1]["key"][0], &rows[1]["value"]), (&"4".into(), &1.into()));
    }

    #[test]
    fn what_is_wanted_changes_with_it() {
        let Some(pipelines) = pipelines("call == 'recvmsg'") else { return };
        assert_eq!(pipelines.wanted().calls, 1 << CALL_RECVMSG);
        pipelines.set_params("e1", change("msg.payload.startsWith('GET ')")).unwrap();
        assert_eq!(pipelines.wanted(), Wanted::all(1 << CALL_SENDMSG, 4));
        // The default.
        pipelines.set_params("e1", [(expression::PARAM.to_owned(), None)].into()).unwrap();
        assert_eq!(pipelines.script("e1").unwrap().params[expression::PARAM], "true");
        pipelines.finish();
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let Some(pipelines) = pipelines("fd == 3") else { return };
        let check = |changes, expected: &str| {
            let error = pipelines.set_params("e1", changes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert_eq!(pipelines.script("e1").unwrap().params[expression::PARAM], "fd == 3");
        };
        check(change("df == 3"), "column 1: there is no `df`");
        check([("colour".to_owned(), Some("red".to_owned()))].into(), "no parameter `colour`");
        pipelines.set_params("other", change("true")).unwrap_err();
        pipelines.deliver(&batch(&[3, 4]));
        pipelines.finish();
        assert_eq!((pipelines.rows()[0].kept, pipelines.rows()[0].dropped_by_script), (1, 1));
    }

    #[test]
    fn a_script_that_is_turned_off_stays_so() {
        let Some(pipelines) = pipelines("fd == 3") else { return };
        pipelines.enable("e1", false).unwrap();
        let info = pipelines.set_params("e1", change("fd == 4")).unwrap();
        assert_eq!(info.state, ScriptState::Disabled);
        pipelines.enable("e1", true).unwrap();
        pipelines.deliver(&batch(&[3, 4, 5]));
        pipelines.finish();
        assert_eq!(pipelines.rows()[0].kept, 1);
    }
}
