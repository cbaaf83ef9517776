//! The event as JSON: what API, page, `--json` and recordings show. Absent parts are `null`.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, Ipv6Addr},
};

use serde::{Serialize, Serializer};
use weir_sdk::Errno;
use weir_sdk::event::{
    AF_INET, AF_INET6, AF_UNIX, GROUP_IOV, GROUP_MSG, GROUP_NAME, GROUP_PPID, GROUP_START, Head,
    STATUS_ABSENT, STATUS_FAULT, STATUS_NOT_SEEN, STATUS_OK, STATUS_TRUNCATED,
};

use super::{Batch, batch::attributes, names};

/// An event, in the shape of docs/api.md.
#[derive(Debug, Serialize)]
pub struct Event<'a> {
    seq: u64,
    #[serde(serialize_with = "time")]
    time: u64,
    call: &'static str,
    cpu: u32,
    duration_ns: u64,
    ret: i64,
    error: Option<String>,
    process: Process<'a>,
    fd: i32,
    flags: Vec<String>,
    /// Not seen yet by any backend.
    socket: Option<()>,
    msg: Message<'a>,
    /// Not seen yet by any backend.
    toctou: Option<()>,
    fields: BTreeMap<&'static str, Field>,
    attrs: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct Process<'a> {
    pid: u32,
    tid: u32,
    ppid: Option<u32>,
    uid: u32,
    gid: u32,
    #[serde(serialize_with = "text")]
    comm: &'a [u8],
    #[serde(serialize_with = "optional_text")]
    exe: Option<&'a [u8]>,
    #[serde(serialize_with = "optional_text")]
    cgroup: Option<&'a [u8]>,
    cgroup_id: u64,
    container: Option<()>,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    ptr: String,
    name: Option<Name<'a>>,
    namelen: Option<i32>,
    iov: Option<()>,
    iovlen: Option<u64>,
    bytes: Option<u64>,
    payload: Option<()>,
    payload_len: Option<()>,
    control: Option<()>,
    controllen: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Name<'a> {
    Inet {
        family: String,
        address: Ipv4Addr,
        port: u16,
    },
    Inet6 {
        family: String,
        address: Ipv6Addr,
        port: u16,
        flowinfo: u32,
        scope_id: u32,
    },
    Unix {
        family: String,
        #[serde(serialize_with = "text")]
        path: &'a [u8],
    },
    Raw {
        family: String,
        raw: String,
    },
}

/// How a field was read, and what that is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// `K` from kernel memory, `U` from user memory, `TOCTOU` if the user could have changed it
    /// between read and use, `OPT` if the caller may leave it out.
    pub tags: &'static [&'static str],
    /// `ok`, `absent`, `fault`, `truncated` or `not_seen`.
    pub status: &'static str,
}

const K: &[&str] = &["K"];
const K_OPT: &[&str] = &["K", "OPT"];
const U: &[&str] = &["U", "TOCTOU"];
const U_OPT: &[&str] = &["U", "TOCTOU", "OPT"];

impl<'a> Event<'a> {
    pub(super) fn new(head: &'a Head, batch: &'a Batch) -> Self {
        let seen = |group: usize| head.status[group] != STATUS_NOT_SEEN;
        let read = |group: usize| matches!(head.status[group], STATUS_OK | STATUS_TRUNCATED);
        let message = read(GROUP_MSG);
        let known = |span| Some(batch.part(span)).filter(|part| !part.is_empty());
        let comm = head.comm.split(|&byte| byte == 0).next().unwrap_or_default();
        Self {
            seq: head.seq,
            time: head.time_ns,
            call: "sendmsg",
            cpu: head.cpu,
            duration_ns: head.duration_ns,
            ret: head.ret.max(-1),
            error: Errno::of(head.ret).map(|error| error.to_string()),
            process: Process {
                pid: head.pid,
                tid: head.tid,
                ppid: seen(GROUP_PPID).then_some(head.ppid),
                uid: head.uid,
                gid: head.gid,
                comm,
                exe: known(head.exe),
                cgroup: known(head.cgroup),
                cgroup_id: head.cgroup_id,
                container: None,
            },
            fd: head.fd,
            flags: names::flags(head.flags),
            socket: None,
            msg: Message {
                ptr: format!("{:#x}", head.msg_ptr),
                name: read(GROUP_NAME).then(|| name(head, batch)),
                namelen: message.then_some(head.namelen),
                iov: None,
                iovlen: message.then_some(head.iovlen),
                bytes: match head.status[GROUP_IOV] {
                    STATUS_OK | STATUS_TRUNCATED | STATUS_ABSENT => Some(head.bytes),
                    _ => None,
                },
                payload: None,
                payload_len: None,
                control: None,
                controllen: message.then_some(head.controllen),
            },
            toctou: None,
            fields: fields(head),
            attrs: attributes(batch.part(head.attrs))
                .map(|(name, value)| (lossy(name), lossy(value)))
                .collect(),
        }
    }
}

