//! Sample events: records as the kernel programs write them, of every call, whole and odd.

use weir_sdk::event::{
    CALL_IO_URING, CALL_NAMES, CALL_RECVFROM, CALL_RECVMMSG, CALL_RECVMSG, CALL_SENDFILE,
    CALL_SENDMMSG, CALL_SENDMSG, CALL_SENDTO, GROUP_CONTROL, GROUP_IOV, GROUP_MSG, GROUP_NAME,
    GROUP_PAYLOAD, GROUP_SOCKET, Head, STATUS_ABSENT, STATUS_FAULT, STATUS_NOT_SEEN, STATUS_OK,
    STATUS_TRUNCATED, Span, TOCTOU_CHANGED, TOCTOU_SAME,
};
use zerocopy::IntoBytes;

use crate::decode::{Attributes, Batch, decode};

/// Events with a word on each.
pub fn samples() -> (Batch, Vec<String>) {
    let mut made = Samples { batch: Batch::default(), words: Vec::new() };
    for (call, name) in (1..).zip(CALL_NAMES) {
        made.add(name, |record| record.head.call = call);
    }
    made.add("failed", |record| (record.head.ret, record.head.duration_ns) = (-111, 20_000_000));
    made.add("blocked for 5 s", |record| record.head.duration_ns = 5_000_000_000);
    made.add("to an IPv6 address", |record| {
        record.head.name =
            record.part(b"\x0a\0\0\x35\0\0\0\0\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0");
        record.head.sock_family = 10;
    });
    made.add("to a unix socket", |record| {
        record.head.name = record.part(b"\x01\0/run/systemd/journal/socket\0");
        record.head.sock_family = 1;
    });
    made.add("to an abstract unix socket", |record| {
        record.head.name = record.part(b"\x01\0\0abstract")
    });
    made.add("to a unix socket without a name", |record| record.head.name = record.part(b"\x01\0"));
    made.add("to an address that is too short", |record| {
        record.head.name = record.part(b"\x02\0\x35")
    });
    made.add("to an address of an unknown family", |record| {
        record.head.name = record.part(b"\xe7\x03\x01\x02\x03")
    });
    made.add("netlink", |record| {
        record.head.name = record.part(b"\x10\0\0\0\x4d\0\0\0\0\0\0\0");
        record.head.sock_family = 16;
    });
    made.add("passes descriptors", |record| {
        let message =
            [&24_u64.to_le_bytes()[..], &[1, 0, 0, 0, 1, 0, 0, 0], &[5, 0, 0, 0, 6, 0, 0, 0]];
        record.head.control = record.part(&message.concat());
        record.head.controllen = 24;
        record.head.status[GROUP_CONTROL] = STATUS_OK;
    });
    made.add("a control message that is too long", |record| {
        let message = [&u64::MAX.to_le_bytes()[..], &[1, 0, 0, 0, 1, 0, 0, 0]].concat();
        record.head.control = record.part(&message);
        record.head.status[GROUP_CONTROL] = STATUS_OK;
    });
    made.add("nothing in it was seen", |record| {
        record.head = Head { call: CALL_SENDMSG, pid: 1, ..Head::default() };
    });
    made.add("its memory could not be read", |record| {
        record.head.ret = -14;
        for group in [GROUP_MSG, GROUP_NAME, GROUP_IOV, GROUP_CONTROL, GROUP_PAYLOAD] {
            record.head.status[group] = STATUS_FAULT;
        }
    });
    made.add("fd is no socket", |record| {
        (record.head.ret, record.head.status[GROUP_SOCKET]) = (-88, STATUS_ABSENT);
    });
    made.add("changed while it was read", |record| {
        record.head.toctou = TOCTOU_CHANGED;
        let numbers = [&64_u64.to_le_bytes()[..], &[12, 0, 0, 0, 0, 0, 0, 0]].concat();
        record.head.kernel = record.part(&[&numbers[..], b"\x01\0/run/other"].concat());
    });
    made.add("a name that is not UTF-8", |record| {
        record.head.comm = *b"caf\xe9 \xff\0\0\0\0\0\0\0\0\0\0"
    });
    made.add("a name without an end", |record| record.head.comm = [b'x'; 16]);
    made.add("as large as can be", |record| {
        let head = &mut record.head;
        (head.bytes, head.ret, head.iovlen) = (u64::MAX, i64::MAX, u64::MAX);
        (head.duration_ns, head.pid, head.uid, head.fd) = (u64::MAX, u32::MAX, u32::MAX, i32::MAX);
        record.head.payload = record.part(&[b'p'; 4096]);
        record.head.status[GROUP_PAYLOAD] = STATUS_TRUNCATED;
    });
    made.add("by a 32-bit program", |record| record.head.compat = 1);
    made.add("with an attribute", |_| {});
    made.attribute("service", "dns");
    (made.batch, made.words)
}

