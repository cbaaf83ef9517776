//! A batch, as the host writes it into a script's memory.

use std::{fmt, mem::offset_of};

use super::Event;
use crate::event::{ABI, BATCH_HEADER_BYTES, BatchHeader, HEAD_BYTES};

/// Up to [`BATCH_EVENTS`](crate::event::BATCH_EVENTS) events in one block of bytes.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    layout: Layout,
    bytes: &'a [u8],
}

impl<'a> Batch<'a> {
    /// Reads the header, and checks that what it promises lies within the bytes.
    pub fn new(bytes: &'a [u8]) -> Result<Self, BatchError> {
        Ok(Self { layout: Layout::parse(bytes)?, bytes })
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.layout.count
    }

    /// Whether there are no events.
    pub fn is_empty(&self) -> bool {
        self.layout.count == 0
    }

    /// The event at an index.
    pub fn get(&self, index: usize) -> Option<Event<'a>> {
        self.layout.event(self.bytes, index)
    }

    /// The events, first to last.
    pub fn iter(&self) -> impl Iterator<Item = Event<'a>> + use<'a> {
        self.layout.events(self.bytes)
    }

    /// [`Event::seq`] of the first event.
    pub fn first_seq(&self) -> u64 {
        self.layout.first_seq
    }

    /// Calls lost (ring buffer full, or undecodable) since the batch before this one.
    pub fn lost_before(&self) -> u64 {
        self.layout.lost_before
    }

    /// When the host closed the batch: nanoseconds since the Unix epoch.
    pub fn now_ns(&self) -> u64 {
        self.layout.now_ns
    }
}

/// Where the parts of a batch lie: offsets that are within it.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) count: usize,
    pub(crate) verdicts: usize,
    stride: usize,
    heads: usize,
    heap: usize,
    heap_len: usize,
    first_seq: u64,
    lost_before: u64,
    now_ns: u64,
}

impl Layout {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let header: &[u8; BATCH_HEADER_BYTES] = bytes.first_chunk().ok_or(BatchError::Short)?;
        let word = |offset: usize| {
            let [a, b, c, d] = [0, 1, 2, 3].map(|byte| header[offset + byte]);
            u32::from_le_bytes([a, b, c, d])
        };
        let long = |offset| u64::from(word(offset)) | u64::from(word(offset + 4)) << 32;
        let version = word(offset_of!(BatchHeader, version));
        if version != ABI {
            return Err(BatchError::Version(version));
        }
        let size = |offset| word(offset) as usize;
        let layout = Self {
            count: size(offset_of!(BatchHeader, count)),
            verdicts: size(offset_of!(BatchHeader, verdicts)),
            stride: size(offset_of!(BatchHeader, stride)),
            heads: size(offset_of!(BatchHeader, heads)),
            heap: size(offset_of!(BatchHeader, heap)),
            heap_len: size(offset_of!(BatchHeader, heap_len)),
            first_seq: long(offset_of!(BatchHeader, first_seq)),
            lost_before: long(offset_of!(BatchHeader, lost_before)),
            now_ns: long(offset_of!(BatchHeader, now_ns)),
        };
        if layout.stride < HEAD_BYTES {
            return Err(BatchError::Stride(layout.stride));
        }
        let within = |offset: usize, len: u64| offset as u64 + len <= bytes.len() as u64;
        // Neither product nor sum overflows: all factors had 32 bits.
        let heads = layout.count as u64 * layout.stride as u64;
        if within(layout.heads, heads)
            && within(layout.verdicts, layout.count as u64)
            && within(layout.heap, layout.heap_len as u64)
        {
            Ok(layout)
        } else {
            Err(BatchError::Short)
        }
    }

    /// The event at an index of the batch in `bytes`, which the layout was read from.
    #[inline]
    pub(crate) fn event<'a>(&self, bytes: &'a [u8], index: usize) -> Option<Event<'a>> {
        if index >= self.count {
            return None;
        }
        let head = bytes.get(self.heads + index * self.stride..)?.first_chunk()?;
        let heap = bytes.get(self.heap..self.heap + self.heap_len)?;
        Some(Event::new(head, heap))
    }

    /// All events, first to last. Where heads and heap lie is checked once, not for each event.
    #[inline]
    pub(crate) fn events<'a>(
        &self,
        bytes: &'a [u8],
    ) -> impl ExactSizeIterator<Item = Event<'a>> + use<'a> {
        let part = |from: usize, len: usize| bytes.get(from..from + len).unwrap_or_default();
        let heap = part(self.heap, self.heap_len);
        part(self.heads, self.count * self.stride).chunks_exact(self.stride).map(move |head| {
            Event::new(head.first_chunk().expect("no stride is shorter than a head"), heap)
        })
    }
}