fn fields(head: &Head) -> BTreeMap<&'static str, Field> {
    let ok = |tags| Field { tags, status: "ok" };
    let group = |tags, group: usize| Field { tags, status: status(head.status[group]) };
    let not_seen = |tags| Field { tags, status: status(STATUS_NOT_SEEN) };
    let host = |tags, span: weir_sdk::event::Span| Field {
        tags,
        status: status(if span.len == 0 { STATUS_NOT_SEEN } else { STATUS_OK }),
    };
    BTreeMap::from([
        ("duration_ns", ok(K)),
        ("ret", ok(K)),
        ("process.pid", ok(K)),
        ("process.ppid", group(K, GROUP_PPID)),
        ("process.start", group(K, GROUP_START)),
        ("process.exe", host(K, head.exe)),
        ("process.cgroup", host(K, head.cgroup)),
        ("fd", ok(K)),
        ("flags", ok(K_OPT)),
        ("socket", not_seen(K)),
        ("msg", group(U, GROUP_MSG)),
        ("msg.name", group(U_OPT, GROUP_NAME)),
        ("msg.bytes", group(U_OPT, GROUP_IOV)),
        ("msg.iov", not_seen(U_OPT)),
        ("msg.payload", not_seen(U_OPT)),
        ("msg.control", not_seen(U_OPT)),
        ("toctou", not_seen(K)),
    ])
}

fn status(status: u8) -> &'static str {
    match status {
        STATUS_OK => "ok",
        STATUS_ABSENT => "absent",
        STATUS_FAULT => "fault",
        STATUS_TRUNCATED => "truncated",
        _ => "not_seen",
    }
}

fn name<'a>(head: &Head, batch: &'a Batch) -> Name<'a> {
    let raw = batch.part(head.name);
    let family = names::family(head.family);
    match (head.family, raw.len()) {
        (AF_INET, 8..) => {
            let [a, b, c, d, ..] = head.addr;
            Name::Inet { family, address: Ipv4Addr::new(a, b, c, d), port: head.port }
        }
        (AF_INET6, 24..) => Name::Inet6 {
            family,
            address: Ipv6Addr::from(head.addr),
            port: head.port,
            flowinfo: u32::from_be_bytes([raw[4], raw[5], raw[6], raw[7]]),
            scope_id: head.scope_id,
        },
        (AF_UNIX, 2..) => Name::Unix { family, path: batch.part(head.path) },
        _ => Name::Raw { family, raw: raw.iter().map(|byte| format!("{byte:02x}")).collect() },
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn text<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(bytes))
}

fn optional_text<S: Serializer>(bytes: &Option<&[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    match bytes {
        Some(bytes) => text(bytes, serializer),
        None => serializer.serialize_none(),
    }
}

fn time<S: Serializer>(unix_ns: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&rfc3339(*unix_ns))
}

/// A time as RFC 3339 with nanoseconds, in UTC.
pub fn rfc3339(unix_ns: u64) -> impl std::fmt::Display {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(unix_ns);
    humantime::format_rfc3339_nanos(time)
}

#[cfg(test)]
mod tests {
    use weir_sdk::event::{CALL_SENDMSG, Head, Span};
    use zerocopy::IntoBytes;

    use super::*;

    fn render(change: impl FnOnce(&mut Head), name: &[u8]) -> serde_json::Value {
        let mut head = Head {
            time_ns: 1_795_454_431_123_456_789,
            duration_ns: 2310,
            ret: 64,
            bytes: 64,
            msg_ptr: 0x7ffd_5c00,
            iovlen: 1,
            pid: 4242,
            tid: 4243,
            ppid: 1,
            fd: 7,
            flags: 0x40,
            namelen: name.len() as i32,
            call: CALL_SENDMSG,
            status: [STATUS_OK; 8],
            comm: *b"named\0\0\0\0\0\0\0\0\0\0\0",
            name: Span { offset: 0, len: name.len() as u32 },
            ..Head::default()
        };
        change(&mut head);
        let mut batch = Batch::default();
        super::super::decode(&[head.as_bytes(), name].concat(), 81234, 0, &mut batch).unwrap();
        let mut added = super::super::Attributes::default();
        added.add(0, b"service", b"dns");
        let batch = batch.after(&[0], &mut added);
        serde_json::to_value(batch.event(0)).unwrap()
    }

    #[test]
    fn whole_event() {
        insta::assert_json_snapshot!(render(|_| {}, b"\x02\0\0\x35\x7f\0\0\x01\0\0\0\0\0\0\0\0"));
    }

    #[test]
    fn what_was_not_read_is_null() {
        let event = render(
            |head| {
                head.status = [STATUS_NOT_SEEN; 8];
                head.status[GROUP_MSG] = STATUS_FAULT;
                head.ret = -14;
            },
            b"",
        );
        for path in ["/msg/name", "/msg/namelen", "/msg/bytes", "/msg/iovlen", "/process/ppid"] {
            assert!(event.pointer(path).unwrap().is_null(), "{path}");
        }
        assert_eq!(event["fields"]["msg"]["status"], "fault");
        assert_eq!((&event["ret"], &event["error"]), (&(-1).into(), &"EFAULT".into()));
    }

    #[test]
    fn other_families_stay_raw() {
        let event = render(|_| {}, b"\x10\0\x01\x02");
        assert_eq!(
            event["msg"]["name"],
            serde_json::json!({"family": "AF_NETLINK", "raw": "10000102"})
        );
        let short = render(|_| {}, b"\x02\0\x14");
        assert_eq!(short["msg"]["name"]["raw"], "020014");
    }
}