struct Samples {
    batch: Batch,
    words: Vec<String>,
}

/// A record in the making.
struct Record {
    head: Head,
    heap: Vec<u8>,
}

impl Record {
    /// A sendmsg over UDP, with everything read.
    fn new() -> Self {
        let mut head = Head {
            time_ns: 1_795_454_431_123_456_789,
            duration_ns: 2310,
            ret: 64,
            bytes: 64,
            iovlen: 1,
            namelen: 16,
            pid: 4242,
            tid: 4243,
            ppid: 1,
            cpu: 1,
            fd: 7,
            flags: 0x40,
            msg_ptr: 0x7ffd_5c00,
            sock_inode: 31_337,
            sock_family: 2,
            sock_type: 2,
            sock_protocol: 17,
            sock_state: 7,
            local_port: 5353,
            toctou: TOCTOU_SAME,
            status: [STATUS_OK; 8],
            comm: *b"named\0\0\0\0\0\0\0\0\0\0\0",
            call: CALL_SENDMSG,
            ..Head::default()
        };
        head.status[GROUP_CONTROL] = STATUS_ABSENT;
        let mut record = Self { head, heap: Vec::new() };
        record.head.name = record.part(b"\x02\0\0\x35\x7f\0\0\x01\0\0\0\0\0\0\0\0");
        record.head.iov = record.part(&[0x1000_u64.to_le_bytes(), 64_u64.to_le_bytes()].concat());
        record.head.payload =
            record.part(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01");
        record
    }

    /// Adds a variable part.
    fn part(&mut self, bytes: &[u8]) -> Span {
        self.heap.resize(self.heap.len().next_multiple_of(8), 0);
        let span = Span { offset: self.heap.len() as u32, len: bytes.len() as u32 };
        self.heap.extend_from_slice(bytes);
        span
    }

    /// Takes out what a call does not have.
    fn trim(&mut self) {
        let head = &mut self.head;
        match head.call {
            CALL_SENDMMSG | CALL_RECVMMSG => (head.index, head.vlen) = (1, 3),
            CALL_SENDTO | CALL_RECVFROM => {
                (head.msg_ptr, head.status[GROUP_CONTROL]) = (0, STATUS_NOT_SEEN);
            }
            CALL_SENDFILE => {
                (head.name, head.iov, head.payload) = Default::default();
                for group in [GROUP_NAME, GROUP_IOV, GROUP_CONTROL, GROUP_PAYLOAD] {
                    head.status[group] = STATUS_NOT_SEEN;
                }
                (head.in_fd, head.offset, head.offset_after) = (3, 0, 64);
                head.late = 1 << GROUP_MSG;
            }
            CALL_IO_URING => (head.fd, head.msg_ptr) = (-1, 0),
            _ => {}
        }
        if matches!(head.call, CALL_RECVMSG | CALL_RECVFROM) {
            (head.name_room, head.control_room) = (128, 256);
        }
    }
}

impl Samples {
    fn add(&mut self, word: &str, change: impl FnOnce(&mut Record)) {
        let mut record = Record::new();
        change(&mut record);
        record.trim();
        let seq = self.words.len() as u64 + 1;
        let bytes = [record.head.as_bytes(), &record.heap].concat();
        decode(&bytes, seq, 0, &mut self.batch).expect("samples are as records are");
        let exe = self.batch.append(b"/usr/sbin/named");
        let cgroup = self.batch.append(b"/system.slice/named.service");
        let last = self.batch.heads.last_mut().expect("one was added");
        (last.exe, last.cgroup) = (exe, cgroup);
        self.words.push(word.to_owned());
    }

    /// Adds an attribute to the last one, as a script before would.
    fn attribute(&mut self, name: &str, value: &str) {
        let mut attributes = Attributes::default();
        attributes.add(self.words.len() as u32 - 1, name.as_bytes(), value.as_bytes());
        self.batch = self.batch.after(&vec![0; self.words.len()], &mut attributes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_and_a_word_for_each() {
        let (batch, words) = samples();
        assert_eq!(batch.heads.len(), words.len());
        for (index, name) in CALL_NAMES.iter().enumerate() {
            let json = serde_json::to_value(batch.event(index)).unwrap();
            assert_eq!(json["call"], *name);
        }
        assert_eq!(
            serde_json::to_value(batch.event(words.len() - 1)).unwrap()["attrs"]["service"],
            "dns"
        );
    }
}
