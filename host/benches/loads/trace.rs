//! Behind whom the event path waits for a processor: from the scheduler's tracepoints (sched_switch, sched_wakeup,
//! sched_wakeup_new, sched_stat_runtime; Documentation/trace/events.rst), in an instance of tracefs of its own.
//! Nothing reads it while the benchmark runs: a reader would be one more that wants a processor.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt, fs,
    io::{self, BufRead, BufReader},
    path::PathBuf,
    time::Duration,
};

const TRACEFS: &str = "/sys/kernel/tracing";
/// The buffer is that of each processor, and keeps some 300,000 entries.
const SETTINGS: [(&str, &str); 7] = [
    // One clock for all processors.
    ("trace_clock", "mono"),
    ("buffer_size_kb", "16384"),
    ("events/sched/sched_switch/enable", "1"),
    ("events/sched/sched_wakeup/enable", "1"),
    ("events/sched/sched_wakeup_new/enable", "1"),
    ("events/sched/sched_stat_runtime/enable", "1"),
    ("tracing_on", "1"),
];

/// A trace of the scheduler, until it is dropped.
pub struct Trace {
    folder: PathBuf,
    watched: Vec<String>,
    blamed: Vec<String>,
}

/// How often watched threads waited for a processor longer than a limit.
#[derive(Debug, Default)]
pub struct Waits {
    limit: Duration,
    /// Waits of which blamed threads took more than the limit.
    pub behind: usize,
    /// The most that blamed threads took of one wait.
    pub longest_behind: Duration,
    pub others: usize,
    /// Who took most of each of the others, the most frequent first.
    pub other_names: Vec<(String, usize)>,
    /// Entries that were overwritten, or that are not understood.
    pub lost: u64,
}

impl Trace {
    /// Starts to trace. `watched` are comms of the event path's threads, `blamed` comms of those whose
    /// effect is asked for. The error says why there is none (no root, no tracefs) in words for people.
    pub fn start(watched: &[&str], blamed: &[&str]) -> Result<Self, String> {
        let folder = PathBuf::from(format!("{TRACEFS}/instances/loads-{}", std::process::id()));
        fs::create_dir(&folder).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => format!("only root may use {TRACEFS}"),
            io::ErrorKind::NotFound => format!("there is no tracefs at {TRACEFS}"),
            _ => format!("{} cannot be made: {error}", folder.display()),
        })?;
        let comm = |name: &&str| name.chars().take(15).collect(); // More the kernel does not keep.
        let [watched, blamed] = [watched, blamed].map(|names| names.iter().map(comm).collect());
        // From here on the folder is removed, also if the rest fails.
        let trace = Self { folder, watched, blamed };
        for (file, value) in SETTINGS {
            trace.set(file, value).map_err(|error| format!("tracefs refuses {file}: {error}"))?;
        }
        Ok(trace)
    }

    /// Forgets what came until now.
    pub fn clear(&self) {
        self.set("tracing_on", "0").expect("tracefs");
        // To open it truncated is what empties it; losses are counted from zero then.
        self.set("trace", "").expect("tracefs");
        self.set("tracing_on", "1").expect("tracefs");
    }

    /// Waits of watched threads that took longer than `limit` since the trace was cleared; clears it again.
    pub fn take(&self, limit: Duration) -> Waits {
        self.set("tracing_on", "0").expect("tracefs");
        let trace = BufReader::new(fs::File::open(self.folder.join("trace")).expect("tracefs"));
        let mut waits = waits(trace, &self.watched, &self.blamed, limit);
        for cpu in fs::read_dir(self.folder.join("per_cpu")).expect("tracefs") {
            let stats = cpu.expect("tracefs").path().join("stats");
            let stats = fs::read_to_string(stats).expect("tracefs");
            let overrun = stats.lines().find_map(|line| line.strip_prefix("overrun: "));
            waits.lost += overrun.and_then(|n| n.parse::<u64>().ok()).expect("tracefs");
        }
        self.clear();
        waits
    }

    fn set(&self, file: &str, value: &str) -> io::Result<()> {
        fs::write(self.folder.join(file), value)
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        let off = self.set("tracing_on", "0").and_then(|()| self.set("events/enable", "0"));
        if let Err(error) = off.and_then(|()| fs::remove_dir(&self.folder)) {
            eprintln!("{} stays: {error}", self.folder.display());
        }
    }
}

