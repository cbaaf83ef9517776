//! Scripts that call WASI, in both forms: time and random numbers are there, what is printed is logged, and there
//! are no files, no network, no arguments, no environment, and no waiting.

use std::{
    collections::BTreeMap,
    env, fs,
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use weir::{
    decode::Batch,
    script::{Emitted, Engine, Form, Instance, Limits, Log, Sinks},
    table::Tables,
};
use weir_sdk::event::{CALL_SENDMSG, Head, KEEP};

/// What a script saved of its calls, by address from 1024 on.
struct Saved {
    bytes: Vec<u8>,
    lines: Vec<String>,
}

impl Saved {
    fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes[at - 1024..][..8].try_into().unwrap())
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at - 1024..][..4].try_into().unwrap())
    }

    /// A component's result: the code of its error.
    fn error(&self, at: usize) -> Option<u8> {
        (self.bytes[at - 1024] == 1).then(|| self.bytes[at - 1024 + 4])
    }

    /// What is the same in both forms.
    fn check(&self) {
        // An hour was waited for in between.
        let waited = Duration::from_nanos(self.u64(1032) - self.u64(1024));
        assert!(waited < Duration::from_secs(60), "{waited:?}");
        let random = [self.u64(1056), self.u64(1064)];
        assert!(random[0] != random[1] && !random.contains(&0), "{random:?}");
        assert_eq!(self.lines, ["info said", "warn complained", "info and not ended"]);
    }
}

/// Starts a script, gives it a batch, and ends it.
fn run(text: &str, form: Form) -> Saved {
    let engine = Engine::new();
    let limits = Limits { batch_time: Duration::from_secs(10), ..Limits::default() };
    let module = engine.compile(&wat::parse_str(text).unwrap(), limits.module_bytes);
    let module = module.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(module.form(), form);
    let log = Arc::new(Log::new(limits.log_lines));
    let tables = Arc::<Tables>::default();
    let sinks = Sinks { log: log.clone(), emitted: Arc::<Emitted>::default(), tables };
    let started = Instance::start(&engine, &module, limits, &BTreeMap::new(), sinks);
    let mut instance = started.unwrap_or_else(|error| panic!("{error}"));
    let mut batch = Batch::default();
    batch.push(Head { call: CALL_SENDMSG, ..Head::default() });
    let mut verdicts = Vec::new();
    instance.run(&batch, None, 0, &mut verdicts).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(verdicts, [KEEP]);
    let bytes = instance.save().unwrap();
    // A line that is not ended is said at the end.
    drop(instance);
    let lines = log.last(usize::MAX).0;
    let lines = lines.into_iter().map(|line| format!("{} {}", line.level, line.text)).collect();
    Saved { bytes, lines }
}

fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

const COMPONENT: &str = include_str!("wasi/component.wat");

#[test]
fn a_component_calls_preview_2() {
    const ACCESS_DENIED: u8 = 1;
    const PERMANENT_RESOLVER_FAILURE: u8 = 20;
    let before = seconds_now();
    let saved = run(COMPONENT, Form::Component);
    saved.check();
    assert!((before..=seconds_now()).contains(&saved.u64(1040)), "the time of day");
    assert!(saved.u32(1048) < 1_000_000_000, "its nanoseconds");
    assert_eq!(saved.u32(1072), 100, "random bytes");
    assert_eq!(saved.u32(1076), 0, "variables");
    assert_eq!(saved.u32(1080), 0, "arguments");
    assert_eq!(saved.u32(1084), 0, "open folders");
    assert_eq!(saved.u32(1088), 0, "the folder that it is in");
    assert_eq!(saved.error(1092), Some(ACCESS_DENIED), "TCP");
    assert_eq!(saved.error(1100), Some(ACCESS_DENIED), "UDP");
    assert_eq!(saved.error(1108), Some(PERMANENT_RESOLVER_FAILURE), "names of hosts");
    assert_eq!((saved.error(1116), saved.error(1128)), (None, None), "stdout and stderr");
}

#[test]
fn a_core_module_calls_preview_1() {
    const BAD_DESCRIPTOR: u32 = 8;
    let before = seconds_now();
    let saved = run(include_str!("wasi/core.wat"), Form::Core);
    saved.check();
    let now = saved.u64(1040) / 1_000_000_000;
    assert!((before..=seconds_now()).contains(&now), "the time of day");
    assert_eq!(saved.u32(1076), 0, "variables");
    assert_eq!(saved.u32(1080), 0, "arguments");
    assert_eq!(saved.u32(1084), BAD_DESCRIPTOR, "open folders");
    assert_eq!(saved.u32(1088), BAD_DESCRIPTOR, "a file");
    assert_eq!(saved.u32(1092), BAD_DESCRIPTOR, "a socket");
    assert_eq!(saved.u32(1096), 0, "bytes of stdin");
    assert_eq!((saved.u32(1100), saved.u32(1104)), (18, 11), "bytes of stdout and stderr");
}

/// A component is not only looked at: it is given sample events, and what it prints is shown.
#[test]
fn a_component_is_tried_by_weir_check() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("component.wasm");
    let check = |text: &str| {
        fs::write(&path, wat::parse_str(text).unwrap()).unwrap();
        let weir = env::var_os("WEIR_BIN").map(PathBuf::from);
        let weir = weir.unwrap_or_else(|| env!("CARGO_BIN_EXE_weir").into());
        let output = Command::new(weir).args(["check", "--json"]).arg(&path).output().unwrap();
        let report = serde_json::from_slice(&output.stdout);
        let report: serde_json::Value =
            report.unwrap_or_else(|error| panic!("{error}: {output:?}"));
        (output.status.success(), report)
    };
    let (taken, report) = check(COMPONENT);
    assert!(taken, "{report:#}");
    assert_eq!(report["shape"]["form"], "component");
    assert_eq!(report["trial"]["events"][0]["verdict"], "keep", "{report:#}");
    assert!(report["trial"]["ns_per_event"].is_u64(), "{report:#}");
    assert_eq!(report["log"][0]["text"], "said");

    let batch = r#"(func (export "batch") (param i32 i32) (result i32) (i32.const 512))"#;
    assert!(COMPONENT.contains(batch));
    let traps = COMPONENT.replace(batch, &batch.replace("(i32.const 512)", "unreachable"));
    let (taken, report) = check(&traps);
    assert!(!taken, "{report:#}");
    assert_eq!(report["trial"]["events"][0]["verdict"], "fault", "{report:#}");
    let problem = report["problems"][0]["what"].as_str().unwrap();
    assert!(problem.contains("unreachable"), "{problem}");
}