/// Why bytes are no batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatchError {
    /// The header, or what it promises, reaches beyond the bytes.
    Short,
    /// Another version of the layout.
    Version(u32),
    /// Heads shorter than those of this SDK: the host is older than the script.
    Stride(usize),
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("the batch is shorter than its header says"),
            Self::Version(found) => {
                write!(f, "the batch has layout {found}, this script reads layout {ABI}")
            }
            Self::Stride(found) => write!(
                f,
                "the batch has heads of {found} bytes, this script needs {HEAD_BYTES}: \
                 update the host, or build the script with the host's SDK"
            ),
        }
    }
}

impl std::error::Error for BatchError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Call, batch, batch_with_stride};

    /// Reads all that can be read.
    fn read_all(bytes: &[u8]) -> usize {
        let Ok(batch) = Batch::new(bytes) else { return 0 };
        let read = |event: Event| {
            let kernel = event.kernel().map(|kernel| {
                let control: Vec<_> = kernel.control().collect();
                format!("{:?} {control:?}", kernel.name())
            });
            let credentials: Vec<_> =
                event.control().filter_map(|message| message.credentials()).collect();
            format!("{event:?} {kernel:?} {credentials:?}").len()
        };
        batch.iter().map(read).sum()
    }

    #[test]
    fn steps_by_the_stride_it_is_given() {
        let calls =
            [Call::new().pid(1), Call::new().pid(2), Call::new().pid(3).attr("service", "dns")];
        for stride in [HEAD_BYTES, HEAD_BYTES + 8, 4096] {
            let bytes = batch_with_stride(&calls, stride);
            let batch = Batch::new(&bytes).unwrap();
            assert_eq!(batch.iter().map(|event| event.pid()).collect::<Vec<_>>(), [1, 2, 3]);
            assert_eq!(batch.get(2).unwrap().attr("service"), Some("dns"));
            assert_eq!((batch.len(), batch.get(3).is_none()), (3, true));
        }
    }

    #[test]
    fn refuses_a_host_that_is_too_old() {
        let bytes = batch_with_stride(&[Call::new()], HEAD_BYTES - 8);
        assert_eq!(Batch::new(&bytes).err(), Some(BatchError::Stride(HEAD_BYTES - 8)));
    }

    #[test]
    fn refuses_another_layout() {
        let mut bytes = batch(&[Call::new()]);
        bytes[0] = 9;
        assert_eq!(Batch::new(&bytes).err(), Some(BatchError::Version(9)));
    }

    #[test]
    fn truncated_bytes_are_refused() {
        let bytes =
            batch(&[Call::new().to("127.0.0.1:53").exe("/bin/x"), Call::new().to_unix("/run/x")]);
        assert!(read_all(&bytes) > 0);
        for len in 0..bytes.len() {
            assert_eq!(Batch::new(&bytes[..len]).err(), Some(BatchError::Short), "{len} bytes");
        }
    }

    #[test]
    fn wrong_bytes_never_panic() {
        let calls = [
            Call::new().to("127.0.0.1:53").attr("a", "b").attr("c", "d"),
            Call::new().to_unix("/run/x.sock").exe("/bin/x").cgroup("/a"),
            Call::new()
                .iov(&[(1, 2)])
                .credentials(1, 2, 3)
                .rights(&[(5, "/x"), (6, "socket:[7]")])
                .payload(b"hello")
                .kernel(1, b"\x01\0/x", &20u64.to_le_bytes()),
            Call::new().local("@mine").peer("/run/x").cmdline(&["a", "b"]).parent(1, "init"),
            Call::new().sendfile(3, "/x", "", 4).local("[::1]:53").container("0", "docker"),
        ];
        let good = batch(&calls);
        for index in 0..good.len() {
            for wrong in [0, 1, 4, 0x7f, 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[index] = wrong;
                read_all(&bytes);
                // Counts and lengths have four bytes.
                let end = bytes.len().min(index + 4);
                bytes[index..end].fill(wrong);
                read_all(&bytes);
            }
        }
    }
}
