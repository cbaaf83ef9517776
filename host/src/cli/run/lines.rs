//! `weir run --json`: what is found, as lines of JSON. Of pipelines with tables those rows that
//! changed, each interval; of pipelines without, each event that they keep.

use std::{
    collections::{HashMap, HashSet},
    io::{self, BufWriter, Write},
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{
    Notify,
    broadcast::{Receiver, error::TryRecvError},
};

use crate::{
    cli::look::{Order, with_rows},
    decode::Event,
    pipeline::{KeptBatch, Pipelines},
};

/// Between two looks for events.
const PAUSE: Duration = Duration::from_millis(20);

/// Lines that are printed until this is ended.
pub struct Lines {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Lines {
    /// Prints lines; tells `unread` when nobody reads them any more.
    pub fn start(
        pipelines: Arc<Pipelines>,
        interval: Duration,
        unread: Arc<Notify>,
    ) -> anyhow::Result<Self> {
        let (stop, stopped) = channel();
        let mut printer = Printer {
            pipelines,
            listeners: HashMap::new(),
            rows: HashMap::new(),
            to: BufWriter::new(io::stdout()),
        };
        printer.listen();
        let print = move || {
            let mut due = Instant::now() + interval;
            let result = loop {
                let last = stopped.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout);
                if let Err(error) = printer.print(last || Instant::now() >= due) {
                    break Err(error);
                }
                if last {
                    break Ok(());
                }
                if Instant::now() >= due {
                    due = Instant::now() + interval;
                }
            };
            if result.is_err() {
                unread.notify_one();
            }
        };
        let thread = thread::Builder::new().name("weir-lines".to_owned()).spawn(print);
        Ok(Self { stop, thread: thread.context("cannot start the printer's thread")? })
    }

    /// Prints what is left, once all events have been through.
    pub fn end(self) {
        drop(self.stop);
        // A panic has been told on stderr.
        _ = self.thread.join();
    }
}

struct Printer<W: Write> {
    pipelines: Arc<Pipelines>,
    /// Of the pipelines without tables.
    listeners: HashMap<String, Listener>,
    /// The rows that were printed, by table, and by key.
    rows: HashMap<(String, String), HashMap<String, String>>,
    to: W,
}

struct Listener {
    live: Receiver<KeptBatch>,
    /// Events that the pipeline had kept before the next ones.
    next: u64,
}

#[derive(Serialize)]
struct EventLine<'a> {
    pipeline: &'a str,
    #[serde(flatten)]
    event: Event<'a>,
}

impl<W: Write> Printer<W> {
    /// Prints the events that came, and rows if it is time.
    fn print(&mut self, rows: bool) -> io::Result<()> {
        for (pipeline, listener) in &mut self.listeners {
            let missed = listener.print(pipeline, &mut self.to)?;
            if missed > 0 {
                tracing::warn!(
                    "{missed} events of pipeline {pipeline} were too many to be printed"
                );
            }
        }
        if rows {
            self.changed_rows()?;
            self.listen();
        }
        self.to.flush()?;
        if closed() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }

    /// Listens to the pipelines that have no tables by now, and no longer to those that have or are gone.
    fn listen(&mut self) {
        let with_tables: HashSet<_> =
            self.pipelines.tables().into_keys().map(|(script, _)| script).collect();
        let all = self.pipelines.pipelines().into_iter();
        let bare = all.filter(|one| !one.scripts.iter().any(|name| with_tables.contains(name)));
        let names: HashSet<_> = bare.map(|pipeline| pipeline.name).collect();
        self.listeners.retain(|name, _| names.contains(name));
        for name in names {
            if !self.listeners.contains_key(&name)
                && let Some(kept) = self.pipelines.kept(Some(&name))
            {
                let (next, live) = kept.listen();
                self.listeners.insert(name, Listener { live, next });
            }
        }
    }

    fn changed_rows(&mut self) -> io::Result<()> {
        let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        for ((script, name), table) in self.pipelines.tables() {
            let order = Order { limit: usize::MAX, ..Order::default() };
            let mut table = with_rows(&script, &name, &table, &order);
            let kind = table["kind"].take();
            let rows = list(table["row_list"].take());
            let other = Some(table["other"].take()).filter(Value::is_object);
            let known = self.rows.entry((script.clone(), name.clone())).or_default();
            for row in rows.into_iter().chain(other) {
                let (key, text) = (row["key"].to_string(), row.to_string());
                if known.get(&key) == Some(&text) {
                    continue;
                }
                known.insert(key, text);
                let mut line =
                    json!({ "time": time, "script": script, "table": name, "kind": kind });
                if let (Value::Object(line), Value::Object(row)) = (&mut line, row) {
                    line.extend(row);
                }
                writeln!(self.to, "{line}")?;
            }
        }
        Ok(())
    }
}

impl Listener {
    /// Prints what has come; returns how many events were missed.
    fn print(&mut self, pipeline: &str, to: &mut impl Write) -> io::Result<u64> {
        let mut missed = 0;
        loop {
            let KeptBatch { before, batch } = match self.live.try_recv() {
                Ok(kept) => kept,
                // How many is seen from the next batch's number.
                Err(TryRecvError::Lagged(_)) => continue,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return Ok(missed),
            };
            missed += before.saturating_sub(self.next);
            self.next = before + batch.heads.len() as u64;
            for index in 0..batch.heads.len() {
                serde_json::to_writer(
                    &mut *to,
                    &EventLine { pipeline, event: batch.event(index) },
                )?;
                to.write_all(b"\n")?;
            }
        }
    }
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list,
        _ => Vec::new(),
    }
}

/// Whether nobody reads stdout any more, which a pipe tells without being written to.
fn closed() -> bool {
    let stdout = io::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
        && fds[0].revents().contains(PollFlags::ERR)
}
