//! Kept events in blocks: several batches as one, without what their events do not use, compressed.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use weir_sdk::event::{ABI, HEAD_BYTES, Head, Span};
use zerocopy::{FromBytes, IntoBytes};

use super::Error;
use crate::decode::Batch;

/// Events of a block at most, and bytes of its heap, unless one batch has more.
const EVENTS: usize = 4_096;
/// See [`EVENTS`].
const HEAP_BYTES: usize = 1 << 20;
/// Of zstd.
const LEVEL: i32 = 3;
/// Largest block that is read, uncompressed: what one batch of the largest events could take, and some.
const MOST_BYTES: usize = 256 << 20;

/// Events that are not written yet.
#[derive(Debug, Default)]
pub struct Open {
    batch: Batch,
}

/// Events as they are written.
#[derive(Debug)]
pub struct Block {
    /// The number of the first.
    pub first_seq: u64,
    /// The number of the last.
    pub last_seq: u64,
    /// When the first entered, Unix time.
    pub first_ns: u64,
    /// When the last entered.
    pub last_ns: u64,
    /// How many there are.
    pub count: usize,
    body: Vec<u8>,
}

impl Open {
    /// Adds a batch.
    pub fn add(&mut self, batch: &Batch) {
        // Events in a row share what the host knows of their process.
        let mut moved = HashMap::<(u32, u32), Span>::new();
        for head in &batch.heads {
            let mut head = *head;
            for span in spans(&mut head) {
                if span.len == 0 {
                    *span = Span::default();
                    continue;
                }
                *span = *moved
                    .entry((span.offset, span.len))
                    .or_insert_with(|| self.batch.append(batch.part(*span)));
            }
            self.batch.push(head);
        }
    }

    /// Whether it is large enough to be written.
    pub fn is_full(&self) -> bool {
        self.batch.heads.len() >= EVENTS || self.batch.heap.len() >= HEAP_BYTES
    }

    /// The block, unless there is nothing; then it begins anew.
    pub fn close(&mut self) -> Option<Block> {
        let batch = std::mem::take(&mut self.batch);
        let (first, last) = (batch.heads.first()?, batch.heads.last()?);
        let times = batch.heads.iter().map(|head| head.time_ns);
        let (first_seq, last_seq) = (first.seq, last.seq);
        let (first_ns, last_ns) = (times.clone().min()?, times.max()?);
        let count = batch.heads.len();
        let mut plain = Vec::with_capacity(16 + batch.size_bytes());
        for number in [ABI, HEAD_BYTES as u32, count as u32, batch.heap.len() as u32] {
            plain.extend_from_slice(&number.to_le_bytes());
        }
        // Heads differ little from one to the next: byte by byte they compress better.
        let heads = batch.heads.as_bytes();
        for byte in 0..HEAD_BYTES {
            plain.extend(heads.iter().skip(byte).step_by(HEAD_BYTES));
        }
        plain.extend_from_slice(&batch.heap);
        let body = zstd::bulk::compress(&plain, LEVEL).expect("memory is all that it takes");
        Some(Block { first_seq, last_seq, first_ns, last_ns, count, body })
    }
}

/// Every variable part of an event.
fn spans(head: &mut Head) -> [&mut Span; 13] {
    let Head {
        name,
        path,
        attrs,
        exe,
        cgroup,
        iov,
        control,
        payload,
        files,
        local,
        peer,
        kernel,
        process,
        ..
    } = head;
    [name, path, attrs, exe, cgroup, iov, control, payload, files, local, peer, kernel, process]
}

/// The events of a block.
fn unpack(body: &[u8]) -> Result<Batch, Error> {
    let damaged = |why: &str| Error::Damaged(format!("a block of events: {why}"));
    let plain = zstd::stream::Decoder::new(body).map_err(|error| damaged(&error.to_string()))?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(plain, MOST_BYTES as u64), &mut bytes)
        .map_err(|error| damaged(&error.to_string()))?;
    let (numbers, rest) = bytes.split_first_chunk::<16>().ok_or_else(|| damaged("too short"))?;
    let number = |at: usize| {
        u32::from_le_bytes([numbers[at], numbers[at + 1], numbers[at + 2], numbers[at + 3]])
            as usize
    };
    let (abi, stride, count, heap) = (number(0), number(4), number(8), number(12));
    if abi != ABI as usize || stride > HEAD_BYTES {
        return Err(damaged("of another version"));
    }
    let heads = stride.checked_mul(count).ok_or_else(|| damaged("too many events"))?;
    if heads + heap != rest.len() {
        return Err(damaged("of another length than it says"));
    }
    let (columns, heap) = rest.split_at(heads);
    // Fields that were not there yet are zero.
    let mut batch = Batch { heap: heap.to_vec(), ..Batch::default() };
    for event in 0..count {
        let mut head = [0; HEAD_BYTES];
        for (byte, to) in head[..stride].iter_mut().enumerate() {
            *to = columns[byte * count + event];
        }
        let head = Head::read_from_bytes(&head).map_err(|_| damaged("a head that is none"))?;
        if head.call >= 16 {
            return Err(damaged("a call that is none"));
        }
        batch.push(head);
    }
    Ok(batch)
}