impl Waits {
    /// These, and others of the same limit.
    pub fn and(mut self, more: Self) -> Self {
        self.behind += more.behind;
        self.longest_behind = self.longest_behind.max(more.longest_behind);
        self.others += more.others;
        self.lost += more.lost;
        for (name, n) in more.other_names {
            match self.other_names.iter_mut().find(|(known, _)| *known == name) {
                Some((_, times)) => *times += n,
                None => self.other_names.push((name, n)),
            }
        }
        self.other_names.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        self
    }
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let times = |n| format!("{n} time{}", if n == 1 { "" } else { "s" });
        let limit = self.limit.as_micros() as f64 / 1e3;
        write!(f, "waited over {limit} ms for a processor {} behind the load", times(self.behind))?;
        if self.behind > 0 {
            write!(f, " (longest {:.1} ms)", self.longest_behind.as_secs_f64() * 1e3)?;
        }
        write!(f, ", {} otherwise", times(self.others))?;
        for (i, (name, n)) in self.other_names.iter().take(3).enumerate() {
            write!(f, "{}{name} {n}", if i == 0 { " (" } else { ", " })?;
        }
        if self.others > 0 {
            f.write_str(if self.other_names.len() > 3 { ", ...)" } else { ")" })?;
        }
        match self.lost {
            0 => Ok(()),
            lost => write!(f, ", {lost} entries of the trace lost"),
        }
    }
}

