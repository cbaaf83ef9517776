//! The guests, as `cargo xtask test` builds them.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use serde_json::Value;
use weir::{
    decode::Batch,
    script::{Emitted, Engine, Form, Instance, Limits, Log, Module, Processes, Sinks},
    table::Tables,
};

/// Each language, and the file of its guest. JavaScript has one for each of its engines.
const GUESTS: [(&str, &str); 9] = [
    ("rust", "rust"),
    ("c", "c"),
    ("zig", "zig"),
    ("assemblyscript", "assemblyscript"),
    ("wat", "wat"),
    ("go", "go"),
    ("javascript", "js"),
    ("javascript", "starlingmonkey"),
    ("python", "python"),
];

/// The process that the host knows.
pub const KNOWN: u32 = 1000;

pub struct Guest {
    pub language: &'static str,
    pub file: &'static str,
    module: Module,
}

/// A guest at work.
pub struct Running {
    pub instance: Instance,
    pub tables: Arc<Tables>,
    pub verdicts: Vec<u8>,
    log: Arc<Log>,
    emitted: Arc<Emitted>,
}

/// Large ones take seconds to compile: once for all tests.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    Engine::with(None, Processes::new(|pid| (pid == KNOWN).then(|| format!("{{\"pid\":{pid}}}"))))
});
static COMPILED: LazyLock<Mutex<HashMap<&str, Module>>> = LazyLock::new(Mutex::default);

impl Guest {
    pub fn all() -> Vec<Self> {
        // In this order one test compiles, and the others wait.
        let mut compiled = COMPILED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut guest = |(language, file): (&'static str, &'static str)| {
            let module = compiled.entry(file).or_insert_with(|| compile(file)).clone();
            Self { language, file, module }
        };
        GUESTS.map(&mut guest).into()
    }

    pub fn form(&self) -> Form {
        self.module.form()
    }

    /// Scripts in Rust are given events, and no batches.
    pub fn sees_header(&self) -> bool {
        self.language != "rust"
    }

    /// Starts it with these parameters. The error is what people are shown.
    pub fn start(&self, params: &[(&str, &str)]) -> Result<Running, String> {
        let own = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let params: BTreeMap<_, _> = params.iter().map(own).collect();
        // Other tests share the processors.
        let limits = Limits { batch_time: Duration::from_secs(10), ..Limits::default() };
        let log = Arc::new(Log::new(limits.log_lines));
        let (emitted, tables) = (Arc::<Emitted>::default(), Arc::<Tables>::default());
        let sinks = Sinks { log: log.clone(), emitted: emitted.clone(), tables: tables.clone() };
        let instance = Instance::start(&ENGINE, &self.module, limits, &params, sinks)
            .map_err(|error| error.to_string())?;
        Ok(Running { instance, tables, verdicts: Vec::new(), log, emitted })
    }
}

fn compile(file: &str) -> Module {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/conformance");
    let path = folder.join(format!("{file}.wasm"));
    let bytes = fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}: `cargo xtask test` builds it", path.display())
    });
    let module = ENGINE.compile(&bytes, Limits::default().module_bytes);
    module.unwrap_or_else(|error| panic!("{file}: {error}"))
}

impl Running {
    /// Gives it a batch, and says which attributes it added to each event.
    pub fn run(&mut self, batch: &Batch) -> Vec<BTreeMap<String, String>> {
        let effects = self.instance.run(batch, None, 0, &mut self.verdicts);
        let effects = effects.unwrap_or_else(|fault| panic!("{fault:?}"));
        assert_eq!(effects.refused, 0);
        // Of dropped events they would go.
        let keep = vec![0; batch.heads.len()];
        let mut bare =
            Batch { heads: batch.heads.clone(), heap: batch.heap.clone(), ..Batch::default() };
        bare.heads.iter_mut().for_each(|head| head.attrs = Default::default());
        let after = super::sample::bytes(&bare.after(&keep, effects.attributes));
        let view = weir_sdk::Batch::new(&after).unwrap();
        let of = |event: weir_sdk::Event| {
            event.attrs().map(|(name, value)| (name.to_string(), value.to_string())).collect()
        };
        (0..batch.heads.len()).map(|at| of(view.get(at).unwrap())).collect()
    }

    /// Its log: level and text of each line.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let (lines, dropped) = self.log.last(usize::MAX);
        assert_eq!(dropped, 0);
        lines.into_iter().map(|line| (line.level, line.text)).collect()
    }

    pub fn emitted(&self) -> Vec<Value> {
        let (results, total) = self.emitted.last(usize::MAX);
        assert_eq!(results.len() as u64, total);
        results.into_iter().map(|result| serde_json::to_value(&result.value).unwrap()).collect()
    }
}
