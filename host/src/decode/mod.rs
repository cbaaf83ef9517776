//! Record bytes → event. Pure: no I/O, no clock of its own, no `unsafe`, no panic on any input.

mod address;
mod batch;
mod event;
mod names;

use weir_sdk::event::{CALL_SENDMSG, HEAD_BYTES, Head, STATUS_TRUNCATED, Span};
use zerocopy::FromBytes;

pub use batch::{Attributes, Batch};
pub use event::{Event, Field, rfc3339};

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
    /// The destination address is said to reach beyond the record.
    #[error("destination address of {len} bytes at {offset} reaches beyond the record")]
    Name {
        /// Its start, counted from the end of the head.
        offset: u32,
        /// Its length.
        len: u32,
    },
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
    if head.call != CALL_SENDMSG {
        return Err(Undecodable::Call(head.call));
    }
    if let Some((group, &status)) =
        head.status.iter().enumerate().find(|&(_, &status)| status > STATUS_TRUNCATED)
    {
        return Err(Undecodable::Status { group, status });
    }
    let Span { offset, len } = head.name;
    let name = usize::try_from(offset)
        .ok()
        .and_then(|offset| tail.get(offset..)?.get(..len as usize))
        .ok_or(Undecodable::Name { offset, len })?;
    head.seq = seq;
    head.time_ns = head.time_ns.wrapping_add(unix_offset_ns);
    (head.reserved, head.family, head.port, head.scope_id, head.addr) = (0, 0, 0, 0, [0; 16]);
    (head.path, head.attrs, head.exe, head.cgroup) = Default::default();
    head.name = batch.append(name);
    address::parse(name, &mut head, batch);
    batch.heads.push(head);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use weir_sdk::event::{GROUP_NAME, STATUS_OK};
    use zerocopy::IntoBytes;

    use super::*;

    fn record(name: &[u8]) -> Vec<u8> {
        let mut head = Head { call: CALL_SENDMSG, time_ns: 5, ..Head::default() };
        head.name.len = name.len() as u32;
        head.status[GROUP_NAME] = STATUS_OK;
        [head.as_bytes(), name].concat()
    }

    #[test]
    fn refuses_what_is_not_a_record() {
        let mut batch = Batch::default();
        let mut check = |bytes: &[u8]| decode(bytes, 1, 0, &mut batch).unwrap_err();
        assert_eq!(check(&[0; 10]), Undecodable::Short(10));
        assert_eq!(check(&[0; HEAD_BYTES]), Undecodable::Call(0));
        let mut wrong = record(&[]);
        wrong[128] = 9;
        assert_eq!(check(&wrong), Undecodable::Status { group: 0, status: 9 });
        let mut wrong = record(b"abcd");
        wrong.truncate(wrong.len() - 1);
        assert_eq!(check(&wrong), Undecodable::Name { offset: 0, len: 4 });
        assert!(batch.heads.is_empty() && batch.heap.is_empty());
    }

    #[test]
    fn numbers_and_dates_events() {
        let mut batch = Batch::default();
        decode(&record(b"\x02\0\0\x35\x7f\0\0\x01"), 7, 100, &mut batch).unwrap();
        let head = &batch.heads[0];
        assert_eq!((head.seq, head.time_ns, head.port), (7, 105, 53));
        assert_eq!(batch.part(head.name), b"\x02\0\0\x35\x7f\0\0\x01");
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut batch = Batch::default();
            if decode(&bytes, 1, 0, &mut batch).is_ok() {
                serde_json::to_string(&batch.event(0)).unwrap();
            }
        }

        #[test]
        fn renders_any_event(
            bytes in prop::collection::vec(any::<u8>(), HEAD_BYTES..HEAD_BYTES + 1),
            name in prop::collection::vec(any::<u8>(), 0..128),
        ) {
            let mut head = Head::read_from_bytes(&bytes).unwrap();
            head.call = CALL_SENDMSG;
            head.status = head.status.map(|status| status % 5);
            head.name = Span { offset: 0, len: name.len() as u32 };
            let mut batch = Batch::default();
            decode(&[head.as_bytes(), &name].concat(), 1, 0, &mut batch).unwrap();
            let json = serde_json::to_value(batch.event(0)).unwrap();
            prop_assert_eq!(json["seq"].as_u64(), Some(1));
            prop_assert_eq!(batch.part(batch.heads[0].name), &name[..]);
        }
    }
}
