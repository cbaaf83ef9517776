//! `weir run`: attach, trace, serve.

mod lines;
mod live;
mod screen;
pub mod view;

use std::{
    collections::BTreeMap,
    fs,
    io::IsTerminal,
    net::TcpListener,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, bail};
use clap::{Args, builder::PossibleValuesParser};
use tokio::sync::Notify;
use weir_sdk::event::{CALL_NAMES, PAYLOAD_BYTES};

use lines::Lines;
use live::Live;
use screen::Screen;

use super::{
    config::Definitions,
    data_dir,
    export::Export,
    limits::{self, Limit},
    look::Source,
    notify, pipelines, privilege, serve,
    store::{Store, load_again},
    watch,
};
use crate::{
    enrich::Enrich,
    export::{self, Exports},
    http,
    pipeline::{Ledger, Pipelines, Reader, Settings, Spec, Wanted},
    probe::{Options, Probe, Request, Wants},
    script::{Cache, Compiler, CompilerLimits, Engine, Limits, Processes, call_number},
};

/// From detaching the programs to reading their last records.
const GRACE: Duration = Duration::from_millis(20);

/// Trace what this host sends and receives, and serve what the scripts find.
///
/// Needs root, or CAP_BPF, CAP_PERFMON and CAP_DAC_READ_SEARCH, until the probes are attached.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    weir run                                   keep every event\n  \
    weir run -s 'service | latency' -s errors  two pipelines of bundled scripts\n  \
    weir run -s 'errors?ignore=EAGAIN,EPIPE | mine.wasm'\n  \
    weir run --scripts ./scripts               load, swap and unload what is in a folder\n  \
    weir run -e 'error != null | count by process.comm, error'  a script in one line\n  \
    weir run --calls sendmsg,recvmsg --payload 64 --show-payload  keep every event of these calls")]
