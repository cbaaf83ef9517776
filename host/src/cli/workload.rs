//! `weir workload`: bounded traffic that exercises the fields of sendmsg and of its relatives, to try
//! Weir with.

mod address;
mod blocked;
mod changing;
mod control;
mod errors;
mod folder;
mod inet;
mod interrupt;
mod message;
mod received;
mod relatives;
mod shape;
mod socket;
mod tally;
mod unix;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    io::{self, IsTerminal},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use serde::Serialize;

use self::{
    folder::Folder,
    interrupt::Interrupt,
    tally::{Outcomes, Tally},
};

/// Make traffic that exercises the fields of sendmsg and of its relatives, on loopback and on unix
/// sockets.
///
/// Each kind of traffic has a thread of its own, named wl-KIND: that is the comm of its events.
#[derive(clap::Args)]
pub struct Workload {
    /// Stop after so many seconds; 0: when interrupted
    #[arg(long, value_name = "N", default_value_t = 10)]
    seconds: u64,
    /// Rounds of each kind per second
    #[arg(long, value_name = "R", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Only these kinds
    #[arg(long, value_name = "KIND", value_enum, value_delimiter = ',', num_args = 1..)]
    only: Vec<Kind>,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// A kind of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Kind {
    /// UDP over IPv4, the destination in each call
    Udp4,
    /// UDP over IPv4, connected: no destination
    Udp4Conn,
    /// UDP over IPv6
    Udp6,
    /// UDP to ports that services are known by: mDNS, StatsD, OTLP
    Services,
    /// TCP over IPv4
    Tcp4,
    /// TCP over IPv6
    Tcp6,
    /// Unix datagrams to a path
    UnixPath,
    /// Unix datagrams to an abstract name
    UnixName,
    /// A pair of unix streams
    UnixStream,
    /// From 0 to 1,024 entries in the iovec table
    Iovecs,
    /// Control messages: descriptors, credentials, also another's, and those of UDP
    Control,
    /// A destination that another thread changes while the call runs
    Changing,
    /// sendto, recvfrom, sendmmsg, recvmmsg and sendfile
    Relatives,
    /// recvmsg: control messages, a message longer than the room, nothing there
    Received,
    /// Netlink: a question to the kernel
    Netlink,
    /// MSG_DONTWAIT and MSG_NOSIGNAL
    Flags,
    /// Calls that fail: EAGAIN, EBADF, ECONNREFUSED, EFAULT, EMSGSIZE, ENOENT, EPIPE
    Errors,
    /// A call that waits 50 ms for room
    Blocked,
}

/// The sockets of one kind.
trait Traffic: Send {
    /// Makes a few calls. What they return is counted; an error is one of the surroundings.
    fn round(&mut self, round: usize, tally: &mut Tally) -> io::Result<()>;
}

impl Kind {
    fn name(self) -> String {
        let value = self.to_possible_value().expect("no kind is hidden");
        value.get_name().to_owned()
    }

    fn open(self, folder: &Folder) -> io::Result<Box<dyn Traffic>> {
        Ok(match self {
            Self::Udp4 => Box::new(inet::Udp::v4()?),
            Self::Udp4Conn => Box::new(inet::Udp::connected()?),
            Self::Udp6 => Box::new(inet::Udp::v6()?),
            Self::Services => Box::new(inet::Services::open()?),
            Self::Tcp4 => Box::new(inet::Tcp::v4()?),
            Self::Tcp6 => Box::new(inet::Tcp::v6()?),
            Self::UnixPath => Box::new(unix::Datagrams::to_path(folder)?),
            Self::UnixName => Box::new(unix::Datagrams::to_abstract_name()?),
            Self::UnixStream => Box::new(unix::Stream::pair()?),
            Self::Iovecs => Box::new(shape::Iovecs::open()?),
            Self::Control => Box::new(control::Control::open()?),
            Self::Changing => Box::new(changing::Changing::open()?),
            Self::Relatives => Box::new(relatives::Relatives::open(folder)?),
            Self::Received => Box::new(received::Received::open(folder)?),
            Self::Netlink => Box::new(relatives::Netlink::open()?),
            Self::Flags => Box::new(shape::Flags::open()?),
            Self::Errors => Box::new(errors::Errors::open(folder)?),
            Self::Blocked => Box::new(blocked::Blocked::open()?),
        })
    }
}

/// A kind at work.
struct Worker {
    name: String,
    tally: Arc<Mutex<Tally>>,
    thread: thread::JoinHandle<()>,
}

/// What was done.
#[derive(Serialize)]
struct Done {
    /// By which the events are found.
    pid: u32,
    duration_ms: u64,
    kinds: BTreeMap<String, Tally>,
}

