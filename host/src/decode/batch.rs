//! Events in one block: heads, and the heap that their variable parts lie in.

use weir_sdk::event::{BATCH_HEADER_BYTES, BatchHeader, DROP, HEAD_BYTES, Head, Span};
use zerocopy::IntoBytes;

use super::Event;

/// Up to [`weir_sdk::event::BATCH_EVENTS`] events: the unit that moves.
#[derive(Debug, Default)]
pub struct Batch {
    /// The fixed parts.
    pub heads: Vec<Head>,
    /// The variable parts.
    pub heap: Vec<u8>,
    /// The calls that there may be events of: a bit for each, at its number.
    pub calls: u16,
    /// Calls lost since the batch before this one.
    pub lost_before: u64,
    /// When the batch was closed: nanoseconds since the Unix epoch.
    pub now_ns: u64,
}

/// Some events of a batch, by index and in their order; all of them if there is no list.
pub type Only<'a> = Option<&'a [u32]>;

/// Attributes that a script adds to the events of the batch it was given.
#[derive(Debug, Default)]
pub struct Attributes {
    /// Index of the event, and where its attribute lies in `bytes`.
    entries: Vec<(u32, std::ops::Range<usize>)>,
    /// Attributes as they lie in the heap: two lengths, two texts.
    bytes: Vec<u8>,
}

impl Attributes {
    /// Adds one. Name and value are cut at 65,535 bytes, which is what a length can say.
    pub fn add(&mut self, event: u32, name: &[u8], value: &[u8]) {
        let most = usize::from(u16::MAX);
        let (name, value) = (&name[..name.len().min(most)], &value[..value.len().min(most)]);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&(name.len() as u16).to_le_bytes());
        self.bytes.extend_from_slice(&(value.len() as u16).to_le_bytes());
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(value);
        self.entries.push((event, start..self.bytes.len()));
    }

    /// Makes them those of a whole batch, when they were added to only some of its events.
    pub fn move_to(&mut self, only: &[u32]) {
        for (event, _) in &mut self.entries {
            *event = only[*event as usize];
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes they take.
    pub fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets them all, and keeps the room.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes.clear();
    }
}

/// The attributes in a part of the heap: names and values.
pub fn attributes(mut part: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let (lengths, rest) = part.split_first_chunk::<4>()?;
        let name_len = usize::from(u16::from_le_bytes([lengths[0], lengths[1]]));
        let value_len = usize::from(u16::from_le_bytes([lengths[2], lengths[3]]));
        let (name, rest) = rest.split_at_checked(name_len)?;
        let (value, rest) = rest.split_at_checked(value_len)?;
        part = rest;
        Some((name, value))
    })
}

impl Batch {
    /// Adds an event, whose variable parts are in the heap already.
    pub fn push(&mut self, head: Head) {
        self.calls |= 1 << head.call;
        self.heads.push(head);
    }

    /// Adds to the heap.
    pub fn append(&mut self, part: &[u8]) -> Span {
        if part.is_empty() {
            return Span::default();
        }
        let span = Span { offset: self.heap.len() as u32, len: part.len() as u32 };
        self.heap.extend_from_slice(part);
        span
    }

    /// A variable part; nothing, if the span is none of this batch's.
    pub fn part(&self, span: Span) -> &[u8] {
        self.heap
            .get(span.offset as usize..)
            .and_then(|rest| rest.get(..span.len as usize))
            .unwrap_or_default()
    }

