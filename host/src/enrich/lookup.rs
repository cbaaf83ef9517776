//! The thread that looks things up: what takes time is done here, and nobody waits for it.

use std::thread;

use crossbeam_channel::{Receiver, Sender};

use super::{
    cgroup::{Cgroups, Membership},
    clock::now_ns,
    container::container,
    process::Process,
    user::{Names, Users},
};

/// What is looked up.
#[derive(Clone, Copy, Debug)]
pub enum Ask {
    /// A process.
    Process {
        /// Its id.
        pid: u32,
        /// When it started, in clock ticks since boot; not known of one that executed a program.
        start: Option<u64>,
        /// Returned with the answer.
        generation: u64,
    },
    /// A cgroup.
    Cgroup {
        /// Its id.
        id: u64,
        /// A process that was in it.
        pid: u32,
    },
    /// Users that were added meanwhile.
    Users,
}

/// What was found.
#[derive(Debug)]
pub enum Answer {
    /// Of a process.
    Process {
        /// Its id.
        pid: u32,
        /// As asked.
        generation: u64,
        /// What was found; nothing when it has exited.
        found: Option<Program>,
        /// From when to when was looked: nanoseconds since the Unix epoch.
        looked_ns: (u64, u64),
        /// Its cgroup by id, since that was seen as well.
        cgroup: Option<(u64, Cgroup)>,
    },
    /// Of a cgroup.
    Cgroup {
        /// Its id.
        id: u64,
        /// What was found; nothing when it has gone.
        found: Option<Cgroup>,
        /// Until when was looked: nanoseconds since the Unix epoch.
        looked_ns: u64,
    },
    /// The names of all users.
    Users(Names),
}

/// A process that runs a program.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// When the process started: clock ticks since boot.
    pub start: u64,
    /// Path of the executable.
    pub exe: Box<[u8]>,
    /// Parts of [`weir_sdk::event::Head::process`].
    pub parts: Box<[u8]>,
}

/// A cgroup.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cgroup {
    /// Path in the v2 hierarchy.
    pub path: Box<[u8]>,
    /// Parts of [`weir_sdk::event::Head::process`]: the container.
    pub parts: Box<[u8]>,
}

impl Cgroup {
    fn new(path: Vec<u8>) -> Self {
        let mut parts = Vec::new();
        if let Some(container) = container(&path) {
            container.encode(&mut parts);
        }
        Self { path: path.into(), parts: parts.into() }
    }
}

/// Starts the thread, which runs `prepare` first and ends with the one who asks.
pub fn start(
    prepare: impl FnOnce() + Send + 'static,
    asked: Receiver<Ask>,
    answers: Sender<Answer>,
) {
    thread::Builder::new()
        .name("weir-enrich".to_owned())
        .spawn(move || {
            prepare();
            run(&asked, &answers);
        })
        .expect("the system can start a thread");
}

/// Runs until nobody asks, or nobody listens.
fn run(asked: &Receiver<Ask>, answers: &Sender<Answer>) {
    let mut cgroups = Cgroups::new();
    let mut users = Users::new("/etc/passwd");
    let mut next = Some(Ask::Users);
    while let Some(ask) = next {
        if let Some(names) = users.changed()
            && answers.send(Answer::Users(names)).is_err()
        {
            return;
        }
        let answer = match ask {
            Ask::Process { pid, start, generation } => {
                Some(process(pid, start, generation, &cgroups))
            }
            Ask::Cgroup { id, pid } => {
                let found = cgroups.path(id, pid).map(Cgroup::new);
                Some(Answer::Cgroup { id, found, looked_ns: now_ns() })
            }
            Ask::Users => None,
        };
        if answer.is_some_and(|answer| answers.send(answer).is_err()) {
            return;
        }
        next = asked.recv().ok();
    }
}

fn process(pid: u32, start: Option<u64>, generation: u64, cgroups: &Cgroups) -> Answer {
    let from_ns = now_ns();
    // Read first, so that the look at the process afterwards vouches for it.
    let member = Membership::read(pid).unwrap_or_default();
    let found = Process::read(pid, start).map(|process| {
        let mut parts = Vec::new();
        if let Some(container) = &member.v1_container {
            container.encode(&mut parts);
        }
        process.encode(&mut parts);
        Program { start: process.start, exe: process.exe.into(), parts: parts.into() }
    });
    // Whoever is in it: this is the id of that path.
    let cgroup = member.v2.and_then(|path| cgroups.at(path));
    let cgroup = cgroup.map(|(id, path)| (id, Cgroup::new(path)));
    Answer::Process { pid, generation, found, looked_ns: (from_ns, now_ns()), cgroup }
}