pub struct Run {
    /// A pipeline: scripts with | between them. A script is a bundled one's name or a path to a
    /// .wasm file, with parameters after a ?: errors?ignore=EAGAIN&slower_than=10ms. NAME=PATH
    /// loads it under another name. Without any, all events are kept.
    #[arg(short = 's', long = "script", value_name = "PIPELINE")]
    pipelines: Vec<String>,
    /// A script in one line, in a pipeline of its own: a filter, then perhaps | and what is done with
    /// the events that fit. count, sum(msg.bytes), histogram(duration_ns), top(10), distinct(socket.peer),
    /// rate and last(fd) go by names: | count by process.comm, error. See docs/expressions.md.
    #[arg(short = 'e', long = "expression", value_name = "EXPRESSION")]
    expressions: Vec<String>,
    /// A folder to watch: each .wasm file in it is a pipeline of its own.
    #[arg(long, value_name = "DIR")]
    scripts: Option<PathBuf>,
    /// Calls to trace besides those that scripts want: NAME,NAME… Without scripts it is sendmsg.
    #[arg(long, value_name = "CALLS", value_delimiter = ',',
          value_parser = PossibleValuesParser::new(CALL_NAMES))]
    calls: Vec<String>,
    /// Bytes of payload that events have at least; scripts may want more. See --show-payload.
    #[arg(long, value_name = "BYTES", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(0..=PAYLOAD_BYTES as i64))]
    payload: u32,
    #[command(flatten)]
    serve: serve::Serve,
    /// How to see the calls.
    #[arg(long, value_enum, default_value_t)]
    backend: Request,
    /// Where the token is kept [default: /var/lib/weir for root, else ~/.local/state/weir]
    #[arg(long, value_name = "DIR", env = "WEIR_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// A file with the token that changes need, one line, instead of the one in the data folder.
    #[arg(long, value_name = "FILE", env = "WEIR_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Size of the kernel's ring buffer in bytes; rounded up to a power of two.
    #[arg(long, value_name = "BYTES", default_value_t = weir_ebpf::RING_BYTES,
          value_parser = clap::value_parser!(u32).range(4096..=1 << 30))]
    ring_bytes: u32,
    /// Events that each pipeline keeps for the page and the API.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    keep_events: usize,
    /// Processor time that a script may take for one batch.
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = humantime::parse_duration)]
    batch_time: Duration,
    /// Memory that a script may have, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().memory_bytes)]
    script_memory: usize,
    /// Largest module that is taken as a script, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().module_bytes)]
    script_bytes: usize,
    /// Processor time that compiling a module may take.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    compile_time: Duration,
    /// Memory that compiling a module may take, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = CompilerLimits::default().memory_bytes)]
    compile_memory: u64,
    /// Bytes of attributes and emitted results that a script may hand out in a second.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().output_bytes)]
    script_output: usize,
    /// Lines that a script's log takes in a second.
    #[arg(long, value_name = "N", default_value_t = Limits::default().log_lines)]
    log_lines: u32,
    /// Rows that each table of a script may have.
    #[arg(long, value_name = "N", default_value_t = Limits::default().table_keys)]
    table_keys: usize,
    /// A limit of one script, whenever it is loaded: batch-time, memory, output, log-lines or
    /// table-keys, as in errors.batch-time=50ms. The options before this one are for all scripts.
    #[arg(long = "limit", value_name = "SCRIPT.LIMIT=VALUE", value_parser = limits::parse)]
    limits: Vec<Limit>,
    /// The configuration file [default: DATA_DIR/weir.toml, else /etc/weir/weir.toml, if there is one].
    /// It can have every option here, and pipelines and scripts: see docs/configuration.md.
    #[arg(long, value_name = "FILE", env = "WEIR_CONFIG")]
    config: Option<PathBuf>,
    /// Write the ledger to a file at exit, as JSON.
    #[arg(long, value_name = "FILE")]
    exit_ledger: Option<PathBuf>,
    /// Print what is found as lines of JSON, and nothing else, to stdout: of pipelines that have
    /// tables each row that changed, once an interval; of the others each event that they keep.
    #[arg(long)]
    pub json: bool,
    /// No live view on a terminal: the log alone.
    #[arg(short, long)]
    quiet: bool,
    /// How often the live view is drawn, and rows of tables are printed as JSON.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    interval: Duration,
    #[command(flatten)]
    store: Store,
    #[command(flatten)]
    export: Export,
}

