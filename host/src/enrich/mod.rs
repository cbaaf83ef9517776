//! What the host knows of the calling process beyond the record. A look-up never delays an event
//! and never fails one: what is not known yet is absent, and is looked up for the next.

mod cgroup;
mod process;

use std::{collections::HashMap, sync::Arc, thread};

use crossbeam_channel::{Receiver, Sender, bounded};
use weir_sdk::event::{COMM_BYTES, GROUP_START, STATUS_OK, Span};

use crate::decode::Batch;

/// Look-ups that wait. Beyond that the event stays as it is, and the next one asks again.
const QUEUE: usize = 1024;
/// Processes and cgroups that are remembered; at that number all are forgotten.
const REMEMBERED: usize = 16_384;

/// What is looked up.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// A process by its id, when it started, because ids are used again, and its name, which
    /// changes when it executes another program.
    Process { pid: u32, start_ns: u64, comm: [u8; COMM_BYTES] },
    /// A cgroup by its id.
    Cgroup(u64),
}

/// The reader's side: what is known, and where to ask.
pub struct Enrich {
    /// `None` while the answer is awaited.
    known: HashMap<Key, Option<Arc<[u8]>>>,
    ask: Sender<Key>,
    answers: Receiver<(Key, Option<Arc<[u8]>>)>,
}

impl Enrich {
    /// Starts the thread that looks things up. The thread runs `prepare` first.
    pub fn start(prepare: impl FnOnce() + Send + 'static) -> Self {
        let (ask, asked) = bounded(QUEUE);
        // As many as are asked for, and one in hand: the thread never waits for the reader.
        let (answer, answers) = bounded(QUEUE + REMEMBERED);
        thread::Builder::new()
            .name("weir-enrich".to_owned())
            .spawn(move || {
                prepare();
                let mut cgroups = cgroup::Cgroups::default();
                for key in asked {
                    let found = match key {
                        Key::Process { pid, start_ns, .. } => process::exe(pid, start_ns),
                        Key::Cgroup(id) => cgroups.path(id),
                    };
                    if answer.send((key, found.map(Arc::from))).is_err() {
                        return;
                    }
                }
            })
            .expect("the system can start a thread");
        Self { known: HashMap::new(), ask, answers }
    }

    /// Adds to each event of the batch what is known of its process. Events of one process in a
    /// row share a look-up and a place in the heap.
    pub fn enrich(&mut self, batch: &mut Batch) {
        for (key, found) in self.answers.try_iter() {
            match found {
                Some(found) => self.known.insert(key, Some(found)),
                // Asked again with the next event: a cgroup may be too new for the last walk.
                None => self.known.remove(&key),
            };
        }
        let mut exe = (None, Span::default());
        let mut cgroup = (None, Span::default());
        for index in 0..batch.heads.len() {
            let head = &batch.heads[index];
            let process = (head.status[GROUP_START] == STATUS_OK).then_some(Key::Process {
                pid: head.pid,
                start_ns: head.start_ns,
                comm: head.comm,
            });
            let in_cgroup = Some(Key::Cgroup(head.cgroup_id));
            if exe.0 != process {
                exe = (process, self.append(process, batch));
            }
            if cgroup.0 != in_cgroup {
                cgroup = (in_cgroup, self.append(in_cgroup, batch));
            }
            (batch.heads[index].exe, batch.heads[index].cgroup) = (exe.1, cgroup.1);
        }
    }

    fn append(&mut self, key: Option<Key>, batch: &mut Batch) -> Span {
        let Some(key) = key else { return Span::default() };
        match self.known.get(&key) {
            Some(Some(found)) => batch.append(found),
            Some(None) => Span::default(),
            None => {
                if self.known.len() >= REMEMBERED {
                    self.known.clear();
                }
                if self.ask.try_send(key).is_ok() {
                    self.known.insert(key, None);
                }
                Span::default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use weir_sdk::event::Head;

    use super::*;

    #[test]
    fn knows_this_process_a_little_later() {
        let mut enrich = Enrich::start(|| {});
        let start_ns = process::start_ticks(std::process::id()).unwrap() * process::tick_ns();
        let mut head = Head { pid: std::process::id(), start_ns, ..Head::default() };
        head.status[GROUP_START] = STATUS_OK;
        let deadline = Instant::now() + Duration::from_secs(5);
        let exe = loop {
            let mut batch = Batch { heads: vec![head, head], ..Batch::default() };
            enrich.enrich(&mut batch);
            assert_eq!(batch.heads[0].exe, batch.heads[1].exe);
            let exe = batch.part(batch.heads[0].exe).to_vec();
            if !exe.is_empty() || Instant::now() > deadline {
                break exe;
            }
            thread::sleep(Duration::from_millis(1));
        };
        let own = std::env::current_exe().unwrap();
        assert_eq!(String::from_utf8(exe).unwrap(), own.to_str().unwrap());
    }

    #[test]
    fn what_is_not_found_is_asked_for_again() {
        let mut enrich = Enrich::start(|| {});
        let head = Head { cgroup_id: u64::MAX, ..Head::default() };
        let key = Key::Cgroup(u64::MAX);
        enrich.enrich(&mut Batch { heads: vec![head], ..Batch::default() });
        assert!(enrich.known.contains_key(&key), "it is asked for");
        let deadline = Instant::now() + Duration::from_secs(5);
        while enrich.answers.is_empty() {
            assert!(Instant::now() < deadline, "no answer");
            thread::sleep(Duration::from_millis(1));
        }
        enrich.enrich(&mut Batch::default());
        assert!(!enrich.known.contains_key(&key), "it may be asked for again");
    }

    #[test]
    fn another_process_under_the_same_id_is_not_taken_for_it() {
        let start_ns = process::start_ticks(std::process::id()).unwrap() * process::tick_ns();
        assert!(process::exe(std::process::id(), start_ns).is_some());
        assert_eq!(process::exe(std::process::id(), start_ns - process::tick_ns()), None);
        assert_eq!(process::exe(u32::MAX, start_ns), None);
    }
}
