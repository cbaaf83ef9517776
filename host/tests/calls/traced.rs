//! Calls of one thread in a row, each with what its event must say. A thread's events come in the
//! order of its calls, so they are compared one by one, and none may be missing or too many.

use std::{
    collections::BTreeSet,
    fs, io,
    ops::Range,
    os::{fd::AsRawFd, unix::fs::MetadataExt},
    path::PathBuf,
    sync::atomic::{AtomicI32, Ordering::Relaxed},
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::{Message, error_name, sendmsg, tid};
use crate::live::{Weir, wait_for};

/// Descriptors of the calls of [`settle`].
const LAST: Range<i32> = -2_000_000..-1_000_000;

/// Waits until the events of all calls that have returned are there: makes one more, and waits for
/// its event.
pub fn settle(weir: &Weir) {
    let newest = weir.newest("own");
    let (pid, fd) = (std::process::id(), mark());
    wait_for("event of the last call", || {
        let last = |event: &Value| event["fd"] == fd && event["process"]["pid"] == pid;
        weir.has_event_behind("own", newest, last).then_some(())
    });
}

/// Makes a call with a descriptor that no other call has, and returns that.
fn mark() -> i32 {
    static CALLS: AtomicI32 = AtomicI32::new(0);
    let fd = LAST.start + CALLS.fetch_add(1, Relaxed);
    sendmsg(fd, std::ptr::null(), 0).unwrap_err();
    fd
}

/// Events that come from here on: threads' numbers come again.
pub struct Since(i32);

impl Since {
    /// From now on.
    pub fn now() -> Self {
        Self(mark())
    }

    /// All events of the pipeline `own`, oldest first.
    pub fn all(&self, weir: &Weir) -> Vec<Value> {
        settle(weir);
        weir.events_behind("own", |event| event["fd"] == self.0)
    }

    /// The events of this process's calls, without those of [`settle`], oldest first.
    pub fn events(&self, weir: &Weir) -> Vec<Value> {
        let mut events = self.all(weir);
        let pid = std::process::id();
        events.retain(|event| event["process"]["pid"] == pid && is_no_mark(event));
        events
    }
}

/// The events of this process's calls, without those of [`settle`], oldest first.
pub fn own_events(weir: &Weir) -> Vec<Value> {
    weir.events("own", |event| event["process"]["pid"] == std::process::id() && is_no_mark(event))
}

fn is_no_mark(event: &Value) -> bool {
    !LAST.contains(&(event["fd"].as_i64().unwrap() as i32))
}

/// The calls that a thread made.
pub struct Calls {
    tid: u32,
    since: Since,
    made: Vec<Made>,
}

struct Made {
    expected: Value,
    took: Duration,
}

impl Calls {
    /// Of the calling thread.
    pub fn new() -> Self {
        Self { tid: tid(), since: Since::now(), made: Vec::new() }
    }

    /// Sends a message. What the event must say beyond what goes for every call is in `says`.
    pub fn send(
        &mut self,
        socket: &impl AsRawFd,
        message: &Message,
        flags: i32,
        says: Value,
    ) -> io::Result<usize> {
        self.call(socket.as_raw_fd(), message.ptr(), flags, says)
    }

    /// Makes a call with any arguments.
    pub fn call(
        &mut self,
        fd: i32,
        header: *const libc::msghdr,
        flags: i32,
        mut says: Value,
    ) -> io::Result<usize> {
        let mut expected = json!({ "flags": [], "msg": { "ptr": format!("{header:p}") } });
        merge(&mut expected, says.take());
        self.make("sendmsg", fd, expected, || sendmsg(fd, header, flags))
    }

    /// Makes any call, of which there is one event.
    pub fn make(
        &mut self,
        name: &str,
        fd: i32,
        says: Value,
        call: impl FnOnce() -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.make_several(name, fd, vec![says], call)
    }

    /// Makes any call, and says what its events must say, one after the other. Each says what the
    /// call returns, unless it is said otherwise.
    pub fn make_several(
        &mut self,
        name: &str,
        fd: i32,
        says: Vec<Value>,
        call: impl FnOnce() -> io::Result<usize>,
    ) -> io::Result<usize> {
        // SAFETY: the calls have no precondition.
        let (ppid, uid, gid) = unsafe { (libc::getppid(), libc::getuid(), libc::getgid()) };
        let comm = fs::read_to_string("/proc/thread-self/comm").unwrap();
        let began = Instant::now();
        let result = call();
        let took = began.elapsed();
        let (ret, error) = match &result {
            Ok(sent) => (*sent as i64, None),
            Err(error) => (-1, Some(error_name(error.raw_os_error().unwrap()))),
        };
        let mut all = json!({
            "call": name, "fd": fd, "compat": false, "ret": ret, "error": error,
            "process": {
                "pid": std::process::id(), "tid": self.tid, "ppid": ppid, "uid": uid, "gid": gid,
                "comm": comm.trim_end_matches('\n'), "cgroup_id": own_cgroup(), "netns": netns(),
            },
        });
        if all["process"]["cgroup_id"].is_null() {
            eprintln!("skipped: cgroup_id: no cgroup v2 hierarchy to compare it with");
            all["process"].as_object_mut().unwrap().remove("cgroup_id");
        }
        for says in says {
            let mut expected = all.clone();
            merge(&mut expected, says);
            self.made.push(Made { expected, took });
        }
        result
    }

    /// Says that the last call was interrupted and made again by the kernel, and what the event of
    /// the interrupted one must say.
    pub fn was_restarted(&mut self, says: Value) {
        let Made { expected, took } = self.made.last().unwrap();
        let mut interrupted = Made { expected: expected.clone(), took: *took };
        merge(&mut interrupted.expected, says);
        self.made.insert(self.made.len() - 1, interrupted);
    }

    /// Asserts that weir saw exactly these calls of this thread, among those of the same names.
    /// Returns their events.
    pub fn check(self, weir: &Weir) -> Vec<Value> {
        let Self { tid, since, made } = self;
        let names: BTreeSet<_> =
            made.iter().map(|made| made.expected["call"].as_str().unwrap()).collect();
        let mut events = since.events(weir);
        events.retain(|event| {
            event["process"]["tid"] == tid && names.contains(event["call"].as_str().unwrap())
        });
        for (Made { expected, took }, event) in made.iter().zip(&events) {
            assert_says(event, expected);
            let duration_ns = u128::from(event["duration_ns"].as_u64().unwrap());
            assert!(duration_ns <= took.as_nanos(), "{duration_ns} ns within {took:?}: {event:#}");
        }
        assert_eq!(events.len(), made.len(), "{} calls, {} events", made.len(), events.len());
        events
    }
}

/// Asserts that an event says all that is expected. It may say more.
pub fn assert_says(event: &Value, expected: &Value) {
    fn differs(path: &str, says: &Value, expected: &Value) -> Option<String> {
        let Value::Object(parts) = expected else {
            return (says != expected).then(|| format!("{path} is {says}, not {expected}"));
        };
        parts.iter().find_map(|(name, expected)| {
            differs(
                &format!("{path}/{name}"),
                says.get(name).unwrap_or(&json!("left out")),
                expected,
            )
        })
    }
    if let Some(difference) = differs("", event, expected) {
        panic!("{difference}\nexpected: {expected}\nevent: {event}");
    }
}

/// Puts what `more` says in the place of, or beside, what is there. The member `status` stands
/// for the status of fields.
fn merge(value: &mut Value, mut more: Value) {
    fn put(value: &mut Value, more: Value) {
        match (value, more) {
            (Value::Object(value), Value::Object(more)) => {
                for (name, more) in more {
                    put(value.entry(name).or_insert(Value::Null), more);
                }
            }
            (value, more) => *value = more,
        }
    }
    if let Some(Value::Object(statuses)) =
        more.as_object_mut().and_then(|more| more.remove("status"))
    {
        let fields: Map<_, _> = statuses
            .into_iter()
            .map(|(field, status)| (field, json!({ "status": status })))
            .collect();
        put(value, json!({ "fields": fields }));
    }
    put(value, more);
}

/// Inode of this process's network namespace.
fn netns() -> u64 {
    fs::metadata("/proc/self/ns/net").unwrap().ino()
}

/// Id of this process's cgroup: the inode of its folder in the v2 hierarchy.
fn own_cgroup() -> Option<u64> {
    let cgroups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = cgroups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mount = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let at = fields.next()?;
        (fields.next()? == "cgroup2").then(|| PathBuf::from(at))
    })?;
    Some(fs::metadata(mount.join(path)).ok()?.ino())
}
