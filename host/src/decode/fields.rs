//! How each part of an event was read, by call: what docs/events.md has tables of.

use serde::{Serialize, Serializer, ser::SerializeMap};
use weir_sdk::event::{
    CALL_IO_URING, CALL_RECVFROM, CALL_RECVMMSG, CALL_RECVMSG, CALL_SENDFILE, CALL_SENDMMSG,
    CALL_SENDMSG, CALL_SENDTO, GROUP_CONTROL, GROUP_IOV, GROUP_MSG, GROUP_NAME, GROUP_PAYLOAD,
    GROUP_PPID, GROUP_SOCKET, Head, PROCESS_CMDLINE, PROCESS_CONTAINER, PROCESS_PARENT,
    PROCESS_STARTED, PROCESS_USER, ROOM_UNKNOWN, STATUS_ABSENT, STATUS_FAULT, STATUS_NOT_SEEN,
    STATUS_OK, STATUS_TRUNCATED, TOCTOU_CHANGED, TOCTOU_NOT_SEEN,
};

use super::{Batch, process};

/// A part of an event: its path in the JSON, its tags, where it comes from. What has no row of its
/// own is as the part that it is in.
pub type Row = (&'static str, &'static [&'static str], Source);

/// Where a part comes from, and so how its status is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Always there, since the call entered.
    Entry,
    /// Always there, since the call returned.
    Exit,
    /// [`Head::status`] of that group; read when [`Head::late`] says.
    Group(usize),
    /// [`Head::status`] of that group, but read at entry: what the call overwrites.
    GroupAtEntry(usize),
    /// [`Head::name_room`] and its like: as [`GROUP_MSG`], unless they could not be read at entry.
    Room,
    /// What the call put where that group was read at entry; [`Head::late`] says whether it could
    /// be read.
    GroupAtExit(usize),
    /// [`Head::netns`].
    Netns,
    /// [`Head::toctou`].
    Toctou,
    /// [`Head::kernel`].
    Kernel,
    /// [`Head::exe`], looked up by the host.
    Exe,
    /// [`Head::cgroup`], looked up by the host.
    Cgroup,
    /// Part of [`Head::process`] of that kind, looked up by the host.
    Process(u16),
}

/// From kernel memory, registers among them.
const K: &[&str] = &["K"];
const K_OPT: &[&str] = &["K", "OPT"];
/// From user memory.
const U: &[&str] = &["U", "TOCTOU"];
const U_OPT: &[&str] = &["U", "TOCTOU", "OPT"];

/// The rows that every call has, and those of one.
macro_rules! rows {
    ($($row:expr),* $(,)?) => {
        &[
            ("time", K, Source::Entry),
            ("cpu", K, Source::Entry),
            ("duration_ns", K, Source::Exit),
            ("ret", K, Source::Exit),
            ("error", K, Source::Exit),
            ("process", K, Source::Entry),
            ("process.ppid", K, Source::Group(GROUP_PPID)),
            ("process.user", K, Source::Process(PROCESS_USER)),
            ("process.exe", K, Source::Exe),
            ("process.cmdline", U, Source::Process(PROCESS_CMDLINE)),
            ("process.started", K, Source::Process(PROCESS_STARTED)),
            ("process.parents", K, Source::Process(PROCESS_PARENT)),
            ("process.cgroup", K, Source::Cgroup),
            ("process.container", K_OPT, Source::Process(PROCESS_CONTAINER)),
            ("process.netns", K, Source::Netns),
            ("fd", K, Source::Entry),
            ("socket", K_OPT, Source::Group(GROUP_SOCKET)),
            ("toctou", K, Source::Toctou),
            ("kernel", K_OPT, Source::Kernel),
            $($row,)*
        ]
    };
}

/// The caller's `struct msghdr`, all of it read from the caller's memory.
const SENDMSG: &[Row] = rows![
    ("flags", K_OPT, Source::Entry),
    ("msg", U, Source::Group(GROUP_MSG)),
    ("msg.ptr", K, Source::Entry),
    ("msg.name", U_OPT, Source::Group(GROUP_NAME)),
    ("msg.iov", U_OPT, Source::Group(GROUP_IOV)),
    ("msg.bytes", U_OPT, Source::Group(GROUP_IOV)),
    ("msg.payload", U_OPT, Source::Group(GROUP_PAYLOAD)),
    ("msg.control", U_OPT, Source::Group(GROUP_CONTROL)),
];

const SENDMMSG: &[Row] = rows![
    ("index", K, Source::Entry),
    ("vlen", K, Source::Entry),
    ("flags", K_OPT, Source::Entry),
    ("msg", U, Source::Group(GROUP_MSG)),
    ("msg.ptr", K, Source::Entry),
    ("msg.name", U_OPT, Source::Group(GROUP_NAME)),
    ("msg.iov", U_OPT, Source::Group(GROUP_IOV)),
    ("msg.bytes", U_OPT, Source::Group(GROUP_IOV)),
    ("msg.payload", U_OPT, Source::Group(GROUP_PAYLOAD)),
    ("msg.control", U_OPT, Source::Group(GROUP_CONTROL)),
];

/// No message: buffer and lengths are arguments.
const SENDTO: &[Row] = rows![
    ("flags", K_OPT, Source::Entry),
    ("msg.name", U_OPT, Source::Group(GROUP_NAME)),
    ("msg.namelen", K_OPT, Source::Group(GROUP_MSG)),
    ("msg.iov", K, Source::Group(GROUP_IOV)),
    ("msg.iovlen", K, Source::Group(GROUP_MSG)),
    ("msg.bytes", K, Source::Group(GROUP_IOV)),
    ("msg.payload", U, Source::Group(GROUP_PAYLOAD)),
];

/// What the kernel filled in, read back from the caller's memory; what it overwrites, before.
const RECVMSG: &[Row] = rows![
    ("flags", K_OPT, Source::Entry),
    ("msg", U, Source::Group(GROUP_MSG)),
    ("msg.ptr", K, Source::Entry),
    ("msg.name", U_OPT, Source::Group(GROUP_NAME)),
    ("msg.namelen_room", U, Source::Room),
    ("msg.iov", U_OPT, Source::Group(GROUP_IOV)),
    ("msg.bytes", U_OPT, Source::Group(GROUP_IOV)),
    ("msg.payload", U_OPT, Source::Group(GROUP_PAYLOAD)),
    ("msg.control", U_OPT, Source::Group(GROUP_CONTROL)),
    ("msg.controllen_room", U, Source::Room),
];

const RECVMMSG: &[Row] = rows![
    ("index", K, Source::Entry),
    ("vlen", K, Source::Entry),
    ("flags", K_OPT, Source::Entry),
    ("msg", U, Source::Group(GROUP_MSG)),
    ("msg.ptr", K, Source::Entry),
    ("msg.name", U_OPT, Source::Group(GROUP_NAME)),
    ("msg.iov", U_OPT, Source::Group(GROUP_IOV)),
    ("msg.bytes", U_OPT, Source::Group(GROUP_IOV)),
    ("msg.payload", U_OPT, Source::Group(GROUP_PAYLOAD)),
    ("msg.control", U_OPT, Source::Group(GROUP_CONTROL)),
];

/// As sendto, but the address's length is the caller's memory as well.
const RECVFROM: &[Row] = rows![
    ("flags", K_OPT, Source::Entry),
    ("msg.name", U_OPT, Source::Group(GROUP_NAME)),
    ("msg.namelen", U_OPT, Source::Group(GROUP_MSG)),
    ("msg.namelen_room", U_OPT, Source::Room),
    ("msg.iov", K, Source::Group(GROUP_IOV)),
    ("msg.iovlen", K, Source::Group(GROUP_MSG)),
    ("msg.bytes", K, Source::Group(GROUP_IOV)),
    ("msg.payload", U, Source::Group(GROUP_PAYLOAD)),
];

const SENDFILE: &[Row] = rows![
    ("msg.bytes", K, Source::Entry),
    ("sendfile", K, Source::Entry),
    ("sendfile.offset", U_OPT, Source::GroupAtEntry(GROUP_MSG)),
    ("sendfile.offset_after", U_OPT, Source::GroupAtExit(GROUP_MSG)),
];

/// The kernel's own copy: the caller's memory was read long before.
const IO_URING: &[Row] = rows![
    ("flags", K_OPT, Source::Entry),
    ("msg", K, Source::Group(GROUP_MSG)),
    ("msg.name", K_OPT, Source::Group(GROUP_NAME)),
    ("msg.iov", K_OPT, Source::Group(GROUP_IOV)),
    ("msg.bytes", K_OPT, Source::Group(GROUP_IOV)),
    ("msg.payload", K_OPT, Source::Group(GROUP_PAYLOAD)),
    ("msg.control", K_OPT, Source::Group(GROUP_CONTROL)),
];

/// The parts of an event of that call; none for a call that there is not.
pub fn fields_of(call: u16) -> &'static [Row] {
    match call {
        CALL_SENDMSG => SENDMSG,
        CALL_SENDMMSG => SENDMMSG,
        CALL_SENDTO => SENDTO,
        CALL_RECVMSG => RECVMSG,
        CALL_RECVMMSG => RECVMMSG,
        CALL_RECVFROM => RECVFROM,
        CALL_SENDFILE => SENDFILE,
        CALL_IO_URING => IO_URING,
        _ => &[],
    }
}

