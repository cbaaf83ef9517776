//! What the host knows of the calling process beyond the record. A look-up never delays an event
//! and never fails one: what is not known yet is absent, and is looked up for the next.

mod asker;
mod cgroup;
mod clock;
mod container;
mod groups;
mod known;
mod lookup;
mod parts;
mod process;
mod processes;
mod user;

#[cfg(test)]
mod tests;

use std::sync::{Arc, atomic::AtomicU64};

use crossbeam_channel::{Receiver, Sender, bounded};
use weir_sdk::event::{GROUP_START, Head, PROCESS_STARTED, STATUS_OK, Span};

use crate::decode::Batch;
use asker::{Asker, QUEUE};
use groups::Groups;
use lookup::{Answer, Ask};
use processes::{Caller, Placed, Processes};

pub use container::{Container, container};
pub use known::Known;

/// Least time between two looks for a new user, in nanoseconds.
const USERS_NS: u64 = 1_000_000_000;

/// The reader's side: what is known, and where to ask.
pub struct Enrich {
    processes: Processes,
    groups: Groups,
    users: user::Names,
    /// When an unknown user was asked for: nanoseconds since the Unix epoch.
    users_asked_ns: u64,
    asker: Asker,
    answers: Receiver<Answer>,
    telling: known::Telling,
    boot: clock::Boot,
    tick_ns: u64,
    /// Number of the batch being filled, from 1.
    batch: u64,
}

/// Calls in a row that have the same parts.
struct Run {
    pid: u32,
    start_ns: Option<u64>,
    uid: u32,
    cgroup_id: u64,
    /// From the first to before the second: nanoseconds since the Unix epoch.
    span_ns: (u64, u64),
    exe: Span,
    cgroup: Span,
    process: Span,
}

impl Run {
    fn has(&self, head: &Head) -> bool {
        self.pid == head.pid
            && self.start_ns == start_ns(head)
            && self.uid == head.uid
            && self.cgroup_id == head.cgroup_id
            && (self.span_ns.0..self.span_ns.1).contains(&head.time_ns)
    }
}

impl Enrich {
    /// Starts the thread that looks things up. The thread runs `prepare` first.
    pub fn start(prepare: impl FnOnce() + Send + 'static) -> Self {
        let (ask, asked) = bounded(QUEUE);
        let (answer, answers) = bounded(QUEUE);
        lookup::start(prepare, asked, answer);
        Self::new(ask, answers)
    }

    fn new(ask: Sender<Ask>, answers: Receiver<Answer>) -> Self {
        Self {
            processes: Processes::default(),
            groups: Groups::default(),
            users: user::Names::new(),
            users_asked_ns: 0,
            asker: Asker { queue: ask, refused: Arc::default() },
            answers,
            telling: known::Telling::default(),
            boot: clock::Boot::new(),
            tick_ns: process::tick_ns(),
            batch: 1,
        }
    }

    /// Look-ups that were not made because too many waited. What they were for is absent, and the
    /// next event asks again.
    pub fn refused(&self) -> Arc<AtomicU64> {
        self.asker.refused.clone()
    }

    /// What is known of processes, for others to ask.
    pub fn known(&self) -> Known {
        self.telling.to.clone()
    }

    /// A process (thread group) executed a program: what was known of it holds for calls before
    /// that, and it is looked up at once, so that its first call finds it known.
    ///
    /// `at_ns` is when: nanoseconds since the Unix epoch, by the clock of
    /// [`weir_sdk::event::Head::time_ns`]; 0 when that is not known, and then earlier calls that
    /// are still on their way are taken for calls of the new program.
    pub fn executed(&mut self, pid: u32, at_ns: u64) {
        self.take_answers();
        self.telling.tell(pid, None);
        self.processes.executed(pid, at_ns, &self.asker);
    }

    /// A process (its last thread) exited: it is forgotten after the batch being filled and the
    /// next, but not before a call has come in that returned after `at_ns`, nanoseconds since the
    /// Unix epoch; 0 when that is not known.
    pub fn exited(&mut self, pid: u32, at_ns: u64) {
        self.take_answers();
        self.telling.tell(pid, None);
        self.processes.exited(pid, at_ns, self.batch);
    }

    /// Some executions and exits were not seen: what is known of processes may be wrong.
    pub fn missed(&mut self) {
        self.telling.forget_all();
        self.processes.clear();
    }

