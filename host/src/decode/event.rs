//! The event as JSON: what API, page, `--json` and recordings show. Absent parts are `null`.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    time::{Duration, UNIX_EPOCH},
};

use serde::Serialize;
use weir_sdk::Errno;
use weir_sdk::event::{
    CALL_RECVMMSG, CALL_SENDMMSG, Head, STATUS_OK, STATUS_TRUNCATED, TOCTOU_CHANGED, TOCTOU_SAME,
    TOCTOU_UNREAD,
};

use super::{
    Batch,
    batch::attributes,
    call_name,
    fields::{Field, Fields},
    message::{Kernel, Message},
    names,
    process::{Process, Time},
    sendfile::Sendfile,
    socket::Socket,
};

/// An event, in the shape of docs/api.md.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Event<'a> {
    /// Its number; gaps are events that no pipeline got.
    seq: u64,
    /// When the call entered.
    time: Time,
    call: &'static str,
    /// Which message of sendmmsg(2) or recvmmsg(2) it is.
    index: Option<u32>,
    /// How many messages that call was given.
    vlen: Option<u32>,
    /// Whether a 32-bit program called.
    compat: bool,
    /// The processor that the call entered on.
    cpu: u32,
    /// From entry to return, in nanoseconds.
    duration_ns: u64,
    /// What the call returned; -1 where there is an error.
    ret: i64,
    /// The name of the error, errno(3).
    error: Option<String>,
    process: Process<'a>,
    /// The descriptor that the call was given, whatever it is.
    fd: i32,
    /// `MSG_` flags that the call was given, send(2).
    flags: Vec<Cow<'static, str>>,
    /// What the descriptor is, if it is a socket and that was seen.
    socket: Option<Socket>,
    msg: Message<'a>,
    /// Of sendfile(2) only.
    sendfile: Option<Sendfile<'a>>,
    /// Whether the kernel used what stood in the caller's memory at entry: `same`, `changed` or `unread`.
    toctou: Option<&'static str>,
    /// What the kernel used, where it is known to be something else.
    kernel: Option<Kernel<'a>>,
    /// How each part was read, by its path; docs/events.md has them all.
    #[schema(value_type = BTreeMap<String, Field>)]
    fields: Fields<'a>,
    /// What scripts added.
    attrs: BTreeMap<String, String>,
}

impl<'a> Event<'a> {
    pub(super) fn new(head: &'a Head, batch: &'a Batch) -> Self {
        let one_of_many = matches!(head.call, CALL_SENDMMSG | CALL_RECVMMSG);
        Self {
            seq: head.seq,
            time: Time(head.time_ns),
            call: call_name(head.call).unwrap_or_default(),
            index: one_of_many.then_some(head.index),
            vlen: one_of_many.then_some(head.vlen),
            compat: head.compat == 1,
            cpu: head.cpu,
            duration_ns: head.duration_ns,
            ret: head.ret.max(-1),
            error: Errno::of(head.ret).map(|error| error.to_string()),
            process: Process::new(head, batch),
            fd: head.fd,
            flags: names::flags(head.flags),
            socket: Socket::new(head, batch),
            msg: Message::new(head, batch),
            sendfile: Sendfile::new(head, batch),
            toctou: match head.toctou {
                TOCTOU_SAME => Some("same"),
                TOCTOU_CHANGED => Some("changed"),
                TOCTOU_UNREAD => Some("unread"),
                _ => None,
            },
            kernel: Kernel::new(head, batch),
            fields: Fields(head, batch),
            attrs: attributes(batch.part(head.attrs))
                .map(|(name, value)| (lossy(name), lossy(value)))
                .collect(),
        }
    }
}

impl Event<'_> {
    /// The same without the bytes of the payload: only how many there are, and that they are hidden.
    pub fn without_payload(mut self) -> Self {
        self.msg.hide_payload();
        self
    }
}

/// Whether a group was read, if only its beginning.
pub(super) fn read(head: &Head, group: usize) -> bool {
    matches!(head.status[group], STATUS_OK | STATUS_TRUNCATED)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A time as RFC 3339 with nanoseconds, in UTC.
pub fn rfc3339(unix_ns: u64) -> impl fmt::Display {
    humantime::format_rfc3339_nanos(UNIX_EPOCH + Duration::from_nanos(unix_ns))
}

#[cfg(test)]
mod tests;
