//! A process, from procfs (proc(5)).

use std::{
    fs::{self, File},
    io::Read,
    os::unix::ffi::OsStringExt,
    thread,
    time::Duration,
};

use weir_sdk::event::{PROCESS_CMDLINE, PROCESS_PARENT};

use super::parts;

/// Most bytes of a command line.
const CMDLINE_BYTES: usize = 4096;
/// Most ancestors.
const PARENTS: usize = 16;
/// How often a process is read that executes another program meanwhile.
const TRIES: u32 = 3;
/// How long an execution may take from the program to its arguments.
const MIDWAY: Duration = Duration::from_millis(1);

/// What procfs shows of a process.
#[derive(Debug, Default)]
pub struct Process {
    /// When it started: clock ticks since boot.
    pub start: u64,
    /// Path of its executable; empty when there is none, or none that may be seen.
    pub exe: Vec<u8>,
    /// Its arguments, separated by NUL.
    pub cmdline: Vec<u8>,
    /// Id and name of its ancestors, the parent first.
    pub parents: Vec<(u32, Vec<u8>)>,
}

impl Process {
    /// Reads the process with this id, if it is the one that started at `start`.
    pub fn read(pid: u32, start: Option<u64>) -> Option<Self> {
        for tried in 0..TRIES {
            let stat = Stat::read(pid)?;
            if start.is_some_and(|start| start != stat.start) {
                return None;
            }
            let exe = exe(pid);
            let cmdline = cmdline(pid);
            let parents = parents(&stat);
            // Looked at last: what is the same process and program now was so all the time.
            let after = Stat::read(pid)?;
            if after.start != stat.start {
                return None;
            }
            // In the middle of an execution the program is there already, the arguments are not.
            let midway = !exe.is_empty() && cmdline.is_empty() && tried + 1 < TRIES;
            if midway {
                thread::sleep(MIDWAY);
            } else if self::exe(pid) == exe {
                return Some(Self { start: stat.start, exe, cmdline, parents });
            }
        }
        None
    }

    /// Adds it to the parts of [`weir_sdk::event::Head::process`].
    pub fn encode(&self, to: &mut Vec<u8>) {
        if !self.cmdline.is_empty() {
            parts::push(to, PROCESS_CMDLINE, &self.cmdline);
        }
        for (pid, name) in &self.parents {
            let mut parent = pid.to_le_bytes().to_vec();
            parent.extend_from_slice(name);
            parts::push(to, PROCESS_PARENT, &parent);
        }
    }
}

/// What is needed of a process's stat file.
struct Stat {
    name: Vec<u8>,
    ppid: u32,
    /// Clock ticks since boot.
    start: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(stat: &[u8]) -> Option<Self> {
        // The name, in parentheses, may hold anything.
        let (from, to) = (
            stat.iter().position(|&byte| byte == b'(')?,
            stat.iter().rposition(|&byte| byte == b')')?,
        );
        let name = stat.get(from + 1..to)?.to_vec();
        // Fields are numbered from 1, and the third is the first behind the name.
        let mut fields = stat.get(to + 2..)?.split(|&byte| byte == b' ');
        let ppid = number(fields.nth(4 - 3)?)?;
        let start = number(fields.nth(22 - 5)?)?;
        Some(Self { name, ppid: u32::try_from(ppid).ok()?, start })
    }
}

fn number(field: &[u8]) -> Option<u64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

fn exe(pid: u32) -> Vec<u8> {
    fs::read_link(format!("/proc/{pid}/exe"))
        .map(|link| link.into_os_string().into_vec())
        .unwrap_or_default()
}

fn cmdline(pid: u32) -> Vec<u8> {
    let mut text = Vec::new();
    // One more than is kept, and one for the NUL at the end: that shows whether there is more.
    let most = CMDLINE_BYTES as u64 + 2;
    let read = File::open(format!("/proc/{pid}/cmdline"))
        .and_then(|file| file.take(most).read_to_end(&mut text));
    match read {
        Ok(_) => arguments(text),
        Err(_) => Vec::new(),
    }
}

