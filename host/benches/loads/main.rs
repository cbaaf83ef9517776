//! How long a load takes until the script has its first batch, what it costs the event path meanwhile, and what
//! memory a script takes that has nothing to do.
//!
//! `cargo xtask bench --loads`. One thread delivers a batch each 2 ms to a pipeline whose script keeps all, and
//! times each until it is through: at rest, beside processes that only count, and while modules are loaded. It has
//! the priority of the reader, and compilers theirs. On a machine with few processors, most of the longest times are
//! others', and its hypervisor's: so the scheduler is traced as well (root, tracefs), to say behind whom it waited.

mod trace;

use std::{
    cell::{Cell, RefCell},
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use trace::{Trace, Waits};
use weir::{
    decode::Batch,
    pipeline::{Pipelines, Put, Wanted, short_turns},
    script::{Cache, Compiler, CompilerLimits, Engine, Limits, Processes, bundled, serve_compiler},
};
use weir_sdk::event::{CALL_SENDMSG, Head};

const EVENTS: usize = 256;
const EVERY: Duration = Duration::from_millis(2);
const REST: Duration = Duration::from_secs(3);
/// Loads of each kind; the median counts. Cached ones are short, so that it takes more to see what they do.
const LOADS: [(&str, usize); 2] = [("cold", 5), ("cached", 60)];
/// Modules that `cargo xtask bench` builds, from 2 to 18 MB.
const LANGUAGES: [(&str, &str); 4] = [
    ("Go", "go"),
    ("JavaScript (QuickJS)", "js"),
    ("JavaScript (StarlingMonkey)", "starlingmonkey"),
    ("Python", "python"),
];
/// What a load may delay the event path by, as the aim is.
const AIM: Duration = Duration::from_millis(1);
/// Threads of this event path, and those of loads: a compiler is started by a link that has this name.
const EVENT_PATH: [&str; 2] = ["weir-deliver", "weir-witness"];
const LOAD: [&str; 3] = ["exe", "weir-load", "weir-trials"];
/// Scripts of one module that are loaded to see what each takes.
const IDLE: usize = 20;

fn main() -> ExitCode {
    // The engine starts this program once more to compile.
    let args: Vec<_> = env::args().skip(1).collect();
    if let [command, form, seconds, memory] = &args[..]
        && command == Compiler::COMMAND
    {
        let limits = (seconds.parse().expect("a number"), memory.parse().expect("a number"));
        return match serve_compiler(form, limits.0, limits.1) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    let modules = modules();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let pipelines = pipelines(folder.path());
    let (_, keep) = bundled().iter().find(|(name, _)| *name == "errors").expect("it is bundled");
    load(&pipelines, "witness", keep);
    let deliveries = Deliveries::start(pipelines.clone());
    thread::sleep(REST);
    println!("event path at rest: {}", deliveries.take());
    let others = busy();
    deliveries.take();
    thread::sleep(REST);
    println!("event path beside {} that do nothing but count: {}", others.len(), deliveries.take());
    others.into_iter().for_each(end);
    println!(
        "module                          size       compiled   from PUT to the first batch   event path meanwhile"
    );
    for (name, module) in &modules {
        for (kind, loads) in LOADS {
            let mut times = Vec::new();
            deliveries.take();
            for _ in 0..loads {
                if kind == "cold" {
                    fs::remove_dir_all(folder.path().join("compiled")).expect("it is there");
                    fs::create_dir(folder.path().join("compiled")).expect("it can be made");
                    private(&folder.path().join("compiled"));
                }
                times.push(put(&pipelines, "loaded", module));
                pipelines.remove("loaded").expect("it is loaded");
                deliveries.note();
            }
            times.sort();
            println!(
                "{name:<27} {:>8} B   {kind:<8} {:>12.1?}                  {}",
                module.len(),
                times[loads / 2],
                deliveries.take()
            );
        }
    }
    deliveries.end();
    println!(
        "memory of a script that has nothing to do after its first batch, one of {IDLE} of a module"
    );
    for (name, module) in &modules {
        load(&pipelines, "first", module);
        pipelines.deliver(&batch(1));
        let before = resident();
        for number in 0..IDLE {
            load(&pipelines, &format!("idle-{number}"), module);
        }
        pipelines.deliver(&batch(1));
        (0..IDLE).for_each(|number| has_begun(&pipelines, &format!("idle-{number}")));
        // What a batch took is said when it is through.
        thread::sleep(Duration::from_secs(1));
        let each = resident().saturating_sub(before) / IDLE as u64;
        let own = pipelines.script("idle-0").map_or(0, |script| script.memory_bytes);
        println!("{name:<27} {:>8} kB in all, {:>8} kB its own memory", each / 1000, own / 1000);
        for number in 0..IDLE {
            pipelines.remove(&format!("idle-{number}")).expect("it is loaded");
        }
        pipelines.remove("first").expect("it is loaded");
    }
    pipelines.finish();
    ExitCode::SUCCESS
}

/// As many processes as compilers take processors, with their priority. What these do to the event path is this
/// machine's, whoever runs there.
fn busy() -> Vec<Child> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let mut command = Command::new("nice");
    command.args(["-n", "19", "sh", "-c", "while :; do :; done"]);
    (1..processors.max(2)).map(|_| command.spawn().expect("nice(1) is there")).collect()
}

fn end(mut child: Child) {
    child.kill().expect("it is this user's");
    child.wait().expect("it is this process's");
}

/// A bundled script in Rust, and the benchmarks' filter in languages that bring a runtime.
fn modules() -> Vec<(&'static str, Vec<u8>)> {
    let errors = bundled().iter().find(|(name, _)| *name == "errors");
    let mut modules = vec![("Rust", errors.expect("it is bundled").1.to_vec())];
    let folder = env::var_os("WEIR_FILTERS").map(PathBuf::from);
    for (name, file) in LANGUAGES {
        let path = folder.as_ref().map(|folder| folder.join(file).with_extension("wasm"));
        match path.and_then(|path| fs::read(path).ok()) {
            Some(module) => modules.push((name, module)),
            None => println!("skipped: {name}; run `cargo xtask bench --loads`, which builds it"),
        }
    }
    modules
}

fn pipelines(folder: &Path) -> Arc<Pipelines> {
    let cache = Cache::open(folder.join("compiled")).expect("the folder is new");
    let engine = Engine::with(Some(cache), Processes::default())
        .compiled_by(Compiler::new(CompilerLimits::default()));
    let on_wanted = Box::new(|_| {});
    Arc::new(Pipelines::new(engine, Limits::default(), 1000, Wanted::default(), on_wanted))
}

fn private(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("it is this user's");
}

/// Loads a script, and says how long it took until it had its first batch, which another thread delivers.
fn put(pipelines: &Pipelines, name: &str, bytes: &[u8]) -> Duration {
    let began = Instant::now();
    load(pipelines, name, bytes);
    has_begun(pipelines, name);
    began.elapsed()
}

fn load(pipelines: &Pipelines, name: &str, bytes: &[u8]) {
    let put = Put { name, bytes, pipeline: None, params: None };
    pipelines.put(put).unwrap_or_else(|error| panic!("{error}"));
}

/// Waits until a script had its first batch.
fn has_begun(pipelines: &Pipelines, name: &str) {
    let began = Instant::now();
    while pipelines.script(name).is_some_and(|script| script.switched_at_seq.is_none()) {
        assert!(began.elapsed() < Duration::from_secs(60), "{name} had no batch");
        thread::sleep(Duration::from_micros(100));
    }
}

/// A batch of failed calls, the first of which has this number.
fn batch(first_seq: u64) -> Arc<Batch> {
    let mut batch = Batch::default();
    for seq in first_seq..first_seq + EVENTS as u64 {
        batch.push(Head { seq, ret: -32, call: CALL_SENDMSG, ..Head::default() });
    }
    Arc::new(batch)
}

/// The thread that delivers batches, and times them.
struct Deliveries {
    stop: Arc<AtomicBool>,
    times: Arc<Mutex<Vec<Duration>>>,
    /// What the hypervisor had taken away when this was asked last.
    stolen: Cell<Duration>,
    trace: Result<Trace, String>,
    waits: RefCell<Option<Waits>>,
    thread: thread::JoinHandle<()>,
}

impl Deliveries {
    fn start(pipelines: Arc<Pipelines>) -> Self {
        let (stop, times) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<Duration>>>::default());
        let (ended, to) = (stop.clone(), times.clone());
        let kept = pipelines.kept(Some("witness")).expect("it is loaded");
        let (_, mut passed) = kept.listen();
        let named = thread::Builder::new().name("weir-deliver".to_owned());
        let thread = named.spawn(move || {
            short_turns();
            let mut next_seq = 1;
            while !ended.load(Relaxed) {
                let batch = batch(next_seq);
                next_seq += EVENTS as u64;
                let began = Instant::now();
                pipelines.deliver(&batch);
                passed.blocking_recv().expect("the script keeps all");
                let took = began.elapsed();
                to.lock().expect("no panic while locked").push(took);
                thread::sleep(EVERY);
            }
        });
        let thread = thread.expect("the system can start a thread");
        let trace = Trace::start(&EVENT_PATH, &LOAD);
        if let Err(why) = &trace {
            println!("skipped: behind whom the event path waits: {why}");
        }
        let (stolen, waits) = (Cell::new(stolen()), RefCell::default());
        Self { stop, times, stolen, trace, waits, thread }
    }

    /// Notes behind whom they waited since this was called last: the trace is not long.
    fn note(&self) {
        if let Ok(trace) = &self.trace {
            let mut waits = self.waits.borrow_mut();
            *waits = waits.take().into_iter().chain([trace.take(AIM)]).reduce(Waits::and);
        }
    }

    /// What the batches took since this was asked last.
    fn take(&self) -> String {
        self.note();
        let mut times = std::mem::take(&mut *self.times.lock().expect("no panic while locked"));
        times.sort();
        let at = |part: usize| times[times.len() * part / 1000];
        let Some(longest) = times.last() else { return "no batch passed".to_owned() };
        let long = times.iter().filter(|took| **took > AIM).count();
        let stolen = stolen();
        let taken = stolen - self.stolen.replace(stolen);
        let mut text = format!(
            "p50 {:.0?}, p99 {:.0?}, longest {longest:.0?}; {long} of {} over {AIM:?}, {taken:?} stolen",
            at(500),
            at(990),
            times.len()
        );
        if let Some(waits) = self.waits.take() {
            text += &format!("\n    {waits}");
        }
        text
    }

    fn end(self) {
        self.stop.store(true, Relaxed);
        self.thread.join().expect("it does not panic");
    }
}

/// What a hypervisor had of this machine's processors since it started (`steal` in proc_stat(5)), to 10 ms.
fn stolen() -> Duration {
    let text = fs::read_to_string("/proc/stat").expect("proc(5)");
    let ticks: Option<u64> = text.split_whitespace().nth(8).and_then(|ticks| ticks.parse().ok());
    Duration::from_millis(10 * ticks.expect("proc(5)"))
}

/// Memory of this process.
fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").expect("proc(5)");
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("proc(5)");
    pages * rustix::param::page_size() as u64
}