    /// Adds to each event of the batch what is known of its process. Events of one process share
    /// a look-up and a place in the heap.
    pub fn enrich(&mut self, batch: &mut Batch) {
        self.take_answers();
        self.boot.follow();
        let mut run: Option<Run> = None;
        let mut returned_ns = 0;
        for index in 0..batch.heads.len() {
            let run = match &run {
                Some(run) if run.has(&batch.heads[index]) => run,
                _ => run.insert(self.run(index, batch)),
            };
            let head = &mut batch.heads[index];
            (head.exe, head.cgroup, head.process) = (run.exe, run.cgroup, run.process);
            returned_ns = returned_ns.max(head.time_ns.saturating_add(head.duration_ns));
        }
        self.processes.forget_exited(self.batch, returned_ns);
        self.batch += 1;
    }

    fn take_answers(&mut self) {
        for answer in self.answers.try_iter() {
            match answer {
                Answer::Process { pid, generation, found, looked_ns, cgroup } => {
                    let copy = found.as_ref().map(known::Found::from);
                    if self.processes.answer(pid, generation, found, looked_ns) {
                        self.telling.tell(pid, copy);
                    }
                    if let Some((id, cgroup)) = cgroup {
                        self.groups.answer(id, Some(cgroup), looked_ns.1);
                    }
                }
                Answer::Cgroup { id, found, looked_ns } => {
                    self.groups.answer(id, found, looked_ns);
                }
                Answer::Users(names) => self.users = names,
            }
        }
    }

    /// Looks up the caller at this index, and puts what is known into the heap unless the batch
    /// has it already.
    fn run(&mut self, index: usize, batch: &mut Batch) -> Run {
        let Head { pid, uid, cgroup_id, time_ns, .. } = batch.heads[index];
        let start_ns = start_ns(&batch.heads[index]);
        let start = start_ns.map(|start_ns| start_ns / self.tick_ns);
        let caller = Caller { pid, start, time_ns };
        let cgroup = self.cgroup(cgroup_id, &caller, batch);
        let user = self.users.get(&uid).map(|user| &**user);
        if user.is_none() && time_ns.saturating_sub(self.users_asked_ns) >= USERS_NS {
            self.users_asked_ns = time_ns;
            self.asker.ask(Ask::Users);
        }
        let (image, span_ns) = self.processes.image(&caller, self.batch, &self.asker);
        let (exe, process) = (Span::default(), Span::default());
        let mut run = Run { pid, start_ns, uid, cgroup_id, span_ns, exe, cgroup, process };
        let of = (self.batch, uid, cgroup_id);
        if let Some(image) = &image
            && image.placed.of == of
        {
            (run.exe, run.process) = (image.placed.exe, image.placed.process);
            return run;
        }
        let program = image.as_ref().and_then(|image| image.known.found());
        run.exe = batch.append(program.map_or(&[], |program| &program.exe));
        let from = batch.heap.len();
        if let Some(start_ns) = start_ns {
            let started_ns = self.boot.unix_ns(start_ns);
            parts::push(&mut batch.heap, PROCESS_STARTED, &started_ns.to_le_bytes());
        }
        batch.heap.extend_from_slice(user.unwrap_or_default());
        let container = self.groups.get(cgroup_id).map(|group| &*group.parts);
        batch.heap.extend_from_slice(container.unwrap_or_default());
        batch.heap.extend_from_slice(program.map_or(&[], |program| &program.parts));
        let len = (batch.heap.len() - from) as u32;
        if len != 0 {
            run.process = Span { offset: from as u32, len };
        }
        if let Some(image) = image {
            image.placed = Placed { of, exe: run.exe, process: run.process };
        }
        run
    }

    fn cgroup(&mut self, id: u64, caller: &Caller, batch: &mut Batch) -> Span {
        let group = self.groups.group(id, caller, self.batch, &self.asker);
        if group.placed.0 != self.batch {
            let path = group.known.found().map_or(&[][..], |group| &group.path);
            group.placed = (self.batch, batch.append(path));
        }
        group.placed.1
    }
}

/// When the calling process started: nanoseconds since boot.
fn start_ns(head: &Head) -> Option<u64> {
    (head.status[GROUP_START] == STATUS_OK).then_some(head.start_ns)
}
