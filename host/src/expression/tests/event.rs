//! Events of every kind.

use std::mem::size_of_val;

use weir_sdk::event::{
    AF_INET, CALL_SENDMSG, GROUP_NAME, GROUP_SOCKET, Head, PROCESS_CMDLINE, PROCESS_CONTAINER,
    PROCESS_POD, PROCESS_RUNTIME, PROCESS_STARTED, PROCESS_USER, ROOM_UNKNOWN, STATUS_OK, Span,
    TOCTOU_CHANGED,
};
use zerocopy::IntoBytes;

use super::Choices;
use crate::decode::{Attributes, Batch, decode};

const COMMS: [&[u8]; 5] = [b"curl", b"named", b"", b"caf\xc3\xa9", b"x\xffy"];
const NAMES: [&[u8]; 14] = [
    b"",
    b"\x02",
    b"\x02\0\0\x35\x7f\0\0\x01\0\0\0\0\0\0\0\0",
    b"\x02\0\0\x35\x7f",
    b"\x0a\0\x01\xbb\0\0\0\0\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0",
    b"\x0a\0\x01\xbb\0\0\0\0\x20\x01",
    b"\x01\0/run/x\0",
    b"\x01\0\0abstract",
    b"\x01\0",
    b"\x10\0\0\0\x4d\0\0\0\x05\0\0\0",
    b"\x11\0\x08\x06\x03\0\0\0\x01\0\x01\x06\xff\xff\xff\x01\x02\x03\0\0",
    b"\x28\0\0\0\0\x04\0\0\x02\0\0\0\0\0\0\0",
    b"\x28\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xe7\x03\x01\x02",
];
const NUMBERS: [u64; 8] = [0, 1, 3, 53, 64, 4096, 1 << 40, u64::MAX];
const FAMILIES: [u16; 9] = [0, 1, 2, 10, 16, 17, 29, 31, 999];

/// Adds an event to a batch.
pub fn append(choices: &mut Choices, seq: u64, batch: &mut Batch) {
    let mut heap = Vec::new();
    let mut part = |bytes: &[u8]| {
        heap.resize(heap.len() + (8 - heap.len() % 8) % 8, 0);
        let span = Span { offset: heap.len() as u32, len: bytes.len() as u32 };
        heap.extend_from_slice(bytes);
        span
    };
    let mut head = Head { call: choices.below(8) as u16 + 1, ..Head::default() };
    for status in &mut head.status {
        // Mostly read, so that there is something to see.
        *status = [1, 1, 1, 0, 2, 3, 4][choices.below(7)];
    }
    let comm = choices.of(&COMMS);
    head.comm[..comm.len()].copy_from_slice(comm);
    head.ret = choices.of(&[0, 64, 3, -11, -1, -111, -600, i64::MIN]);
    head.fd = choices.of(&[3, -1, 0, i32::MAX]);
    head.flags = choices.of(&[0, 0x40, 0x4040, 0x1000_0001, u32::MAX]);
    head.msg_flags = choices.of(&[0, 0x20, 0x4000, 0x1000_0000]);
    head.namelen = choices.of(&[0, 16, -1]);
    head.name_room = choices.of(&[16, 0, ROOM_UNKNOWN]);
    (head.duration_ns, head.time_ns) = (choices.of(&NUMBERS), 1_795_454_431_123_456_789);
    (head.bytes, head.iovlen) = (choices.of(&NUMBERS), choices.of(&NUMBERS));
    (head.controllen, head.control_room) = (choices.of(&NUMBERS), choices.of(&NUMBERS));
    (head.pid, head.tid, head.ppid) = (choices.below(4) as u32, 3, choices.below(3) as u32);
    (head.uid, head.gid, head.cpu) = (choices.below(2) as u32, 0, choices.below(3) as u32);
    (head.netns, head.sock_netns) = (choices.below(2) as u32, choices.below(2) as u32);
    (head.sock_inode, head.sock_cookie) = (choices.below(3) as u64, choices.below(2) as u64);
    (head.index, head.vlen) = (choices.below(3) as u32, 3);
    (head.in_fd, head.offset, head.offset_after) = (3, choices.of(&[0, 100, -1]), 100);
    head.sock_family = choices.of(&FAMILIES);
    (head.sock_type, head.sock_protocol) = (choices.below(7) as u16, choices.of(&[0, 6, 17, 300]));
    (head.sock_state, head.toctou) = (choices.below(14) as u8, choices.below(4) as u8);
    (head.late, head.compat) = (choices.below(256) as u8, u8::from(choices.below(4) == 1));
    if choices.below(2) == 1 {
        (head.local_port, head.local_addr[3]) = (53, 1);
    }
    (head.peer_port, head.peer_pid) = (choices.below(3) as u16, choices.below(2) as u32);
    (head.peer_uid, head.msg_ptr) = (choices.below(2) as u32, choices.below(2) as u64);
    head.name = part(choices.of(&NAMES));
    head.local = part(choices.of(&NAMES[2..]));
    head.peer = part(choices.of(&NAMES[2..]));
    let payload: [&[u8]; 4] = [b"", b"GET / HTTP/1.1", b"\xff\0GET", b"password=x"];
    head.payload = part(choices.of(&payload));
    if head.toctou == TOCTOU_CHANGED && choices.below(2) == 1 {
        let numbers = [&64_u64.to_le_bytes()[..], &[12, 0, 0, 0, 0, 0, 0, 0]].concat();
        head.kernel = part(&[&numbers[..], b"\x01\0/run/other"].concat());
    }
    // An event of a kernel that is not little-endian is none that this test can make.
    assert_eq!(size_of_val(&head), weir_sdk::event::HEAD_BYTES);
    let record = [head.as_bytes(), &heap].concat();
    decode(&record, seq, 0, batch).unwrap();
    looked_up(choices, batch);
}

