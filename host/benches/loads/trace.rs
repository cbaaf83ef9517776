//! Behind whom the event path waits for a processor: from the scheduler's tracepoints (sched_switch,
//! sched_wakeup, sched_wakeup_new; Documentation/trace/events.rst), in an instance of tracefs of its own.
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
const SETTINGS: [(&str, &str); 5] = [
    ("buffer_size_kb", "16384"),
    ("events/sched/sched_switch/enable", "1"),
    ("events/sched/sched_wakeup/enable", "1"),
    ("events/sched/sched_wakeup_new/enable", "1"),
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
        // The default clock is nearly the same on all processors, which will do.
        let _ = trace.set("trace_clock", "mono");
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
        let _ = self.set("tracing_on", "0");
        let _ = self.set("events/enable", "0");
        if let Err(error) = fs::remove_dir(&self.folder) {
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

/// Processor, of a thread that is woken the one whose queue it comes into; microseconds; the thread that is woken or
/// switched to (comm and id), and the one it is switched from, with whether that would go on.
type Entry<'a> = (u32, u64, (&'a str, u32), Option<(&'a str, u32, bool)>);

/// Names may have in them what separates fields: what is looked for from the left is too long for a name, and
/// the rest comes last from the right.
fn parse(line: &str) -> Option<Entry<'_>> {
    let new = || line.split_once(": sched_wakeup_new: comm=");
    let number = |text: &str| text.split(' ').next()?.parse().ok();
    let mut target = None;
    let switch = line.split_once(": sched_switch: prev_comm=");
    let (head, thread, prev) = if let Some((head, rest)) = switch {
        let (rest, pid) = rest.rsplit_once(" next_pid=")?;
        let (rest, comm) = rest.split_once(" ==> next_comm=")?;
        let (rest, state) = rest.rsplit_once(" prev_state=")?;
        let (prev, prev_pid) = rest.rsplit_once(" prev_pid=")?;
        (head, (comm, number(pid)?), Some((prev, number(prev_pid)?, state.starts_with('R'))))
    } else {
        let (head, rest) = line.split_once(": sched_wakeup: comm=").or_else(new)?;
        let (rest, cpu) = rest.rsplit_once(" target_cpu=")?;
        let (comm, pid) = rest.rsplit_once(" pid=")?;
        target = Some(cpu);
        (head, (comm, number(pid)?), None)
    };
    let (head, time) = head.rsplit_once(' ')?;
    let (seconds, micros) = time.split_once('.')?;
    let micros = seconds.parse::<u64>().ok()? * 1_000_000 + micros.parse::<u64>().ok()?;
    let cpu = target.or_else(|| Some(head.rsplit_once('[')?.1.split_once(']')?.0))?;
    Some((cpu.parse().ok()?, micros, thread, prev))
}

/// Waits longer than `limit` in what the file `trace` of tracefs has.
fn waits(trace: impl BufRead, watched: &[String], blamed: &[String], limit: Duration) -> Waits {
    let is = |names: &[String], comm: &str| names.iter().any(|name| name == comm);
    let over = limit.as_micros() as u64;
    let mut waits = Waits { limit, ..Waits::default() };
    let mut others = BTreeMap::<String, usize>::new();
    let mut begin = None;
    // By processor: which thread runs since when, and which ran before from when to when, the last first.
    let mut running = BTreeMap::<u32, (u32, String, u64)>::new();
    let mut turns = BTreeMap::<u32, VecDeque<(String, u64, u64)>>::new();
    // Since when a watched thread waits, and for which processor, by its id.
    let mut ready = HashMap::<u32, (u64, u32)>::new();
    for line in trace.split(b'\n') {
        let line = line.expect("tracefs"); // Names in it need not be UTF-8.
        let line = String::from_utf8_lossy(&line);
        if line.starts_with('#') {
            // Entries were lost. Until here one processor's are missing: who ran there may seem to wait.
            if line.contains(" buffer started ") {
                waits = Waits { limit, lost: waits.lost, ..Waits::default() };
                (others, begin, running, turns, ready) = Default::default();
            }
            continue;
        }
        let Some((cpu, now, (comm, pid), prev)) = parse(&line) else {
            waits.lost += 1;
            continue;
        };
        let begin = *begin.get_or_insert(now);
        let Some((prev, prev_pid, preempted)) = prev else {
            if is(watched, comm) && running.values().all(|(running, ..)| *running != pid) {
                // One that was preempted on its way to sleep waits already.
                ready.entry(pid).or_insert((now, cpu));
            }
            continue;
        };
        let name = |comm: &str, pid| if pid == 0 { "nobody".to_owned() } else { comm.to_owned() };
        let since = running.insert(cpu, (pid, name(comm, pid), now));
        let since = since.map_or(begin, |(_, _, since)| since);
        let done = turns.entry(cpu).or_default();
        done.push_front((name(prev, prev_pid), since, now));
        done.truncate(400); // More than one wait lasts.
        ready.remove(&prev_pid);
        if preempted && is(watched, prev) {
            ready.insert(prev_pid, (now, cpu));
        }
        let waited = ready.remove(&pid).filter(|(from, _)| now - from > over);
        let Some((from, cpu)) = waited else { continue };
        let (mut took, mut behind) = (BTreeMap::<&str, u64>::new(), 0);
        // Another processor may have taken it over in the end: then who runs here does still.
        let still = running.get(&cpu).map(|(_, comm, since)| (comm, *since, now));
        let done =
            turns.get(&cpu).into_iter().flatten().map(|(comm, start, end)| (comm, *start, *end));
        for (comm, start, end) in
            still.into_iter().chain(done).take_while(|(_, _, end)| *end > from)
        {
            let time = end - from.max(start);
            *took.entry(comm).or_default() += time;
            behind += if is(blamed, comm) { time } else { 0 };
        }
        if behind > over {
            waits.behind += 1;
            waits.longest_behind = waits.longest_behind.max(Duration::from_micros(behind));
        } else if let Some((most, _)) = took.into_iter().max_by_key(|(_, time)| *time) {
            waits.others += 1;
            *others.entry(most.to_owned()).or_default() += 1;
        }
    }
    waits.other_names = others.into_iter().collect();
    waits.other_names.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    waits
}

#[cfg(test)]
#[allow(unused, reason = "a benchmark has no tests; tests/loads.rs runs these")]
mod tests {
    use super::*;

    /// Entries, and below them what is to be said of `weir-x` behind `exe`.
    const CASES: &str = "
          weir-x-21640   [000] d..2. 59737.055690: sched_switch: prev_comm=weir-x prev_pid=21640 prev_prio=120 prev_state=S ==> next_comm=exe next_pid=21641 next_prio=139
             exe-21641   [000] d.h3. 59737.056753: sched_wakeup: comm=weir-x pid=21640 prio=120 target_cpu=000
             exe-21641   [000] d..2. 59737.058768: sched_switch: prev_comm=exe prev_pid=21641 prev_prio=139 prev_state=R ==> next_comm=weir-x next_pid=21640 next_prio=120
= 1 time behind the load (longest 2.0 ms), 0 times otherwise

          weir-x-21640   [000] d..2. 59735.828061: sched_switch: prev_comm=weir-x prev_pid=21640 prev_prio=120 prev_state=R+ ==> next_comm=kdamond.0 next_pid=78 next_prio=120
       kdamond.0-78      [000] d..2. 59735.832312: sched_switch: prev_comm=kdamond.0 prev_pid=78 prev_prio=120 prev_state=R+ ==> next_comm=exe next_pid=36 next_prio=120
             exe-36      [000] d..2. 59735.832321: sched_switch: prev_comm=exe prev_pid=36 prev_prio=120 prev_state=S ==> next_comm=weir-x next_pid=21640 next_prio=120
= 0 times behind the load, 1 time otherwise (kdamond.0 1)

 a: b [9] pid=1 -21700   [001] d.h3. 59737.366660: sched_wakeup_new: comm=weir-x pid=21640 prio=120 target_cpu=001
 a: b [9] pid=1 -21700   [001] d..2. 59737.367886: sched_switch: prev_comm=a: b [9] pid=1  prev_pid=21700 prev_prio=120 prev_state=D ==> next_comm=weir-x next_pid=21640 next_prio=120
= 0 times behind the load, 1 time otherwise (a: b [9] pid=1  1)

          <idle>-0       [000] dNh4. 59735.826971: sched_wakeup: comm=weir-x pid=21640 prio=120 target_cpu=000
          <idle>-0       [000] d..2. 59735.827971: sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=weir-x next_pid=21640 next_prio=120
= 0 times behind the load, 0 times otherwise

          <idle>-0       [001] d..2. 59735.820000: sched_switch: prev_comm=swapper/1 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=exe next_pid=21641 next_prio=139
          <idle>-0       [000] dNh4. 59735.826971: sched_wakeup: comm=weir-x pid=21640 prio=120 target_cpu=001
          <idle>-0       [000] d..2. 59735.829971: sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=weir-x next_pid=21640 next_prio=120
= 1 time behind the load (longest 3.0 ms), 0 times otherwise

          <idle>-0       [000] dNh4. 59735.826971: sched_wakeup: comm=weir-x pid=21640 prio=120 target_cpu=000
##### CPU 1 buffer started ####
          <idle>-0       [001] d..2. 59735.836983: sched_switch: prev_comm=swapper/1 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=weir-x next_pid=21640 next_prio=120
CPU:1 [LOST EVENTS]
= 0 times behind the load, 0 times otherwise, 1 entries of the trace lost";

    #[test]
    fn cases() {
        let comms = ["weir-x", "exe"].map(|comm| vec![comm.to_owned()]);
        for case in CASES[1..].split("\n\n") {
            let (trace, expected) = case.split_once("\n= ").unwrap();
            let waits = waits(trace.as_bytes(), &comms[0], &comms[1], Duration::from_millis(1));
            assert_eq!(waits.to_string(), format!("waited over 1 ms for a processor {expected}"));
        }
    }
}
