//! A script at work.
#![allow(dead_code, reason = "each test binary uses another part")]

#[path = "../batch/mod.rs"]
mod batch;

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use serde_json::Value;
use weir::{
    script::{Describe, Emitted, Engine, Instance, Limits, Log, Module, Sinks},
    table::{Query, Tables},
};
use weir_sdk::{
    event::{Head, KEEP},
    testing::{Call, batch as bytes_of},
};

use batch::from_bytes;

/// Large ones take seconds to compile: once for all tests.
static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::new);
static COMPILED: LazyLock<Mutex<HashMap<String, Module>>> = LazyLock::new(Mutex::default);

pub struct Script {
    instance: Instance,
    tables: Arc<Tables>,
    log: Arc<Log>,
    now_ns: u64,
}

/// What it did with a batch: of each event whether it kept it, and the attributes that it added.
#[derive(Debug, PartialEq)]
pub struct Did(pub Vec<(bool, Vec<(String, String)>)>);

impl Script {
    /// Starts a ready-made one with these parameters, which it must take.
    pub fn start(name: &str, params: &[(&str, &str)]) -> Self {
        Self::try_start(name, params).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Starts it, or says what people are told of why not.
    pub fn try_start(name: &str, params: &[(&str, &str)]) -> Result<Self, String> {
        Self::of(&compiled(name, &ready_made(name)), params)
    }

    /// Starts the one of this file with these parameters, which it must take.
    pub fn load(path: &Path, params: &[(&str, &str)]) -> Self {
        let name = path.display().to_string();
        let started = Self::of(&compiled(&name, &[path.to_owned()]), params);
        started.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn of(module: &Module, params: &[(&str, &str)]) -> Result<Self, String> {
        let own = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let params: BTreeMap<_, _> = params.iter().map(own).collect();
        // Other tests share the processors.
        let limits = Limits { batch_time: Duration::from_secs(10), ..Limits::default() };
        let log = Arc::new(Log::new(limits.log_lines));
        let tables = Arc::<Tables>::default();
        let emitted = Arc::<Emitted>::default();
        let sinks = Sinks { log: log.clone(), emitted, tables: tables.clone() };
        let instance = Instance::start(&ENGINE, module, limits, &params, sinks)
            .map_err(|error| error.to_string())?;
        Ok(Self { instance, tables, log, now_ns: 0 })
    }

    /// Gives it a batch of these calls.
    pub fn batch(&mut self, calls: &[Call]) -> Did {
        self.batch_with(calls, |_| {})
    }

    /// The same, with heads that are changed as no caller of the SDK can.
    pub fn batch_with(&mut self, calls: &[Call], change: impl FnOnce(&mut [Head])) -> Did {
        let mut batch = from_bytes(&bytes_of(calls));
        change(&mut batch.heads);
        self.now_ns = batch.now_ns;
        let mut verdicts = Vec::new();
        let effects = self.instance.run(&batch, None, 0, &mut verdicts);
        let effects = effects.unwrap_or_else(|fault| panic!("{fault:?}"));
        assert_eq!(effects.refused, 0);
        // Only what was added, and of dropped events too.
        batch.heads.iter_mut().for_each(|head| head.attrs = Default::default());
        let after = batch.after(&vec![KEEP; calls.len()], effects.attributes);
        let (header, len) = after.header(None);
        let mut bytes = vec![0; len];
        after.write(&header, None, &mut bytes);
        let view = weir_sdk::Batch::new(&bytes).unwrap();
        let attrs = |event: weir_sdk::Event| {
            event.attrs().map(|(name, value)| (name.to_string(), value.to_string())).collect()
        };
        let of = |at: usize| (verdicts[at] == KEEP, attrs(view.get(at).unwrap()));
        Did((0..calls.len()).map(of).collect())
    }

    /// The rows of a table, sorted: labels joined by ` / `, and a field of each.
    pub fn rows(&self, table: &str, field: &str) -> Vec<(String, Value)> {
        let table = self.tables.copy(table).unwrap_or_else(|| panic!("there is no table {table}"));
        let all = Query { sort: None, descending: true, limit: usize::MAX, now_ns: self.now_ns };
        let (rows, other) = table.rows(&all).unwrap();
        assert!(other.is_none());
        let of = |row| {
            let row = serde_json::to_value(row).unwrap();
            let labels: Vec<String> = serde_json::from_value(row["key"].clone()).unwrap();
            (labels.join(" / "), row[field].clone())
        };
        let mut rows: Vec<_> = rows.iter().map(of).collect();
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        rows
    }

    /// The values of a table.
    #[track_caller]
    pub fn check(&self, table: &str, expected: &[(&str, i64)]) {
        let expected: Vec<_> =
            expected.iter().map(|&(key, value)| (key.to_owned(), value.into())).collect();
        assert_eq!(self.rows(table, "value"), expected, "{table}");
    }

    /// What it says of itself.
    pub fn describe(&self) -> &Describe {
        self.instance.describe()
    }

    /// Its log: level and text of each line.
    pub fn log(&self) -> Vec<(&'static str, String)> {
        self.log.last(usize::MAX).0.into_iter().map(|line| (line.level, line.text)).collect()
    }
}

impl Did {
    /// Whether it kept each event.
    pub fn kept(&self) -> Vec<bool> {
        self.0.iter().map(|(kept, _)| *kept).collect()
    }

    /// The attributes that it added to an event, as `name=value`.
    pub fn attrs(&self, event: usize) -> Vec<String> {
        self.0[event].1.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }
}

/// Where it may lie.
fn ready_made(name: &str) -> [PathBuf; 2] {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    ["scripts", "scripts-large"].map(|folder| target.join(folder).join(format!("{name}.wasm")))
}

fn compiled(name: &str, paths: &[PathBuf]) -> Module {
    // One test compiles, and the others wait.
    let mut compiled = COMPILED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let compile = || {
        let bytes = paths.iter().find_map(|path| fs::read(path).ok());
        let bytes = bytes
            .unwrap_or_else(|| panic!("none of {paths:?} is there: `cargo xtask test` builds it"));
        let module = ENGINE.compile(&bytes, Limits::default().module_bytes);
        module.unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    compiled.entry(name.to_owned()).or_insert_with(compile).clone()
}
