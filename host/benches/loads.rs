//! How long a load takes until the script has its first batch, what it costs the event path meanwhile, and what
//! memory a script takes that has nothing to do.
//!
//! `cargo xtask bench --loads`. One thread delivers a batch each 2 ms to a pipeline whose script keeps all, and
//! times each until it is through: at rest, beside processes that only count, and while modules are loaded. It has
//! the priority of the reader, and compilers theirs. What it waited for a processor, and what a hypervisor took
//! away meanwhile, stands beside: on a machine with few processors that is most of the longest times.

use std::{
    cell::Cell,
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
    put(&pipelines, "witness", keep);
    let deliveries = Deliveries::start(pipelines.clone());
    thread::sleep(REST);
    println!("event path at rest: {}", deliveries.take());
    let others = busy();
    deliveries.take();
    thread::sleep(REST);
    println!("event path beside {} that do nothing but count: {}", others.len(), deliveries.take());
    others.into_iter().for_each(end);
    println!(
        "module                   size       compiled   from PUT to the first batch   event path meanwhile"
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
            }
            times.sort();
            println!(
                "{name:<20} {:>8} B   {kind:<8} {:>12.1?}                  {}",
                module.len(),
                times[loads / 2],
                deliveries.take()
            );
        }
    }
    println!("memory of a script that has nothing to do, one of {IDLE} of a module");
    for (name, module) in &modules {
        put(&pipelines, "first", module);
        let before = resident();
        for number in 0..IDLE {
            put(&pipelines, &format!("idle-{number}"), module);
        }
        let each = resident().saturating_sub(before) / IDLE as u64;
        let own = pipelines.script("idle-0").map_or(0, |script| script.memory_bytes);
        println!("{name:<20} {:>8} kB in all, {:>8} kB its own memory", each / 1000, own / 1000);
        for number in 0..IDLE {
            pipelines.remove(&format!("idle-{number}")).expect("it is loaded");
        }
        pipelines.remove("first").expect("it is loaded");
    }
    deliveries.end();
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
    for (name, file) in [("Go", "go"), ("JavaScript (QuickJS)", "js"), ("Python", "python")] {
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

/// Loads a script, and says how long it took until it had its first batch.
fn put(pipelines: &Pipelines, name: &str, bytes: &[u8]) -> Duration {
    let began = Instant::now();
    let put = Put { name, bytes, pipeline: None, params: None };
    pipelines.put(put).unwrap_or_else(|error| panic!("{error}"));
    let limit = Duration::from_secs(1);
    while began.elapsed() < limit
        && pipelines.script(name).is_some_and(|script| script.switched_at_seq.is_none())
        && name != "witness"
    {
        thread::sleep(Duration::from_micros(100));
    }
    began.elapsed()
}

/// The thread that delivers batches, and times them.
struct Deliveries {
    stop: Arc<AtomicBool>,
    times: Arc<Mutex<Vec<(Duration, Duration)>>>,
    /// What the hypervisor had taken away when this was asked last.
    stolen: Cell<Duration>,
    thread: thread::JoinHandle<()>,
}

impl Deliveries {
    fn start(pipelines: Arc<Pipelines>) -> Self {
        let (stop, times) =
            (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<(Duration, Duration)>>>::default());
        let (ended, to) = (stop.clone(), times.clone());
        let kept = pipelines.kept(Some("witness")).expect("it is loaded");
        let (_, mut passed) = kept.listen();
        let named = thread::Builder::new().name("weir-deliver".to_owned());
        let thread = named.spawn(move || {
            short_turns();
            let path = ["witness", "deliver"].map(schedstat);
            let mut next_seq = 1;
            while !ended.load(Relaxed) {
                let mut batch = Batch::default();
                for seq in next_seq..next_seq + EVENTS as u64 {
                    batch.push(Head { seq, ret: -32, call: CALL_SENDMSG, ..Head::default() });
                }
                next_seq += EVENTS as u64;
                let batch = Arc::new(batch);
                let waited = runnable(&path);
                let began = Instant::now();
                pipelines.deliver(&batch);
                passed.blocking_recv().expect("the script keeps all");
                let took = began.elapsed();
                let waited = runnable(&path) - waited;
                to.lock().expect("no panic while locked").push((took, waited));
                thread::sleep(EVERY);
            }
        });
        let thread = thread.expect("the system can start a thread");
        Self { stop, times, stolen: Cell::new(stolen()), thread }
    }

    /// What the batches took since this was asked last.
    fn take(&self) -> String {
        let mut times = std::mem::take(&mut *self.times.lock().expect("no panic while locked"));
        times.sort();
        let at = |part: usize| times[times.len() * part / 1000].0;
        let Some(&(longest, waited)) = times.last() else { return "no batch passed".to_owned() };
        let long = times.iter().filter(|(took, _)| *took > Duration::from_millis(1)).count();
        let stolen = stolen();
        let taken = stolen - self.stolen.replace(stolen);
        format!(
            "p50 {:.0?}, p99 {:.0?}, longest {longest:.0?} ({waited:.0?} without a processor); {long} of {} over 1 ms, \
             {taken:?} stolen",
            at(500),
            at(990),
            times.len()
        )
    }

    fn end(self) {
        self.stop.store(true, Relaxed);
        self.thread.join().expect("it does not panic");
    }
}

/// What the kernel counts of this process's thread `weir-NAME`.
fn schedstat(name: &str) -> PathBuf {
    let name = format!("weir-{name}");
    let tasks = fs::read_dir("/proc/self/task").expect("proc(5)");
    let paths = tasks.map(|task| task.expect("proc(5)").path());
    let mut ours = paths.filter(|path| {
        fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim_end() == name)
    });
    ours.next().expect("it runs").join("schedstat")
}

/// How long these threads had work but no processor, in all.
fn runnable(paths: &[PathBuf]) -> Duration {
    let of = |path| -> u64 {
        let text = fs::read_to_string(path).expect("this kernel counts it (CONFIG_SCHED_INFO)");
        text.split(' ').nth(1).and_then(|ns| ns.parse().ok()).expect("sched-stats.rst")
    };
    Duration::from_nanos(paths.iter().map(of).sum())
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