/// The arguments in a cmdline file, separated by NUL, not ended by it; at most
/// [`CMDLINE_BYTES`], cut where an argument ends if there is such a place.
fn arguments(mut text: Vec<u8>) -> Vec<u8> {
    if text.last() == Some(&0) {
        text.pop();
    }
    if text.len() > CMDLINE_BYTES {
        // A NUL right behind the last byte that fits ends an argument as well.
        let end = text[..=CMDLINE_BYTES].iter().rposition(|&byte| byte == 0);
        text.truncate(end.filter(|&end| end > 0).unwrap_or(CMDLINE_BYTES));
    }
    // Programs that write a title over their arguments fill the rest with NUL.
    if text.ends_with(&[0, 0]) {
        let end = text.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        text.truncate(end);
    }
    text
}

fn parents(stat: &Stat) -> Vec<(u32, Vec<u8>)> {
    let mut parents = Vec::new();
    let (mut pid, mut start) = (stat.ppid, stat.start);
    while pid != 0 && parents.len() < PARENTS {
        // A parent that is younger than its child is another process that got its id.
        let Some(parent) = Stat::read(pid).filter(|parent| parent.start <= start) else { break };
        parents.push((pid, parent.name));
        (pid, start) = (parent.ppid, parent.start);
    }
    parents
}

/// When a process started, in clock ticks since boot.
#[cfg(test)]
pub fn start_ticks(pid: u32) -> Option<u64> {
    Stat::read(pid).map(|stat| stat.start)
}

/// Nanoseconds of a clock tick.
pub fn tick_ns() -> u64 {
    1_000_000_000 / rustix::param::clock_ticks_per_second()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_this_process() {
        let pid = std::process::id();
        let start = start_ticks(pid).unwrap();
        let this = Process::read(pid, Some(start)).unwrap();
        assert_eq!(this.exe, std::env::current_exe().unwrap().into_os_string().into_vec());
        let arguments = std::env::args().collect::<Vec<_>>().join("\0");
        assert_eq!(this.cmdline, arguments.as_bytes());
        assert_eq!(this.parents[0].0, std::os::unix::process::parent_id());
        assert!(this.parents.len() == PARENTS || this.parents.last().unwrap().0 == 1);
    }

    #[test]
    fn another_process_under_the_same_id_is_not_taken_for_it() {
        let pid = std::process::id();
        let start = start_ticks(pid).unwrap();
        assert!(Process::read(pid, Some(start - 1)).is_none());
        assert!(Process::read(u32::MAX, None).is_none());
    }

    #[test]
    fn a_process_that_nobody_waited_for_has_parents_alone() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let state = || fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        while !state().contains(") Z ") {
            std::thread::yield_now();
        }
        let zombie = Process::read(child.id(), None).unwrap();
        assert_eq!((zombie.exe, zombie.cmdline), (Vec::new(), Vec::new()));
        assert_eq!(zombie.parents[0].0, std::process::id());
        child.wait().unwrap();
    }

    #[test]
    fn a_name_may_hold_anything() {
        let stat = b"7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4321 0 0";
        let stat = Stat::parse(stat).unwrap();
        assert_eq!((stat.name.as_slice(), stat.ppid, stat.start), (&b"a) b (c"[..], 1, 4321));
        for broken in [&b""[..], b"7", b"7 (", b"7 )(", b"7 (a)", b"7 (a) S", b"7 (a) S x"] {
            assert!(Stat::parse(broken).is_none());
        }
    }

    #[test]
    fn arguments_are_cut_where_one_ends() {
        let check = |text: &[u8], expected: &[u8]| {
            assert_eq!(arguments(text.to_vec()), expected);
        };
        check(b"", b"");
        check(b"\0", b"");
        check(b"cat\0a b\0", b"cat\0a b");
        check(b"cat\0\0", b"cat\0");
        check(b"title without end", b"title without end");
        check(b"postgres: writer\0\0\0\0", b"postgres: writer");

        let whole = [b"a\0", &[b'b'; CMDLINE_BYTES - 2][..], b"\0"].concat();
        check(&whole, &whole[..CMDLINE_BYTES]);
        let ends = [&whole[..], b"c\0"].concat();
        check(&ends[..CMDLINE_BYTES + 2], &whole[..CMDLINE_BYTES]);
        let longer = [b"a\0", &[b'b'; CMDLINE_BYTES][..]].concat();
        check(&longer, b"a");
        check(&[b'b'; CMDLINE_BYTES + 2], &[b'b'; CMDLINE_BYTES]);
    }
}