impl Workload {
    /// Runs until the time is over, or until interrupted.
    pub fn run(self) -> Result<()> {
        let Self { seconds, rate, mut only, json } = self;
        if only.is_empty() {
            only = Kind::value_variants().to_vec();
        }
        only.sort_unstable();
        only.dedup();
        // Before the threads start, which inherit it.
        let interrupt = Interrupt::block();
        let folder = Folder::make()?;
        let (stop, stopped) = bounded::<Infallible>(0);
        let began = Instant::now();
        let workers: Vec<_> = only
            .into_iter()
            .map(|kind| Worker::start(kind, &folder, rate, stopped.clone()))
            .collect::<Result<_>>()?;
        let end = (seconds > 0).then(|| began.checked_add(Duration::from_secs(seconds))).flatten();
        wait(began, end, &interrupt, &workers);
        drop(stop);
        let mut kinds = BTreeMap::new();
        for Worker { name, tally, thread } in workers {
            ensure!(thread.join().is_ok(), "the thread wl-{name} panicked: this is a bug in weir");
            let tally = std::mem::take(&mut *tally.lock().expect("no panic while locked"));
            kinds.insert(name, tally);
        }
        let duration_ms = began.elapsed().as_millis() as u64;
        Done { pid: std::process::id(), duration_ms, kinds }.print(json)
    }
}

/// Waits for the end or an interrupt, and tells a terminal each second how far things are.
fn wait(began: Instant, end: Option<Instant>, interrupt: &Interrupt, workers: &[Worker]) {
    let terminal = io::stderr().is_terminal();
    loop {
        let now = Instant::now();
        let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(now));
        if left.is_zero() || interrupt.wait(left.min(Duration::from_secs(1))) {
            break;
        }
        if terminal {
            let tallies = workers.iter().map(|worker| worker.tally.lock());
            let (calls, ok) = tallies.fold((0, 0), |sums, tally| {
                let tally = tally.expect("no panic while locked");
                tally.outcomes().fold(sums, |(calls, ok), (_, of_call)| {
                    (calls + of_call.calls, ok + of_call.ok)
                })
            });
            let seconds = began.elapsed().as_secs();
            eprint!("\r{seconds} s: {calls} calls, {} of them failed\x1b[K", calls - ok);
        }
    }
    if terminal {
        eprint!("\r\x1b[K");
    }
}

impl Worker {
    fn start(kind: Kind, folder: &Folder, rate: u32, stop: Receiver<Infallible>) -> Result<Self> {
        let name = kind.name();
        let tally = Arc::new(Mutex::new(Tally::default()));
        let traffic = match kind.open(folder) {
            Ok(traffic) => Some(traffic),
            // A host without IPv6, say, is no reason not to have the other kinds.
            Err(error) => {
                give_up(&name, &tally, &error);
                None
            }
        };
        let thread = thread::Builder::new()
            .name(format!("wl-{name}"))
            .spawn({
                let (name, tally) = (name.clone(), tally.clone());
                move || {
                    if let Some(traffic) = traffic {
                        work(&name, traffic, rate, &stop, &tally);
                    }
                }
            })
            .context("cannot start a thread")?;
        Ok(Self { name, tally, thread })
    }
}

/// Round after round, until told to stop. Rounds that take too long are not made up for.
fn work(
    name: &str,
    mut traffic: Box<dyn Traffic>,
    rate: u32,
    stop: &Receiver<Infallible>,
    tally: &Mutex<Tally>,
) {
    let interval = Duration::from_secs(1) / rate;
    let mut next = Instant::now();
    for round in 0.. {
        let mut more = Tally::default();
        let result = traffic.round(round, &mut more);
        tally.lock().expect("no panic while locked").add(more);
        if let Err(error) = result {
            return give_up(name, tally, &error);
        }
        next = (next + interval).max(Instant::now());
        match stop.recv_deadline(next) {
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn give_up(name: &str, tally: &Mutex<Tally>, error: &io::Error) {
    eprintln!("no traffic of kind {name}: {error}");
    tally.lock().expect("no panic while locked").stopped = Some(error.to_string());
}

impl Done {
    fn print(self, json: bool) -> Result<()> {
        if json {
            println!("{}", serde_json::to_string(&self)?);
        } else {
            println!("{:<12}{:<10}{:>10}{:>10}  errors", "kind", "call", "calls", "ok");
            for (name, tally) in &self.kinds {
                for (call, Outcomes { calls, ok, errors }) in tally.outcomes() {
                    let errors: Vec<_> =
                        errors.iter().map(|(error, count)| format!("{error} {count}")).collect();
                    println!("{name:<12}{call:<10}{calls:>10}{ok:>10}  {}", errors.join(", "));
                }
            }
        }
        let outcomes = self.kinds.values().flat_map(Tally::outcomes);
        let calls: u64 = outcomes.map(|(_, outcomes)| outcomes.calls).sum();
        ensure!(calls > 0, "no kind of traffic could be made on this host: see above");
        Ok(())
    }
}