/// Writes a block.
pub fn write(one: &Transaction<'_>, pipeline: &str, block: &Block) -> Result<(), Error> {
    let Block { first_seq, last_seq, first_ns, last_ns, count, body } = block;
    let mut query = one.prepare_cached(
        "INSERT INTO events (pipeline, first_seq, last_seq, first_ns, last_ns, count, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let number = |number: &u64| number.cast_signed();
    query.execute(params![
        pipeline,
        number(first_seq),
        number(last_seq),
        number(first_ns),
        number(last_ns),
        *count as i64,
        body
    ])?;
    Ok(())
}

/// The block with the last events of a pipeline before a number, if there is one.
pub fn before(database: &Connection, pipeline: &str, seq: u64) -> Result<Option<Batch>, Error> {
    let mut query = database.prepare_cached(
        "SELECT body FROM events WHERE pipeline = ?1 AND first_seq < ?2 ORDER BY first_seq DESC LIMIT 1",
    )?;
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let body =
        query.query_row(params![pipeline, seq], |row| row.get::<_, Vec<u8>>(0)).optional()?;
    body.map(|body| unpack(&body)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(seqs: std::ops::Range<u64>) -> Batch {
        let mut batch = Batch::default();
        let process = batch.append(b"shared");
        batch.append(b"of an event that was dropped");
        for seq in seqs {
            let name = batch.append(format!("name {seq}").as_bytes());
            let time_ns = 1_780_000_000_000_000_000 + seq;
            batch.push(Head { seq, time_ns, call: 1, name, process, ..Head::default() });
        }
        batch
    }

    fn check(batch: &Batch, seqs: std::ops::Range<u64>) {
        assert_eq!(
            batch.heads.iter().map(|head| head.seq).collect::<Vec<_>>(),
            seqs.collect::<Vec<_>>()
        );
        for head in &batch.heads {
            assert_eq!(batch.part(head.name), format!("name {}", head.seq).as_bytes());
            assert_eq!(batch.part(head.process), b"shared");
        }
        assert_eq!(batch.calls, 1 << 1);
    }

    #[test]
    fn what_is_written_is_read_and_found_by_number() {
        let folder = tempfile::tempdir().unwrap();
        let (mut database, _) = crate::store::schema::open(folder.path()).unwrap();
        let one = database.transaction().unwrap();
        let mut open = Open::default();
        for (parts, last) in [([1..4, 4..7], 6), ([10..12, 12..20], 19)] {
            parts.into_iter().for_each(|seqs| open.add(&batch(seqs)));
            let block = open.close().unwrap();
            assert_eq!((block.last_seq, block.count as u64), (last, last + 1 - block.first_seq));
            write(&one, "p", &block).unwrap();
        }
        assert!(open.close().is_none());
        one.commit().unwrap();
        for (seq, seqs) in [(u64::MAX, 10..20), (11, 10..20), (10, 1..7), (2, 1..7)] {
            check(&before(&database, "p", seq).unwrap().unwrap(), seqs);
        }
        assert!(before(&database, "p", 1).unwrap().is_none());
        assert!(before(&database, "q", 9).unwrap().is_none());
    }

    #[test]
    fn what_no_event_uses_is_left_out_and_a_shared_part_is_there_once() {
        let mut open = Open::default();
        open.add(&batch(1..4));
        assert_eq!(open.batch.heap, b"name 1sharedname 2name 3");
    }

    #[test]
    fn damage_is_an_error() {
        let mut open = Open::default();
        open.add(&batch(1..4));
        let body = open.close().unwrap().body;
        assert!(unpack(&body[..body.len() / 2]).is_err());
        assert!(unpack(b"").is_err());
        let plain = zstd::stream::decode_all(&body[..]).unwrap();
        for (at, byte) in [(0, 9), (4, 255), (5, 255), (8, 200), (12, 1)] {
            let mut plain = plain.clone();
            plain[at] = byte;
            assert!(unpack(&zstd::bulk::compress(&plain, 1).unwrap()).is_err(), "{at}");
        }
    }
}
