//! `weir check`: what is wrong with a module, how to mend it, and what it does with sample events.

mod report;
mod samples;
mod shape;
mod stride;
mod trial;

use std::{collections::BTreeMap, fs, io::Write, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use clap::Args;

use self::{report::Report, shape::Shape};
use crate::{
    script::{Engine, Instance, Limits, LoadError, Log, Sinks},
    table::Tables,
};

/// Say what is wrong with a module, how to mend it, and what it does.
///
/// The module is loaded as `weir run` loads it, with the same limits, and given sample events of every
/// call: whole ones, failed ones, odd ones. Needs no kernel support and no root. Ends with 0 if a host
/// would take it and it does not fail, else with 1.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    weir check mine.wasm\n  \
    weir check mine.wasm -p min=10ms\n  \
    weir check mine.wasm --json")]
pub struct Check {
    /// The module or component.
    #[arg(value_name = "FILE")]
    module: PathBuf,
    /// A parameter.
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// Time that it may take for one batch.
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = humantime::parse_duration)]
    batch_time: Duration,
    /// Memory that it may have, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().memory_bytes)]
    script_memory: usize,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Looks, tries, and prints.
    pub fn run(self) -> anyhow::Result<()> {
        let path = self.module.display();
        let bytes =
            fs::read(&self.module).with_context(|| format!("cannot read the module {path}"))?;
        let pairs = self.params.iter().map(|param| super::script::pair(param));
        let params =
            pairs.map(|pair| pair.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let params = params.collect::<anyhow::Result<_>>()?;
        let limits = Limits {
            batch_time: self.batch_time,
            memory_bytes: self.script_memory,
            ..Limits::default()
        };
        let report = check(&bytes, &params, limits);
        let text = if self.json {
            format!("{}\n", serde_json::to_string_pretty(&report)?)
        } else {
            report.to_string()
        };
        std::io::stdout().lock().write_all(text.as_bytes()).context("cannot write to stdout")?;
        match report.problems.len() {
            0 => Ok(()),
            1 => bail!("{path} has a problem: see above"),
            problems => bail!("{path} has {problems} problems: see above"),
        }
    }
}

