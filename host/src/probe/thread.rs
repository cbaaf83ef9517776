//! The thread that owns the programs: it alone may attach and detach while the host runs.

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};

use aya::maps::{Array, Map, MapData, RingBuf};
use weir_ebpf::{control, want};
use weir_sdk::event::{CALL_NAMES, CALL_SENDMSG, PAYLOAD_BYTES};

use super::{
    Backend, Choice, Error, Kernel, Request, Ring, Tried,
    attach::Programs,
    cause,
    counters::Retired,
    load::{self, again, config, greet, greeting},
    plan::{Step, bit, plan},
};

/// How to set up the kernel side.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Which backend.
    pub backend: Request,
    /// Size of the ring buffer in bytes; rounded up to a power of two of at least one page.
    pub ring_bytes: u32,
}

/// The attached programs. Dropping it detaches them.
pub struct Probe {
    /// Counters and program state, to share.
    pub kernel: Arc<Kernel>,
    /// Which backend is in use, and why.
    pub choice: Choice,
    want: Want,
    thread: JoinHandle<()>,
}

/// What is asked of the kernel side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// A set of calls: bit `n` stands for the call with the number `n` (`CALL_*`).
    pub calls: u16,
    /// Bytes of payload, 0 to [`PAYLOAD_BYTES`].
    pub payload: u32,
    /// What of the calls is sent: what fits one of these, at most [`want::WANTS`]; all if there are
    /// none.
    pub wants: Vec<want::Want>,
}

/// `Want` as aya takes it.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct WantValue(want::Want);
// SAFETY: `Want` is integers only, `repr(C)`, without padding.
unsafe impl aya::Pod for WantValue {}

/// What is asked, `None` for the end, and where the answer goes.
type Question = (Option<Wants>, Sender<Result<(), Error>>);

/// Asks the thread that owns the programs.
#[derive(Clone)]
pub struct Want(Sender<Question>);

impl Want {
    /// Attaches what is wanted and not attached, detaches the rest, and returns when it is done.
    pub fn want(&self, wants: Wants) -> Result<(), Error> {
        self.ask(Some(wants))
    }

    fn ask(&self, wants: Option<Wants>) -> Result<(), Error> {
        let (answer, answered) = channel();
        // Without a thread the programs are detached, and nothing is to be done.
        if self.0.send((wants, answer)).is_err() {
            return Ok(());
        }
        answered.recv().unwrap_or(Ok(()))
    }
}

impl Probe {
    /// Loads and attaches on a thread of its own, which then runs `settle` to give up what it does
    /// not need. The ring is returned apart: it goes to the reader's thread.
    pub fn attach(
        options: Options,
        settle: impl FnOnce() + Send + 'static,
    ) -> Result<(Self, Ring), Error> {
        load::present()?;
        let (ready, made) = channel();
        let (ask, asked) = channel();
        let thread = thread::Builder::new()
            .name("weir-probe".to_owned())
            .spawn(move || match start(options) {
                Ok((mut owner, kernel, choice, ring)) => {
                    settle();
                    // An error means that nobody waits any more.
                    _ = ready.send(Ok((kernel, choice, ring)));
                    owner.serve(&asked);
                }
                Err(error) => _ = ready.send(Err(error)),
            })
            .map_err(Error::Thread)?;
        let (kernel, choice, ring) = made.recv().map_err(|_| Error::NoPrograms)??;
        Ok((Self { kernel, choice, want: Want(ask), thread }, ring))
    }

    /// A handle with which to ask for calls and payload.
    pub fn want(&self) -> Want {
        self.want.clone()
    }

    /// Detaches. What is in the ring buffer stays there to be read.
    pub fn detach(self) {
        let Self { kernel, choice: _, want, thread } = self;
        kernel.release();
        if let Err(error) = want.ask(None) {
            tracing::warn!("{error}");
        }
        // It has nothing more to do, and a panic there is told of by itself.
        _ = thread.join();
    }
}

/// What the thread owns.
struct Owner {
    programs: Programs,
    control: Array<MapData, u32>,
    wanted: Array<MapData, WantValue>,
    kernel: Arc<Kernel>,
    backend: Backend,
}

impl Owner {
    fn serve(&mut self, asked: &Receiver<Question>) {
        for (wants, answer) in asked {
            let last = wants.is_none();
            // Whoever asked may not wait.
            _ = answer.send(match wants {
                Some(wants) => self.follow(wants),
                None => self.attach(&[]).map_err(|(_, error)| error),
            });
            if last {
                return;
            }
        }
    }

