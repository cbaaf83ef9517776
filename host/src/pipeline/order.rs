//! The order of a pipeline's scripts, changed while events flow.

use std::sync::Arc;

use super::{ChangeError, PipelineInfo, Pipelines, registry::State};

impl Pipelines {
    /// Puts a pipeline's scripts into another order, between two batches.
    pub fn reorder(&self, name: &str, order: Vec<String>) -> Result<PipelineInfo, ChangeError> {
        let _one = self.shared.changes.lock().expect("no panic while locked");
        let mut state = State::clone(&self.shared.state.load());
        let pipeline = state.pipelines.iter_mut().find(|pipeline| *pipeline.name == *name);
        let pipeline = pipeline.ok_or_else(|| ChangeError::UnknownPipeline(name.to_owned()))?;
        let (mut now, mut then) = (pipeline.script_names(), order.clone());
        now.sort();
        then.sort();
        if now != then {
            return Err(ChangeError::Conflict(format!(
                "the order of pipeline `{name}` names each of its scripts once: {}",
                pipeline.script_names().join(", ")
            )));
        }
        let place = |script: &str, order: &[String]| order.iter().position(|name| name == script);
        pipeline.scripts.sort_by_key(|(script, _)| place(script, &order));
        pipeline.worker.change(Box::new(move |stages| {
            stages.sort_by_key(|stage| place(&stage.script.name, &order));
        }));
        self.shared.state.store(Arc::new(state));
        self.shared.changed();
        tracing::info!("pipeline {name} has another order");
        let infos = self.pipelines();
        Ok(infos.into_iter().find(|info| info.name == name).expect("it was found before"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decode::Batch,
        pipeline::{Spec, Wanted, load::ScriptSpec},
        script::{Engine, Limits},
    };
    use weir_sdk::event::{CALL_SENDMSG, Head};

    /// Adds an attribute of its name.
    fn script(name: &str) -> ScriptSpec {
        let text = format!(
            r#"(module
                (import "weir" "attr" (func $attr (param i32 i32 i32 i32 i32)))
                (memory (export "memory") 4)
                (data (i32.const 16) "{name}")
                (func (export "weir_abi") (result i32) (i32.const 1))
                (func (export "weir_alloc") (param i32) (result i32) (i32.const 65536))
                (func (export "weir_batch") (param i32) (param i32)
                    (call $attr (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 16) (i32.const 1))))"#
        );
        let bytes = wat::parse_str(text).unwrap();
        ScriptSpec { name: name.to_owned(), bytes, params: [].into() }
    }

    #[test]
    fn the_order_is_that_of_the_events_way() {
        let (asked, on_wanted) = (Wanted::default(), Box::new(|_| {}));
        let pipelines = Pipelines::new(Engine::new(), Limits::default(), 9, asked, on_wanted);
        let scripts = ["a", "b", "c"].map(script).to_vec();
        pipelines.add(Spec { name: "p".to_owned(), scripts }).unwrap();
        let order = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        for wrong in [&["a", "b"][..], &["a", "b", "b"], &["a", "b", "c", "d"]] {
            let error = pipelines.reorder("p", order(wrong)).unwrap_err();
            assert!(error.to_string().contains("a, b, c"), "{error}");
        }
        let error = pipelines.reorder("q", order(&["a"])).unwrap_err().to_string();
        assert_eq!(error, "there is no pipeline `q`");
        let info = pipelines.reorder("p", order(&["c", "a", "b"])).unwrap();
        assert_eq!(info.scripts, ["c", "a", "b"]);
        let mut batch = Batch::default();
        batch.push(Head { seq: 1, call: CALL_SENDMSG, ..Head::default() });
        pipelines.deliver(&Arc::new(batch));
        pipelines.finish();
        let kept = pipelines.kept(Some("p")).unwrap().before(u64::MAX);
        let attrs = kept[0].part(kept[0].heads[0].attrs);
        let names: Vec<_> = attrs.chunks(6).map(|attr| attr[4]).collect();
        assert_eq!(names, *b"cab");
    }
}