/// How a part was read, and what that is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = FieldStatus)]
pub struct Field {
    /// `K` from kernel memory, `U` from user memory, `TOCTOU` if the user could have changed it
    /// between read and use, `OPT` if the caller may leave it out.
    pub tags: &'static [&'static str],
    /// `ok`, `absent`, `fault`, `truncated` or `not_seen`.
    pub status: &'static str,
    /// `entry` or `exit` of the call; `None` for what was read in between, or by the host.
    pub read: Option<&'static str>,
}

impl Field {
    fn new(tags: &'static [&'static str], source: Source, head: &Head, batch: &Batch) -> Self {
        let known = |known: bool| if known { STATUS_OK } else { STATUS_NOT_SEEN };
        let (status, read) = match source {
            Source::Entry => (STATUS_OK, Some("entry")),
            Source::Exit => (STATUS_OK, Some("exit")),
            Source::Group(group) => {
                let late = head.late & (1 << group) != 0;
                (head.status[group], Some(if late { "exit" } else { "entry" }))
            }
            Source::GroupAtEntry(group) => (head.status[group], Some("entry")),
            Source::Room if head.name_room == ROOM_UNKNOWN => (STATUS_FAULT, Some("entry")),
            Source::Room => (head.status[GROUP_MSG], Some("entry")),
            Source::GroupAtExit(group) => {
                let missed = head.status[group] == STATUS_OK && head.late & (1 << group) == 0;
                (if missed { STATUS_FAULT } else { head.status[group] }, Some("exit"))
            }
            Source::Netns => (known(head.netns != 0), Some("entry")),
            Source::Toctou => (known(head.toctou != TOCTOU_NOT_SEEN), None),
            Source::Kernel => {
                let status = match head.toctou {
                    TOCTOU_NOT_SEEN => STATUS_NOT_SEEN,
                    TOCTOU_CHANGED if head.kernel.len != 0 => STATUS_OK,
                    _ => STATUS_ABSENT,
                };
                (status, None)
            }
            Source::Exe => (known(head.exe.len != 0), None),
            Source::Cgroup => (known(head.cgroup.len != 0), None),
            Source::Process(kind) => {
                let part = process::parts(batch.part(head.process), kind).next();
                (known(part.is_some()), None)
            }
        };
        Self { tags, status: status_name(status), read }
    }
}

/// The fields of an event, in the order of the table.
#[derive(Debug)]
pub struct Fields<'a>(pub &'a Head, pub &'a Batch);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(head, batch) = self;
        let rows = fields_of(head.call);
        let mut map = serializer.serialize_map(Some(rows.len()))?;
        for &(path, tags, source) in rows {
            map.serialize_entry(path, &Field::new(tags, source, head, batch))?;
        }
        map.end()
    }
}

fn status_name(status: u8) -> &'static str {
    match status {
        STATUS_OK => "ok",
        STATUS_ABSENT => "absent",
        STATUS_FAULT => "fault",
        STATUS_TRUNCATED => "truncated",
        _ => "not_seen",
    }
}
