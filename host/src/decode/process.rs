//! The calling process as JSON.

use serde::{Serialize, Serializer};
use weir_sdk::event::{
    GROUP_PPID, Head, PROCESS_CMDLINE, PROCESS_CONTAINER, PROCESS_PARENT, PROCESS_POD,
    PROCESS_RUNTIME, PROCESS_STARTED, PROCESS_USER,
};

use super::{
    Batch,
    event::{read, rfc3339},
    text::{Text, take},
};

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Process<'a> {
    pid: u32,
    tid: u32,
    ppid: Option<u32>,
    uid: u32,
    gid: u32,
    user: Option<Text<'a>>,
    comm: Text<'a>,
    exe: Option<Text<'a>>,
    cmdline: Option<Vec<Text<'a>>>,
    started: Option<Time>,
    parents: Option<Vec<Parent<'a>>>,
    cgroup: Option<Text<'a>>,
    cgroup_id: u64,
    container: Option<Container<'a>>,
    netns: Option<u32>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Parent<'a> {
    pid: u32,
    comm: Text<'a>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Container<'a> {
    id: Text<'a>,
    runtime: Option<Text<'a>>,
    pod: Option<Text<'a>>,
}

/// Nanoseconds since the Unix epoch, written as RFC 3339.
#[derive(Clone, Copy, Debug, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Time(pub u64);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&rfc3339(self.0))
    }
}

impl<'a> Process<'a> {
    pub fn new(head: &'a Head, batch: &'a Batch) -> Self {
        let known = |span| Some(batch.part(span)).filter(|part| !part.is_empty()).map(Text);
        let more = batch.part(head.process);
        let text = |kind| parts(more, kind).next().map(Text);
        let parents: Vec<_> = parts(more, PROCESS_PARENT).filter_map(Parent::parse).collect();
        Self {
            pid: head.pid,
            tid: head.tid,
            ppid: read(head, GROUP_PPID).then_some(head.ppid),
            uid: head.uid,
            gid: head.gid,
            user: text(PROCESS_USER),
            comm: Text(head.comm.split(|&byte| byte == 0).next().unwrap_or_default()),
            exe: known(head.exe),
            cmdline: parts(more, PROCESS_CMDLINE).next().map(arguments),
            started: parts(more, PROCESS_STARTED)
                .find_map(|part| take(part, 0).map(u64::from_le_bytes))
                .map(Time),
            parents: Some(parents).filter(|parents| !parents.is_empty()),
            cgroup: known(head.cgroup),
            cgroup_id: head.cgroup_id,
            container: text(PROCESS_CONTAINER).map(|id| Container {
                id,
                runtime: text(PROCESS_RUNTIME),
                pod: text(PROCESS_POD),
            }),
            netns: Some(head.netns).filter(|&inode| inode != 0),
        }
    }
}

impl<'a> Parent<'a> {
    fn parse(part: &'a [u8]) -> Option<Self> {
        let (pid, comm) = part.split_first_chunk()?;
        Some(Self { pid: u32::from_le_bytes(*pid), comm: Text(comm) })
    }
}

/// The parts of a kind in what the host knows of a process.
pub fn parts(mut process: &[u8], kind: u16) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let ([k0, k1, l0, l1], rest) = process.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(u16::from_le_bytes([*l0, *l1]).into())?;
        process = rest;
        Some((u16::from_le_bytes([*k0, *k1]), part))
    })
    .filter_map(move |(of, part)| (of == kind).then_some(part))
}

/// The arguments of a command line: each is ended by NUL, the last one perhaps not.
fn arguments(cmdline: &[u8]) -> Vec<Text<'_>> {
    if cmdline.is_empty() {
        return Vec::new();
    }
    let all = cmdline.strip_suffix(b"\0").unwrap_or(cmdline);
    all.split(|&byte| byte == 0).map(Text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines() {
        let check = |line: &[u8], expected: &[&str]| {
            let arguments = arguments(line);
            let texts: Vec<_> = arguments.iter().map(Text::to_string).collect();
            assert_eq!(texts, expected);
        };
        check(b"", &[]);
        check(b"\0", &[""]);
        check(b"a\0b c\0", &["a", "b c"]);
        check(b"a\0\0", &["a", ""]);
        check(b"nginx: worker", &["nginx: worker"]);
    }

    #[test]
    fn parts_end_where_they_do_not_fit() {
        let process = b"\x02\0\x01\0a\x01\0\x02\0bc\x02\0\x01\0d\x02\0\xff\xffe";
        assert_eq!(parts(process, 2).collect::<Vec<_>>(), [b"a", b"d"]);
        assert_eq!(parts(process, 1).collect::<Vec<_>>(), [b"bc"]);
        assert_eq!(parts(b"\x02\0", 2).count(), 0);
    }
}