impl Run {
    /// Runs until SIGINT or SIGTERM, with what the configuration file says beside the options.
    pub fn run(self, file: Definitions) -> anyhow::Result<()> {
        let (began, started) = (Instant::now(), SystemTime::now());
        let screen = Screen::default();
        tracing_subscriber::fmt()
            .with_writer(screen.clone())
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .with_env_filter(
                tracing_subscriber::EnvFilter::try_from_default_env()
                    .unwrap_or_else(|_| "info".into()),
            )
            .init();
        if let Some(path) = &file.from {
            tracing::info!("configuration file {}", path.display());
        }
        let specs = self.specs(&file)?;
        let settings = self.export.settings()?;
        let data_dir = self.data_dir.clone().unwrap_or_else(data_dir::default);
        let token = match &self.token_file {
            Some(file) => {
                data_dir::make(&data_dir)?;
                data_dir::token_of(file)?
            }
            None => data_dir::token(&data_dir)?,
        };
        let cache = match Cache::open(data_dir.join("compiled")) {
            Ok(cache) => Some(cache),
            Err(error) => {
                tracing::warn!("modules are compiled each time: {error}");
                None
            }
        };
        let open = self.serve.open(&data_dir)?;

        let options = Options { backend: self.backend, ring_bytes: self.ring_bytes };
        let (probe, ring) = Probe::attach(options, || {
            if let Err(error) = privilege::drop_to_probe() {
                tracing::warn!("{error:#}");
            }
        })?;
        let choice = probe.choice.clone();
        tracing::info!("backend {}: {}", choice.name.name(), choice.why);
        tracing::info!("it cannot see: {}", choice.cannot_see.join("; "));
        let enrich = Enrich::start(|| {
            if let Err(error) = privilege::drop_to_look_ups() {
                tracing::warn!("{error:#}");
            }
        });
        privilege::drop_all()?;

        let limits = Limits {
            batch_time: self.batch_time,
            memory_bytes: self.script_memory,
            module_bytes: self.script_bytes,
            output_bytes: self.script_output,
            log_lines: self.log_lines,
            table_keys: self.table_keys,
        };
        let want = probe.want();
        let on_wanted = Box::new(move |wanted: Wanted| {
            let said = wanted.to_string();
            let Wanted { calls, payload, wants } = wanted;
            match want.want(Wants { calls, payload, wants }) {
                Ok(()) => tracing::info!("traced: {said}"),
                Err(error) => tracing::error!("not all that is wanted is traced: {error}"),
            }
        });
        let known = enrich.known();
        let processes = Processes::new(move |pid| known.process(pid));
        let compiler = Compiler::new(CompilerLimits {
            time: self.compile_time,
            memory_bytes: self.compile_memory,
        });
        let engine = Engine::with(cache, processes).compiled_by(compiler);
        let asked = self.asked();
        let mut pipelines = Pipelines::new(engine, limits, self.keep_events, asked, on_wanted)
            .with_settings(self.settings(file));
        let stored = self.store.open(&data_dir, started);
        if let Some((store, _)) = &stored {
            pipelines = pipelines.through(store.outlet());
        }
        let pipelines = Arc::new(pipelines);
        let (store, before) = stored.unzip();
        let mut before = before.unwrap_or_default();
        if store.is_some() {
            pipelines.remember(std::mem::take(&mut before.remembered));
        }
        for spec in specs {
            pipelines.add(spec)?;
        }
        if let Some(folder) = &self.scripts {
            watch::names(folder)?.iter().for_each(|name| pipelines.is_given(name));
        }
        if let Some(store) = &store {
            load_again(store, &before, &pipelines);
        }
        let watched =
            self.scripts.map(|folder| watch::watch(folder, pipelines.clone())).transpose()?;
        pipelines.forget_before();
        // There may be no pipeline yet.
        pipelines.tell_wanted();
        let ledger = Arc::new(Ledger::new(probe.kernel.clone()));
        let first_seq = before.next_seq.max(1);
        if let Some(store) = &store {
            let ledger = ledger.clone();
            store.start(pipelines.clone(), move || first_seq + ledger.delivered());
        }
        // Before the first event, and once nothing is left to give up.
        let parts = export::Parts {
            pipelines: pipelines.clone(),
            ledger: ledger.clone(),
            choice: choice.clone(),
            started,
            began,
        };
        let exports = Arc::new(Exports::start(&settings, parts)?);
        let stop = Arc::new(AtomicBool::new(false));
        let reader = Reader::new(ring, enrich, ledger.clone(), pipelines.clone(), stop.clone())
            .from_seq(first_seq);
        let reader = thread::Builder::new()
            .name("weir-reader".to_owned())
            .spawn(move || reader.run())
            .context("cannot start the reader's thread")?;

        let unread = Arc::new(Notify::new());
        let lines =
            self.json.then(|| Lines::start(pipelines.clone(), self.interval, unread.clone()));
        let lines = lines.transpose()?;
        let source = Source::Own {
            pipelines: pipelines.clone(),
            ledger: ledger.clone(),
            choice: choice.clone(),
        };
        let app = http::App {
            pipelines: pipelines.clone(),
            ledger: ledger.clone(),
            exports: exports.clone(),
            choice,
            store: store.clone(),
            token: http::Token::new(token),
            auth: open.auth,
            names: open.names,
            started,
            began,
            connections: self.serve.connections as usize,
            show_payload: self.serve.show_payload,
            feeds: http::Feeds::default(),
            looks: tokio::sync::Semaphore::new(http::LOOKS),
        };
        let url = app.names.url();
        let mut links = open
            .tls
            .iter()
            .map(|tls| format!("tls     sha256 {}\n", tls.fingerprint))
            .collect::<String>();
        links +=
            &format!("page    {url}/#token={}\napi     {url}/api/v1/status", app.token.reveal());
        // From here on lines would be in its way.
        let shown = std::io::stdout().is_terminal() && !self.json && !self.quiet;
        let mut live = None;
        let ready = || {
            if self.json {
                eprintln!("{links}");
            } else {
                println!("{links}");
            }
            live = shown.then(|| Live::start(source, screen, self.interval)).transpose()?;
            Ok(())
        };
        let served = serve(open.listener, open.tls, Arc::new(app), &unread, ready);
        live.into_iter().for_each(Live::end);
        served?;

        drop(watched);
        probe.detach();
        // What runs on another processor at this moment may still write its record.
        thread::sleep(GRACE);
        stop.store(true, Relaxed);
        match reader.join() {
            Ok(result) => result?,
            Err(_) => bail!("the reader panicked: this is a bug in weir"),
        }
        let left = pipelines.finish();
        if let Some(store) = store {
            store.stop(left);
        }
        ledger.close()?;
        exports.finish();
        let snapshot = ledger.snapshot(pipelines.rows())?;
        // What is not yet printed comes before the sum.
        lines.into_iter().for_each(Lines::end);
        if self.json {
            eprint!("{snapshot}");
        } else {
            print!("{snapshot}");
        }
        if let Some(path) = self.exit_ledger {
            let json = serde_json::to_vec_pretty(&snapshot)?;
            fs::write(&path, json).with_context(|| format!("cannot write {}", path.display()))?;
        }
        if let Some(imbalance) = snapshot.imbalance_at_exit() {
            bail!("the ledger does not add up, which is a bug in weir: {imbalance}");
        }
        Ok(())
    }

