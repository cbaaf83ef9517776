//! Records for tests, made as the kernel side makes them.

use weir_ebpf::FileHead;
use weir_sdk::event::{Head, STATUS_OK, Span};
use zerocopy::IntoBytes;

use super::{Batch, decode};

/// A record in the making.
pub struct Sample {
    pub head: Head,
    heap: Vec<u8>,
}

impl Sample {
    /// One of that call, everything read, nothing in it.
    pub fn new(call: u16) -> Self {
        let head = Head {
            time_ns: 1_795_454_431_123_456_789,
            duration_ns: 2310,
            pid: 4242,
            tid: 4243,
            ppid: 1,
            cpu: 1,
            fd: 7,
            call,
            status: [STATUS_OK; 8],
            comm: *b"named\0\0\0\0\0\0\0\0\0\0\0",
            ..Head::default()
        };
        Self { head, heap: Vec::new() }
    }

    /// Adds a variable part.
    pub fn part(&mut self, bytes: &[u8]) -> Span {
        self.heap.resize(self.heap.len().next_multiple_of(8), 0);
        let span = Span { offset: self.heap.len() as u32, len: bytes.len() as u32 };
        self.heap.extend_from_slice(bytes);
        span
    }

    /// The record.
    pub fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), &self.heap].concat()
    }

    /// A batch of this event alone.
    #[track_caller]
    pub fn batch(&self) -> Batch {
        let mut batch = Batch::default();
        decode(&self.bytes(), 81_234, 0, &mut batch).unwrap();
        batch
    }
}

/// `struct cmsghdr` and data, padded.
pub fn message(level: i32, r#type: i32, data: &[u8]) -> Vec<u8> {
    let len = 16 + data.len() as u64;
    let header = [level, r#type].map(i32::to_ne_bytes);
    let mut message = [&len.to_ne_bytes(), header.as_flattened(), data].concat();
    message.resize(message.len().next_multiple_of(8), 0);
    message
}

/// `FileHead` and names, padded.
pub fn file(fd: i32, magic: u32, flags: u16, names: &[u8]) -> Vec<u8> {
    let names_len = names.len() as u16;
    let head = FileHead { inode: 4711, fd, mode: 0o100_644, magic, flags, names_len };
    let mut file = [head.as_bytes(), names].concat();
    file.resize(file.len().next_multiple_of(8), 0);
    file
}

/// Numbers one after the other.
pub fn numbers<const N: usize>(numbers: [i32; N]) -> Vec<u8> {
    numbers.map(i32::to_ne_bytes).as_flattened().to_vec()
}
