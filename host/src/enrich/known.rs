//! What is known of processes, for those who ask by id and do not wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, TryLockError},
};

use serde_json::{Value, json};
use weir_sdk::event::{CALL_SENDMSG, Head};

use super::lookup::Program;
use crate::decode::Batch;

/// Processes that are remembered.
const REMEMBERED: usize = 16_384;

/// What is known, shared with those who ask.
#[derive(Clone, Default)]
pub struct Known(Arc<Mutex<HashMap<u32, Arc<Found>>>>);

/// A copy of what was found of one.
pub struct Found {
    exe: Box<[u8]>,
    parts: Box<[u8]>,
}

impl From<&Program> for Found {
    fn from(program: &Program) -> Self {
        Self { exe: program.exe.clone(), parts: program.parts.clone() }
    }
}

impl Known {
    /// What is known of a process, as a JSON object with names of an event's `process`. Nothing is
    /// looked up for it.
    pub fn process(&self, pid: u32) -> Option<String> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&pid).cloned()?;
        let mut batch = Batch::default();
        let (exe, process) = (batch.append(&found.exe), batch.append(&found.parts));
        batch.push(Head { pid, exe, process, call: CALL_SENDMSG, ..Head::default() });
        let Ok(Value::Object(mut event)) = serde_json::to_value(batch.event(0)) else {
            return None;
        };
        let process = event.remove("process")?;
        let of = |name: &str| process.get(name).cloned().unwrap_or_default();
        let [exe, cmdline, parents, container] = ["exe", "cmdline", "parents", "container"].map(of);
        let known = json!({
            "pid": pid, "exe": exe, "cmdline": cmdline, "parents": parents, "container": container,
        });
        Some(known.to_string())
    }
}

/// The side of the one who knows, and never waits for those who ask.
#[derive(Default)]
pub struct Telling {
    pub to: Known,
    /// What could not be told at once; the last of an id counts.
    later: Vec<(u32, Option<Arc<Found>>)>,
    forget_all: bool,
}

impl Telling {
    /// What was found of a process; nothing if it is another one, or none, by now.
    pub fn tell(&mut self, pid: u32, found: Option<Found>) {
        self.later.push((pid, found.map(Arc::new)));
        self.catch_up();
    }

    /// Nothing that was told holds any more.
    pub fn forget_all(&mut self) {
        self.later.clear();
        self.forget_all = true;
        self.catch_up();
    }

    fn catch_up(&mut self) {
        let mut known = match self.to.0.try_lock() {
            Ok(known) => known,
            Err(TryLockError::Poisoned(known)) => known.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if std::mem::take(&mut self.forget_all) {
            known.clear();
        }
        for (pid, found) in self.later.drain(..) {
            match found {
                Some(found) if known.len() < REMEMBERED || known.contains_key(&pid) => {
                    known.insert(pid, found);
                }
                _ => {
                    known.remove(&pid);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(exe: &str) -> Found {
        Found { exe: exe.as_bytes().into(), parts: Box::default() }
    }

    #[test]
    fn what_is_told_is_known_until_it_is_forgotten() {
        let mut telling = Telling::default();
        let known = telling.to.clone();
        telling.tell(7, Some(found("/bin/a")));
        telling.tell(8, Some(found("/bin/b")));
        let exe = |pid| {
            let json: Value = serde_json::from_str(&known.process(pid)?).unwrap();
            assert_eq!(json["pid"], pid);
            json["exe"].as_str().map(str::to_owned)
        };
        assert_eq!((exe(7).as_deref(), exe(9)), (Some("/bin/a"), None));
        telling.tell(7, None);
        assert_eq!((exe(7), exe(8).as_deref()), (None, Some("/bin/b")));
        telling.forget_all();
        assert_eq!(exe(8), None);
    }

    #[test]
    fn who_asks_is_not_waited_for() {
        let mut telling = Telling::default();
        let known = telling.to.clone();
        let asking = known.0.lock().unwrap();
        telling.tell(7, Some(found("/bin/a")));
        drop(asking);
        assert_eq!(known.process(7), None);
        telling.tell(8, None);
        assert!(known.process(7).is_some());
    }
}