/// What the host adds, and scripts before this one.
fn looked_up(choices: &mut Choices, batch: &mut Batch) {
    let exe: [&[u8]; 3] = [b"", b"/usr/bin/curl", b"/usr/sbin/named"];
    let exe = batch.append(choices.of(&exe));
    let cgroup = batch.append([&b""[..], b"/system.slice/named.service"][choices.below(2)]);
    let known: [(u16, &[u8]); 6] = [
        (PROCESS_CMDLINE, b"named\0-u\0bind"),
        (PROCESS_USER, b"root"),
        (PROCESS_STARTED, &1_795_454_000_000_000_000_u64.to_le_bytes()),
        (PROCESS_CONTAINER, b"8f2a"),
        (PROCESS_RUNTIME, b"docker"),
        (PROCESS_POD, b"0c"),
    ];
    let mut parts = Vec::new();
    for (kind, bytes) in known {
        if choices.below(2) == 1 {
            parts.extend_from_slice(&kind.to_le_bytes());
            parts.extend_from_slice(&(bytes.len() as u16).to_le_bytes());
            parts.extend_from_slice(bytes);
        }
    }
    let process = batch.append(&parts);
    let last = batch.heads.last_mut().unwrap();
    (last.exe, last.cgroup, last.process) = (exe, cgroup, process);
    let mut attributes = Attributes::default();
    let index = batch.heads.len() as u32 - 1;
    for value in [&b"dns"[..], b"http"] {
        if choices.below(2) == 1 {
            attributes.add(index, b"service", value);
        }
    }
    if !attributes.is_empty() {
        *batch = batch.after(&vec![0; batch.heads.len()], &mut attributes);
    }
}

/// A sendmsg of little interest.
pub fn simple(seq: u64, comm: &str, ret: i64, batch: &mut Batch) {
    let mut head = Head { seq, ret, call: CALL_SENDMSG, sock_family: AF_INET, ..Head::default() };
    head.comm[..comm.len()].copy_from_slice(comm.as_bytes());
    (head.status[GROUP_SOCKET], head.status[GROUP_NAME]) = (STATUS_OK, STATUS_OK);
    batch.push(head);
}
