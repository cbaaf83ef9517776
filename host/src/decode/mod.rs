//! Record bytes → event. Pure: no I/O, no clock of its own, no `unsafe`, no panic on any input.

mod address;
mod batch;
mod compat;
mod control;
mod event;
mod fields;
mod files;
mod message;
mod names;
mod process;
#[cfg(test)]
pub(crate) mod sample;
mod sendfile;
mod socket;
mod text;

use weir_ebpf::Notice;
use weir_sdk::event::{
    CALL_NAMES, CALL_RECVFROM, CALL_RECVMMSG, CALL_RECVMSG, GROUP_CONTROL, GROUP_NAME,
    GROUP_PAYLOAD, HEAD_BYTES, Head, STATUS_ABSENT, STATUS_NOT_SEEN, STATUS_TRUNCATED, Span,
};
use zerocopy::FromBytes;

pub use batch::{Attributes, Batch, Only};
pub use event::{Event, rfc3339};
pub use fields::{Field, Row, Source, fields_of};
pub use names::family as family_name;

/// Why a record is not an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Undecodable {
    /// Shorter than a head.
    #[error("{0} bytes, shorter than the head of an event ({HEAD_BYTES} bytes)")]
    Short(usize),
    /// A call that this version does not know.
    #[error("unknown call {0}")]
    Call(u16),
    /// A status that does not exist.
    #[error("unknown status {status} of field group {group}")]
    Status {
        /// The group.
        group: usize,
        /// What stands there.
        status: u8,
    },
    /// A variable part is said to reach beyond the record.
    #[error("{part} of {len} bytes at {offset} reaches beyond the record")]
    Part {
        /// Which.
        part: &'static str,
        /// Its start, counted from the end of the head.
        offset: u32,
        /// Its length.
        len: u32,
    },
    /// What a variable part holds is said to reach beyond that part.
    #[error("what {part} holds reaches beyond its {len} bytes")]
    Inside {
        /// Which.
        part: &'static str,
        /// Its length.
        len: u32,
    },
}

/// What a record says that is of no call, but of what became of a process.
pub fn notice(record: &[u8]) -> Option<Notice> {
    // A record of a call is longer.
    Notice::read_from_bytes(record).ok()
}

/// Decodes one record and appends the event to the batch, as number `seq`.
///
/// `unix_offset_ns` is what `CLOCK_REALTIME` is ahead of `CLOCK_MONOTONIC`, in nanoseconds.
pub fn decode(
    record: &[u8],
    seq: u64,
    unix_offset_ns: u64,
    batch: &mut Batch,
) -> Result<(), Undecodable> {
    let (mut head, tail) =
        Head::read_from_prefix(record).map_err(|_| Undecodable::Short(record.len()))?;
    call_name(head.call).ok_or(Undecodable::Call(head.call))?;
    if let Some((group, &status)) =
        head.status.iter().enumerate().find(|&(_, &status)| status > STATUS_TRUNCATED)
    {
        return Err(Undecodable::Status { group, status });
    }
    head.seq = seq;
    head.time_ns = head.time_ns.wrapping_add(unix_offset_ns);
    (head.reserved, head.reserved2) = (0, 0);
    (head.family, head.port, head.scope_id, head.addr) = (0, 0, 0, [0; 16]);
    (head.path, head.attrs, head.exe, head.cgroup) = Default::default();
    head.process = Span::default();
    if receives(head.call) && head.ret < 0 {
        forget_what_was_not_received(&mut head);
    }
    let start = batch.heap.len();
    let parts = parts(&mut head, tail, batch);
    match parts {
        Ok(()) => batch.push(head),
        Err(_) => batch.heap.truncate(start),
    }
    parts
}

/// Moves the variable parts from behind the head into the heap.
fn parts(head: &mut Head, tail: &[u8], batch: &mut Batch) -> Result<(), Undecodable> {
    let compat = head.compat == 1;
    let name = part("name", head.name, tail)?;
    head.name = batch.append(name);
    address::fill(head, name, batch);
    let iov = part("iov", head.iov, tail)?;
    head.iov = if compat { compat::append_iov(iov, batch) } else { batch.append(iov) };
    let control = part("control", head.control, tail)?;
    head.control =
        if compat { compat::append_control(control, batch) } else { batch.append(control) };
    head.payload = batch.append(part("payload", head.payload, tail)?);
    let inside = |part, span: Span| Undecodable::Inside { part, len: span.len };
    head.files = files::append(part("files", head.files, tail)?, batch)
        .ok_or_else(|| inside("files", head.files))?;
    head.local = batch.append(part("local", head.local, tail)?);
    head.peer = batch.append(part("peer", head.peer, tail)?);
    let kernel = part("kernel", head.kernel, tail)?;
    if !kernel.is_empty() {
        message::KernelPart::parse(kernel).ok_or_else(|| inside("kernel", head.kernel))?;
    }
    head.kernel = batch.append(kernel);
    Ok(())
}

fn part<'a>(part: &'static str, span: Span, tail: &'a [u8]) -> Result<&'a [u8], Undecodable> {
    let Span { offset, len } = span;
    if len == 0 {
        return Ok(&[]);
    }
    tail.get(offset as usize..).and_then(|rest| rest.get(..len as usize)).ok_or(Undecodable::Part {
        part,
        offset,
        len,
    })
}

/// A call that failed has received nothing: what lies in the caller's buffers is of before.
fn forget_what_was_not_received(head: &mut Head) {
    for group in [GROUP_NAME, GROUP_CONTROL, GROUP_PAYLOAD] {
        if head.status[group] != STATUS_NOT_SEEN {
            head.status[group] = STATUS_ABSENT;
        }
    }
    (head.name, head.control, head.payload, head.files) = Default::default();
}

fn receives(call: u16) -> bool {
    matches!(call, CALL_RECVMSG | CALL_RECVMMSG | CALL_RECVFROM)
}

fn call_name(call: u16) -> Option<&'static str> {
    CALL_NAMES.get(usize::from(call).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests;