    /// The event at an index, as the API shows it.
    pub fn event(&self, index: usize) -> Event<'_> {
        Event::new(&self.heads[index], self)
    }

    /// The event at an index, as scripts see it.
    pub fn view(&self, index: usize) -> weir_sdk::Event<'_> {
        weir_sdk::Event::of(&self.heads[index], &self.heap)
    }

    /// What it takes in memory, about.
    pub fn size_bytes(&self) -> usize {
        self.heads.len() * HEAD_BYTES + self.heap.len()
    }

    /// The header, and the length of the whole block in bytes.
    pub fn header(&self, only: Only<'_>) -> (BatchHeader, usize) {
        self.header_by(only, HEAD_BYTES)
    }

    /// The same, as a host has it whose heads have so many bytes: one that appended fields. A multiple of 8, and
    /// [`HEAD_BYTES`] at least.
    pub fn header_by(&self, only: Only<'_>, stride: usize) -> (BatchHeader, usize) {
        let count = only.map_or(self.heads.len(), <[u32]>::len);
        let first = only.map_or(0, |only| only.first().map_or(0, |&index| index as usize));
        let verdicts = BATCH_HEADER_BYTES + count * stride;
        let heap = (verdicts + count).next_multiple_of(8);
        let header = BatchHeader {
            version: weir_sdk::event::ABI,
            count: count as u32,
            stride: stride as u32,
            heads: BATCH_HEADER_BYTES as u32,
            verdicts: verdicts as u32,
            heap: heap as u32,
            heap_len: self.heap.len() as u32,
            reserved: 0,
            first_seq: self.heads.get(first).map_or(0, |head| head.seq),
            lost_before: self.lost_before,
            now_ns: self.now_ns,
        };
        (header, heap + self.heap.len())
    }

    /// Writes the block, all verdicts set to keep. `to` is as long as [`Self::header`] says. What a host with longer
    /// heads appends is none of the values that a script may rely on.
    pub fn write(&self, header: &BatchHeader, only: Only<'_>, to: &mut [u8]) {
        let (fixed, heap) = to.split_at_mut(header.heap as usize);
        let (start, verdicts) = fixed.split_at_mut(header.verdicts as usize);
        start[..BATCH_HEADER_BYTES].copy_from_slice(header.as_bytes());
        let heads = &mut start[BATCH_HEADER_BYTES..];
        let stride = header.stride as usize;
        match only {
            None if stride == HEAD_BYTES => heads.copy_from_slice(self.heads.as_bytes()),
            None => {
                for (to, head) in heads.chunks_exact_mut(stride).zip(&self.heads) {
                    write_longer(head, to);
                }
            }
            Some(only) => {
                for (to, &index) in heads.chunks_exact_mut(stride).zip(only) {
                    write_longer(&self.heads[index as usize], to);
                }
            }
        }
        verdicts.fill(weir_sdk::event::KEEP);
        heap[..self.heap.len()].copy_from_slice(&self.heap);
    }

    /// What is left of the batch after a script: the events it keeps, with the attributes it added.
    ///
    /// The heap is taken over whole, so no other span changes.
    pub fn after(&self, verdicts: &[u8], added: &mut Attributes) -> Self {
        added.entries.sort_by_key(|(event, _)| *event);
        let mut added_to = added.entries.chunk_by(|(a, _), (b, _)| a == b).peekable();
        let mut next = Self {
            heads: Vec::with_capacity(self.heads.len()),
            heap: Vec::with_capacity(self.heap.len() + added.bytes.len()),
            calls: self.calls,
            lost_before: self.lost_before,
            now_ns: self.now_ns,
        };
        next.heap.extend_from_slice(&self.heap);
        for (index, (head, &verdict)) in self.heads.iter().zip(verdicts).enumerate() {
            let entries = added_to.next_if(|entries| entries[0].0 as usize == index);
            if verdict == DROP {
                continue;
            }
            let mut head = *head;
            if let Some(entries) = entries {
                let offset = next.heap.len() as u32;
                next.heap.extend_from_slice(self.part(head.attrs));
                for (_, range) in entries {
                    next.heap.extend_from_slice(&added.bytes[range.clone()]);
                }
                head.attrs = Span { offset, len: next.heap.len() as u32 - offset };
            }
            next.heads.push(head);
        }
        next
    }
}

/// Writes a head where there is room for it, and for what a later host appends.
fn write_longer(head: &Head, to: &mut [u8]) {
    const APPENDED: u8 = 0xa5;
    let (known, appended) = to.split_at_mut(HEAD_BYTES);
    known.copy_from_slice(head.as_bytes());
    appended.fill(APPENDED);
}

#[cfg(test)]
mod tests {
    use weir_sdk::event::KEEP;
    use zerocopy::FromBytes;