/// What happened on a processor.
enum What<'a> {
    /// A thread came into its queue.
    Woken { comm: &'a str, pid: u32 },
    /// A thread ran for so long, without what a hypervisor took (`CONFIG_PARAVIRT_TIME_ACCOUNTING`).
    Ran { comm: &'a str, pid: u32, ns: u64 },
    /// It goes from one thread, which may want to go on, to the next.
    Switch { prev: (&'a str, u32), preempted: bool, next: (&'a str, u32) },
}

/// Processor, microseconds, and what happened. Names may have in them what separates fields: what is looked for from
/// the left is too long for a name, and the rest comes last from the right.
fn parse(line: &str) -> Option<(u32, u64, What<'_>)> {
    let number = |text: &str| text.split(' ').next()?.parse().ok();
    let of = |event: &str| line.split_once(event);
    let mut target = None;
    let (head, what) = if let Some((head, rest)) = of(": sched_switch: prev_comm=") {
        let (rest, pid) = rest.rsplit_once(" next_pid=")?;
        let (rest, comm) = rest.split_once(" ==> next_comm=")?;
        let (rest, state) = rest.rsplit_once(" prev_state=")?;
        let (prev, prev_pid) = rest.rsplit_once(" prev_pid=")?;
        let (prev, next) = ((prev, number(prev_pid)?), (comm, number(pid)?));
        (head, What::Switch { prev, preempted: state.starts_with('R'), next })
    } else if let Some((head, rest)) = of(": sched_stat_runtime: comm=") {
        let (rest, ns) = rest.rsplit_once(" runtime=")?;
        let ns = ns.split(' ').next()?.parse().ok()?;
        let (comm, pid) = rest.rsplit_once(" pid=")?;
        (head, What::Ran { comm, pid: number(pid)?, ns })
    } else {
        let woken = of(": sched_wakeup: comm=").or_else(|| of(": sched_wakeup_new: comm="));
        let (head, rest) = woken?;
        let (rest, cpu) = rest.rsplit_once(" target_cpu=")?;
        let (comm, pid) = rest.rsplit_once(" pid=")?;
        target = Some(cpu);
        (head, What::Woken { comm, pid: number(pid)? })
    };
    let (head, time) = head.rsplit_once(' ')?;
    let (seconds, micros) = time.split_once('.')?;
    let micros = seconds.parse::<u64>().ok()? * 1_000_000 + micros.parse::<u64>().ok()?;
    let cpu = target.or_else(|| Some(head.rsplit_once('[')?.1.split_once(']')?.0))?;
    Some((cpu.parse().ok()?, micros, what))
}

/// What is known of a processor.
#[derive(Default)]
struct Processor {
    /// Which thread runs since when.
    running: Option<(u32, String, u64)>,
    /// Which ran before, from when to when, the last first.
    turns: VecDeque<(String, u64, u64)>,
    /// Times up to which threads had run, and for how long, in microseconds; the last first.
    ran: VecDeque<(String, u64, u64)>,
}

/// More than one wait lasts.
const HISTORY: usize = 800;

impl Processor {
    fn runs(&self, pid: u32) -> bool {
        self.running.as_ref().is_some_and(|(running, ..)| *running == pid)
    }

    fn switch(&mut self, (begin, now): (u64, u64), prev: &str, next: (u32, &str)) {
        let since = self.running.replace((next.0, next.1.to_owned(), now));
        self.turns.push_front((prev.to_owned(), since.map_or(begin, |(_, _, since)| since), now));
        self.turns.truncate(HISTORY);
    }

    fn ran(&mut self, now: u64, comm: &str, micros: u64) {
        self.ran.push_front((comm.to_owned(), now, micros));
        self.ran.truncate(HISTORY);
    }

    /// How long each had it within this time.
    fn had(&self, from: u64, to: u64) -> BTreeMap<&str, u64> {
        let mut had = BTreeMap::new();
        // One that still runs is waited for no longer where another processor took over who waited.
        let still = self.running.iter().map(|(_, comm, since)| (comm, *since, to));
        let done = self.turns.iter().map(|(comm, start, end)| (comm, *start, *end));
        for (comm, start, end) in still.chain(done).filter(|(_, start, end)| start < end) {
            let time = end.min(to).saturating_sub(from.max(start));
            *had.entry(comm.as_str()).or_default() += time;
        }
        had
    }

    /// How long these ran within this time.
    fn ran_by(&self, who: &[String], from: u64, to: u64) -> u64 {
        let within = self.ran.iter().filter(|(comm, until, _)| {
            (from..=to).contains(until) && who.iter().any(|name| name == comm)
        });
        // What came of one that still runs, nobody has counted yet.
        let last = within.clone().map(|(_, until, _)| *until).max().unwrap_or(from);
        let still = self.running.as_ref().filter(|(_, comm, _)| who.contains(comm));
        let still = still.map_or(0, |(_, _, since)| to.saturating_sub(last.max(*since)));
        within.map(|(_, until, ran)| (*ran).min(until - from)).sum::<u64>() + still
    }
}

/// Waits longer than `limit` in what the file `trace` of tracefs has.
pub fn waits(trace: impl BufRead, watched: &[String], blamed: &[String], limit: Duration) -> Waits {
    let is = |names: &[String], comm: &str| names.iter().any(|name| name == comm);
    let over = limit.as_micros() as u64;
    let mut waits = Waits { limit, ..Waits::default() };
    let mut others = BTreeMap::<String, usize>::new();
    let mut begin = None;
    let mut processors = BTreeMap::<u32, Processor>::new();
    // Since when a watched thread waits, and for which processor, by its id.
    let mut ready = HashMap::<u32, (u64, u32)>::new();
    for line in trace.split(b'\n') {
        let line = line.expect("tracefs"); // Names in it need not be UTF-8.
        let line = String::from_utf8_lossy(&line);
        if line.starts_with('#') {
            // Entries were lost. Until here one processor's are missing: who ran there may seem to wait.
            if line.contains(" buffer started ") {
                waits = Waits { limit, lost: waits.lost, ..Waits::default() };
                (others, begin, processors, ready) = Default::default();
            }
            continue;
        }
        let Some((cpu, now, what)) = parse(&line) else {
            waits.lost += 1;
            continue;
        };
        let begin = *begin.get_or_insert(now);
        let (prev, preempted, next) = match what {
            What::Switch { prev, preempted, next } => (prev, preempted, next),
            What::Ran { comm, pid, ns } => {
                // Another processor may be the one that counts, when it sends a thread here.
                let here = processors.values_mut().find(|processor| processor.runs(pid));
                if let Some(processor) = here {
                    processor.ran(now, comm, ns / 1000);
                }
                continue;
            }
            What::Woken { comm, pid } => {
                if is(watched, comm) && !processors.values().any(|processor| processor.runs(pid)) {
                    // One that was preempted on its way to sleep waits already.
                    ready.entry(pid).or_insert((now, cpu));
                }
                continue;
            }
        };
        let name = |(comm, pid)| if pid == 0 { "nobody" } else { comm };
        processors.entry(cpu).or_default().switch((begin, now), name(prev), (next.1, name(next)));
        ready.remove(&prev.1);
        if preempted && is(watched, prev.0) {
            ready.insert(prev.1, (now, cpu));
        }
        let waited = ready.remove(&next.1).filter(|(from, _)| now - from > over);
        let Some((from, cpu)) = waited else { continue };
        let Some(processor) = processors.get(&cpu) else { continue };
        let had = processor.had(from, now);
        let behind = processor.ran_by(blamed, from, now);
        let most = had.into_iter().max_by_key(|(_, time)| *time).map(|(comm, _)| comm);
        if behind > over {
            waits.behind += 1;
            waits.longest_behind = waits.longest_behind.max(Duration::from_micros(behind));
        } else if let Some(most) = most {
            waits.others += 1;
            // It had the processor, and did not run: the hypervisor had it.
            let most = if is(blamed, most) { "hypervisor" } else { most };
            *others.entry(most.to_owned()).or_default() += 1;
        }
    }
    waits.other_names = others.into_iter().collect();
    waits.other_names.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    waits
}