    fn follow(&mut self, wants: Wants) -> Result<(), Error> {
        self.tell(control::PAYLOAD, wants.payload.min(PAYLOAD_BYTES as u32))?;
        // While they are written all is sent.
        self.tell(control::WANTS, 0)?;
        for (index, want) in (0..want::WANTS).zip(&wants.wants) {
            self.wanted
                .set(index, WantValue(*want), 0)
                .map_err(|error| Error::MapAccess { name: "WANTED", reason: cause(&error) })?;
        }
        self.tell(control::WANTS, (wants.wants.len() as u32).min(want::WANTS))?;
        let mut calls = wants.calls;
        let mut refused = Vec::new();
        while let Err((step, error)) = self.attach(&plan(self.backend, calls)) {
            // Those that need the step are not traced; the others are.
            let need = |&call: &u16| {
                calls & bit(call) != 0 && plan(self.backend, bit(call)).contains(&step)
            };
            let without: Vec<u16> = (1..=CALL_NAMES.len() as u16).filter(need).collect();
            if without.is_empty() {
                return Err(error);
            }
            calls = without.iter().fold(calls, |calls, &call| calls & !bit(call));
            let names = without.iter().map(|&call| CALL_NAMES[usize::from(call) - 1]);
            refused.push(format!("{} ({error})", names.collect::<Vec<_>>().join(", ")));
        }
        if refused.is_empty() { Ok(()) } else { Err(Error::NotTraced(refused.join("; "))) }
    }

    fn tell(&mut self, index: u32, value: u32) -> Result<(), Error> {
        self.control
            .set(index, value, 0)
            .map_err(|error| Error::MapAccess { name: "CONTROL", reason: cause(&error) })
    }

    /// Attaches these, and detaches all others.
    fn attach(&mut self, plan: &[Step]) -> Result<(), (Step, Error)> {
        self.kernel.change(|state| self.programs.follow(plan, state))
    }
}

type Started = (Owner, Arc<Kernel>, Choice, Ring);

/// Tries the backends in turn until one sees the host's own greeting.
fn start(options: Options) -> Result<Started, Error> {
    let greeting = greeting();
    let (config, missing) = config(greeting);
    for missing in &missing {
        tracing::warn!("{missing}: what depends on it is not seen");
    }
    let mut tried = Vec::new();
    for &backend in options.backend.candidates() {
        if let Some(reason) = backend.lacks() {
            tried.push(Tried { name: backend, works: false, reason });
            continue;
        }
        let mut programs = Programs::new(load::load(&config, options.ring_bytes)?)?;
        let mut attached = Vec::new();
        match programs.follow(&plan(backend, bit(CALL_SENDMSG)), &mut attached) {
            Ok(()) => {
                let reason = format!("attached {}", backend.entry());
                tried.push(Tried { name: backend, works: true, reason });
                let choice = choice(options.backend, backend, tried, missing);
                let Some(Map::Array(control)) = programs.take_map("CONTROL") else {
                    return Err(Error::Map("CONTROL"));
                };
                let own = Array::try_from(Map::Array(again(&control)?))
                    .map_err(|_| Error::Map("CONTROL"))?;
                let control =
                    Array::try_from(Map::Array(control)).map_err(|_| Error::Map("CONTROL"))?;
                greet(&own, greeting)?;
                let records =
                    programs.take_map("RECORDS").and_then(|map| RingBuf::try_from(map).ok());
                let counters = programs.take_map("COUNTERS").and_then(|map| map.try_into().ok());
                let in_flight = programs.take_map("IN_FLIGHT").and_then(|map| map.try_into().ok());
                let kernel = Arc::new(Kernel {
                    counters: counters.ok_or(Error::Map("COUNTERS"))?,
                    in_flight: in_flight.ok_or(Error::Map("IN_FLIGHT"))?,
                    programs: Mutex::new(attached),
                    retired: Mutex::new(Retired::default()),
                });
                let ring = Ring::new(records.ok_or(Error::Map("RECORDS"))?, control);
                let wanted = programs.take_map("WANTED").and_then(|map| map.try_into().ok());
                let wanted = wanted.ok_or(Error::Map("WANTED"))?;
                let shared = kernel.clone();
                let owner = Owner { programs, control: own, wanted, kernel: shared, backend };
                return Ok((owner, kernel, choice, ring));
            }
            Err((_, error @ Error::Privilege { .. })) => return Err(error),
            Err((_, error)) => {
                tried.push(Tried { name: backend, works: false, reason: error.to_string() });
            }
        }
    }
    let reasons: Vec<_> = tried.into_iter().map(|tried| tried.reason).collect();
    Err(Error::NoBackend(reasons.join("; ")))
}

fn choice(requested: Request, name: Backend, tried: Vec<Tried>, missing: Vec<String>) -> Choice {
    let why = match tried.split_last() {
        _ if requested != Request::Auto => format!("asked for with --backend {}", name.name()),
        Some((_, [])) => "the first choice, and it works on this kernel".to_owned(),
        Some((_, failed)) => {
            let reasons: Vec<_> = failed.iter().map(|tried| tried.reason.as_str()).collect();
            format!("the next best that works on this kernel: {}", reasons.join("; "))
        }
        None => unreachable!("a backend that was tried"),
    };
    let cannot_see = name.cannot_see().into_iter().map(str::to_owned).chain(missing).collect();
    Choice { name, requested, why, cannot_see, tried }
}