    use super::*;

    fn batch() -> Batch {
        let mut batch = Batch::default();
        for seq in 1..=3 {
            let name = batch.append(format!("name {seq}").as_bytes());
            batch.heads.push(Head { seq, name, ..Head::default() });
        }
        batch
    }

    #[test]
    fn writes_the_layout() {
        let batch = batch();
        let (header, len) = batch.header(None);
        let mut block = vec![0xff; len];
        batch.write(&header, None, &mut block);
        let (read, _) = BatchHeader::read_from_prefix(&block).unwrap();
        assert_eq!(read, header);
        assert_eq!((read.count, read.first_seq), (3, 1));
        let second = read.heads as usize + read.stride as usize;
        let (head, _) = Head::read_from_prefix(&block[second..]).unwrap();
        assert_eq!(head, batch.heads[1]);
        let name = read.heap as usize + head.name.offset as usize;
        assert_eq!(&block[name..][..head.name.len as usize], b"name 2");
        assert_eq!(block[read.verdicts as usize..][..3], [KEEP; 3]);
    }

    #[test]
    fn writes_only_some_events() {
        let batch = batch();
        let only = Some(&[1, 2][..]);
        let (header, len) = batch.header(only);
        assert_eq!((header.count, header.first_seq), (2, 2));
        let mut block = vec![0xff; len];
        batch.write(&header, only, &mut block);
        for (at, expected) in batch.heads[1..].iter().enumerate() {
            let (head, _) =
                Head::read_from_prefix(&block[BATCH_HEADER_BYTES + at * HEAD_BYTES..]).unwrap();
            assert_eq!(head, *expected);
        }
        assert_eq!(block[header.verdicts as usize..][..2], [KEEP; 2]);
        assert_eq!(&block[header.heap as usize..], &batch.heap);
        let mut added = Attributes::default();
        added.add(1, b"a", b"1");
        added.move_to(&[1, 2]);
        let after = batch.after(&[KEEP; 3], &mut added);
        assert_eq!(after.heads[1].attrs.len, 0);
        assert_eq!(after.part(after.heads[2].attrs), b"\x01\0\x01\0a1");
    }

    #[test]
    fn writes_heads_with_room_for_more() {
        let batch = batch();
        for only in [None, Some(&[0, 2][..])] {
            let (header, len) = batch.header_by(only, HEAD_BYTES + 24);
            let mut block = vec![0xff; len];
            batch.write(&header, only, &mut block);
            let last = header.count as usize - 1;
            let at = header.heads as usize + last * (HEAD_BYTES + 24);
            let (head, rest) = Head::read_from_prefix(&block[at..]).unwrap();
            assert_eq!((head, &rest[..24]), (batch.heads[2], &[0xa5; 24][..]));
            assert_eq!(block[header.verdicts as usize..][..=last], [KEEP; 3][..=last]);
            assert_eq!(&block[header.heap as usize..], &batch.heap);
        }
    }

    #[test]
    fn keeps_what_is_kept_with_its_attributes() {
        let mut added = Attributes::default();
        added.add(2, b"b", b"2");
        added.add(1, b"lost", b"with its event");
        added.add(2, b"c", b"3");
        let once = batch().after(&[KEEP, DROP, KEEP], &mut added);
        assert_eq!(once.heads.iter().map(|head| head.seq).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(once.part(once.heads[1].name), b"name 3");
        assert_eq!(once.heads[0].attrs, Span::default());

        let mut more = Attributes::default();
        more.add(1, b"d", b"4");
        let twice = once.after(&[KEEP, KEEP], &mut more);
        let all: Vec<_> = attributes(twice.part(twice.heads[1].attrs)).collect();
        assert_eq!(all, [(&b"b"[..], &b"2"[..]), (b"c", b"3"), (b"d", b"4")]);
    }

    #[test]
    fn a_span_of_another_batch_is_nothing() {
        assert_eq!(batch().part(Span { offset: u32::MAX, len: u32::MAX }), b"");
        assert_eq!(batch().part(Span { offset: 0, len: 1000 }), b"");
    }
}
