//! Compiles modules in a process of its own, which can be ended: there is no other way to stop a compiler
//! that a hostile module keeps busy, or that takes all memory.

use std::{
    fs::File,
    io::{self, Read, Write},
    mem,
    os::unix::process::ExitStatusExt,
    process::{Command, Output, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use rayon::ThreadPoolBuilder;
use rustix::process::{Resource, Rlimit, Signal, setpriority_process, setrlimit};
use wasmtime::component::Component;

use super::{LoadError, engine::configuration, native::Compiled, turns::ShortTurns};

/// What compiling may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompilerLimits {
    /// Of all processors together. Told apart in whole seconds, and at least one.
    pub time: Duration,
    /// Of the process that compiles, in bytes.
    pub memory_bytes: u64,
}

impl Default for CompilerLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(60), memory_bytes: 4 << 30 }
    }
}

/// Starts processes that compile, as many at a time as there are processors, and at least two.
#[derive(Clone)]
pub struct Compiler {
    limits: CompilerLimits,
    /// Holds a place for each process that may still start.
    places: (Sender<()>, Receiver<()>),
}

/// The last there is, as a nice value: sched(7).
const LOWEST: i32 = 19;
/// What each thread of a compiler may nest, in bytes: as much as a program's first thread.
const STACK: usize = 8 << 20;
/// How much is written at once.
const PART: usize = 64 << 10;
/// This very program, whatever has its name by now.
const SELF: &str = "/proc/self/exe";

impl Compiler {
    /// A compiler with these limits. The program that runs must take the command that [`Self::COMMAND`]
    /// names, and call [`serve`].
    pub fn new(limits: CompilerLimits) -> Arc<Self> {
        let most = thread::available_parallelism().map_or(2, |most| most.get().max(2));
        let places = bounded(most);
        for _ in 0..most {
            places.0.send(()).expect("both ends are here");
        }
        Arc::new(Self { limits, places })
    }

    /// The command of the program that compiles.
    pub const COMMAND: &str = "compile";

    /// Compiles a module of this form in a process of its own, which writes to a file what comes of it.
    pub(super) fn compile(&self, form: &str, bytes: &[u8], to: &File) -> Result<(), LoadError> {
        let (give, take) = &self.places;
        take.recv().expect("both ends are here");
        let output = self.run(form, bytes, to);
        give.send(()).expect("both ends are here");
        self.judge(output.map_err(|error| {
            LoadError::Compiler(format!("the process that compiles cannot be started: {error}"))
        })?)
    }

    fn run(&self, form: &str, bytes: &[u8], to: &File) -> io::Result<Output> {
        let CompilerLimits { time, memory_bytes } = self.limits;
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        let mut child = Command::new(SELF)
            .args([Self::COMMAND, form, &seconds.max(1).to_string(), &memory_bytes.to_string()])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(to.try_clone()?)
            .stderr(Stdio::piped())
            .spawn()?;
        let mut input = child.stdin.take().expect("it is piped");
        // It reads all before it writes. If it ended before, its end says more than this.
        _ = input.write_all(bytes);
        drop(input);
        child.wait_with_output()
    }

    /// What came of it.
    fn judge(&self, Output { status, stderr, .. }: Output) -> Result<(), LoadError> {
        let said = String::from_utf8_lossy(&stderr).trim().replace("\n", " ");
        let CompilerLimits { time, memory_bytes } = self.limits;
        match (status.code(), status.signal().map(Signal::from_named_raw)) {
            (Some(0), _) => Ok(()),
            (Some(1), _) => Err(LoadError::Invalid(said.trim_start_matches("weir: ").to_owned())),
            (_, Some(Some(Signal::XCPU | Signal::KILL))) => Err(LoadError::CompileTime(time)),
            (_, Some(Some(Signal::ABORT))) if said.contains("memory allocation") => {
                Err(LoadError::CompileMemory(memory_bytes))
            }
            _ => Err(LoadError::Compiler(format!("it ended with {status}: {said}"))),
        }
    }
}

/// How many threads a module is compiled by: one processor is left to the event path. However low a
/// compiler's priority is, the event path would wait where it is in the kernel, for memory most of all.
fn threads() -> usize {
    thread::available_parallelism().map_or(1, |all| all.get().saturating_sub(1).max(1))
}

/// Reads a module of this form from the standard input, and writes what it is compiled to, under limits that
/// end this process. The error is that of a module that cannot be compiled.
pub fn serve(form: &str, seconds: u64, memory_bytes: u64) -> Result<(), String> {
    let limit = |resource, most| {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map_err(|error| format!("cannot limit the compiler: {error}"))
    };
    limit(Resource::Cpu, seconds)?;
    limit(Resource::As, memory_bytes)?;
    limit(Resource::Core, 0)?;
    // Without them it compiles all the same.
    _ = setpriority_process(None, LOWEST);
    _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    // A kernel that refuses is no reason not to compile.
    let short = ShortTurns::begin();
    let mut module = Vec::new();
    io::stdin().read_to_end(&mut module).map_err(|error| error.to_string())?;
    let forever = |_| mem::forget(ShortTurns::begin());
    let pool = ThreadPoolBuilder::new().num_threads(threads()).stack_size(STACK);
    let pool = pool.start_handler(forever).build();
    let pool = pool.map_err(|error| format!("cannot start a thread: {error}"))?;
    // This thread sleeps, and those of the pool do all.
    drop(short);
    pool.install(|| {
        let say = |error: wasmtime::Error| format!("{error:#}");
        let engine = wasmtime::Engine::new(&configuration()).map_err(say)?;
        let code = if form == Component::FORM {
            Component::precompile(&engine, &module)
        } else {
            wasmtime::Module::precompile(&engine, &module)
        };
        // In parts: a turn cannot be given away within a system call.
        code.map_err(say)?.chunks(PART).try_for_each(|part| {
            io::stdout().write_all(part).map_err(|error| format!("cannot write the code: {error}"))
        })
    })
}