/// Looks at a module, and tries it.
fn check(bytes: &[u8], params: &BTreeMap<String, String>, limits: Limits) -> Report {
    let mut report = Report { size_bytes: bytes.len(), ..Report::default() };
    match Shape::read(bytes) {
        Ok(shape) => {
            report.problems.extend(shape.problems());
            report.shape = Some(shape);
        }
        Err(problem) => {
            report.problems.push(problem);
            return report;
        }
    }
    let (log, tables) = (Arc::new(Log::new(limits.log_lines)), Arc::new(Tables::default()));
    let engine = Engine::new();
    let module = engine.compile(bytes, limits.module_bytes);
    let start = |log: &Arc<Log>, tables: &Arc<Tables>| {
        let sinks = Sinks { log: log.clone(), emitted: Arc::default(), tables: tables.clone() };
        let module = module.as_ref().map_err(Clone::clone)?;
        Instance::start(&engine, module, limits, params, sinks)
    };
    match start(&log, &tables) {
        Ok(mut instance) => {
            report.describe = Some(instance.describe().clone());
            report.params = instance.describe().in_force(params);
            let trial = trial::run(&mut instance, limits, &tables);
            report.problems.extend(trial.fault.iter().map(report::of_fault));
            if trial.fault.is_none() {
                report.problems.extend(stride::problem(|| {
                    // What it logs there, it has logged in the trial.
                    let tables = Arc::<Tables>::default();
                    Some((start(&Arc::new(Log::new(0)), &tables).ok()?, tables))
                }));
            }
            report.trial = Some(trial);
        }
        // What is missing was said already, and better.
        Err(LoadError::Export { .. }) if !report.problems.is_empty() => {}
        Err(error) => report.problems.push(report::of_load(&error)),
    }
    report.log = log.last(usize::MAX).0;
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &str = r#"(memory (export "memory") 17)
        (func (export "weir_abi") (result i32) (i32.const 1))
        (func (export "weir_alloc") (param i32) (result i32) (i32.const 65536))"#;

    fn report(text: &str) -> Report {
        check(&wat::parse_str(text).unwrap(), &BTreeMap::new(), Limits::default())
    }

    /// The one problem of a module.
    #[track_caller]
    fn problem(text: &str, expected: &[&str]) {
        let report = report(text);
        let [problem] = &report.problems[..] else { panic!("{report}") };
        let shown = format!("{} {}", problem.what, problem.fix);
        for text in expected {
            assert!(shown.contains(text), "{text:?} is not in {shown:?}");
        }
        assert!(report.to_string().contains(&problem.fix), "{report}");
    }

    #[test]
    fn a_good_module_has_no_problem() {
        let text = format!("(module {FRAME} (func (export \"weir_batch\") (param i32 i32)))");
        let report = report(&text);
        assert!(report.problems.is_empty(), "{report}");
        let trial = report.trial.as_ref().unwrap();
        assert!(trial.events.iter().any(|event| event.verdict == "keep"));
        // It wants sendmsg alone.
        assert!(trial.events.iter().any(|event| event.verdict == "not given"));
        assert!(trial.ns_per_event.is_some());
        let shown = report.to_string();
        for text in ["core module", "weir_batch", "wants", "sendmsg", "ns per event"] {
            assert!(shown.contains(text), "{text:?} is not in {shown}");
        }
        assert!(shown.ends_with("ok: a host takes it\n"), "{shown}");
    }

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        problem(
            "(module)",
            &["`memory`, `weir_abi`, `weir_alloc`, `weir_batch`", "#[weir::script]"],
        );
        let text = format!("(module {FRAME} (func (export \"weir_bacth\") (param i32 i32)))");
        problem(&text, &["`weir_batch`", "`weir_bacth`, which is none: rename it"]);
        let batch = "(func (export \"weir_batch\") (param i32))";
        problem(&format!("(module {FRAME} {batch})"), &["`weir_batch`", "a function (i32, i32)"]);
        let import = "(import \"env\" \"puts\" (func (param i32)))";
        problem(
            &format!("(module {import} {FRAME} (func (export \"weir_batch\") (param i32 i32)))"),
            &["`env`.`puts`", "link"],
        );
    }

    #[test]
    fn a_trap_is_found_by_the_sample_that_brings_it() {
        let text = format!(
            "(module {FRAME} (func $mine (export \"weir_batch\") (param i32 i32) unreachable))"
        );
        problem(&text, &["unreachable", "mine"]);
    }

    /// Drops each event but the first: by the batch's stride, or by that of this version.
    fn dropping(step: &str) -> String {
        format!(
            r#"(module {FRAME} (func (export "weir_batch") (param $at i32) (param i32)
                (local $head i32) (local $event i32)
                (local.set $head (i32.add (local.get $at) (i32.load offset=12 (local.get $at))))
                (loop $next
                    (i32.store8
                        (i32.add (i32.add (local.get $at) (i32.load offset=16 (local.get $at))) (local.get $event))
                        (i64.gt_u (i64.load (local.get $head)) (i64.const 1)))
                    (local.set $head (i32.add (local.get $head) {step}))
                    (local.set $event (i32.add (local.get $event) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $event) (i32.load offset=4 (local.get $at)))))))"#
        )
    }

    #[test]
    fn a_fixed_stride_is_found() {
        problem(
            &dropping("(i32.const 400)"),
            &["104 bytes longer", "gives other verdicts", "`stride`", "not by 400 bytes"],
        );
        let fails = format!(
            r#"(module {FRAME} (func (export "weir_batch") (param $at i32) (param i32)
                (if (i32.ne (i32.load offset=8 (local.get $at)) (i32.const 400)) (then unreachable))))"#
        );
        problem(&fails, &["it fails: ", "unreachable"]);
        let right = report(&dropping("(i32.load offset=8 (local.get $at))"));
        assert!(right.problems.is_empty(), "{right}");
    }

    #[test]
    fn what_is_no_module() {
        let check = |bytes: &[u8], expected: &str| {
            let report = check(bytes, &BTreeMap::new(), Limits::default());
            let [problem] = &report.problems[..] else { panic!("{report}") };
            assert!(problem.fix.contains(expected), "{}", problem.fix);
        };
        check(b"(module)", "wat2wasm");
        check(b"\x7fELF\x02\x01\x01", "wasm32-unknown-unknown");
        check(b"", "empty");
        check(b"\0asm\x01\0\0\0\xff", "build it again");
        check(b"const x = 1;", "compile");
    }

    #[test]
    fn a_bundled_script_does_what_it_says() {
        let Some((_, bytes)) =
            crate::script::bundled().iter().find(|(name, _)| *name == "expression")
        else {
            return eprintln!("skipped: this build holds no scripts; run `cargo xtask build`");
        };
        let text = "call != null | count by call";
        let params = [("expression".to_owned(), text.to_owned())].into();
        let report = check(bytes, &params, Limits::default());
        assert!(report.problems.is_empty(), "{report}");
        let trial = report.trial.as_ref().unwrap();
        assert!(trial.events.iter().all(|event| event.verdict == "keep"));
        assert_eq!(trial.tables.len(), 1);
        assert_eq!(trial.tables[0].rows, 8, "a row for each call");
    }
}