    fn asked(&self) -> Wanted {
        let calls = self.calls.iter().filter_map(|name| call_number(name));
        Wanted::all(calls.fold(0, |calls, call| calls | 1 << call), self.payload)
    }

    fn specs(&self, file: &Definitions) -> anyhow::Result<Vec<Spec>> {
        let mut specs = pipelines::specs(&self.pipelines, &self.expressions, file)?;
        if specs.is_empty() && self.scripts.is_none() {
            specs.push(Spec { name: "all".to_owned(), scripts: Vec::new() });
        }
        Ok(specs)
    }

    /// What is said of scripts; the command line goes before the file.
    fn settings(&self, file: Definitions) -> BTreeMap<String, Settings> {
        let mut settings = file.settings;
        for limit in &self.limits {
            let script = settings.entry(limit.script.clone()).or_default();
            script.limits = limit.values.or(script.limits);
        }
        settings
    }
}

/// Serves until a signal says stop, or nobody reads what is printed.
fn serve(
    listener: TcpListener,
    tls: Option<http::Tls>,
    app: Arc<http::App>,
    unread: &Notify,
    ready: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("weir-http")
        .enable_all()
        .build()
        .context("cannot start the server's threads")?;
    let result = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut interrupt = signal(tokio::signal::unix::SignalKind::interrupt())?;
        let mut terminate = signal(tokio::signal::unix::SignalKind::terminate())?;
        // Whoever reads what is printed now may send a signal at once.
        ready()?;
        let server = tokio::spawn(http::serve(listener, tls, app));
        notify::ready();
        tokio::select! {
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
            () = unread.notified() => Ok(()),
            result = server => match result.context("the server panicked")? {},
        }
    });
    notify::stopping();
    // Streams to clients never end by themselves.
    runtime.shutdown_background();
    result
}

/// A time that is at least so long that a terminal can be read.
pub fn interval(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time < Duration::from_millis(50) => Err("it is at least 50ms".to_owned()),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    }
}

fn signal(kind: tokio::signal::unix::SignalKind) -> anyhow::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(kind).context("cannot catch signals")
}
