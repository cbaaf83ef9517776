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
    fields::Fields,
    message::{Kernel, Message},
    names,
    process::{Process, Time},
    sendfile::Sendfile,
    socket::Socket,
};

/// An event, in the shape of docs/api.md.
#[derive(Debug, Serialize)]
pub struct Event<'a> {
    seq: u64,
    time: Time,
    call: &'static str,
    index: Option<u32>,
    vlen: Option<u32>,
    compat: bool,
    cpu: u32,
    duration_ns: u64,
    ret: i64,
    error: Option<String>,
    process: Process<'a>,
    fd: i32,
    flags: Vec<Cow<'static, str>>,
    socket: Option<Socket>,
    msg: Message<'a>,
    sendfile: Option<Sendfile<'a>>,
    toctou: Option<&'static str>,
    kernel: Option<Kernel<'a>>,
    fields: Fields<'a>,
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
