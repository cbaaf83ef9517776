//! The events that guests are shown.

#[path = "../batch/mod.rs"]
mod batch_of;

use weir::decode::Batch;
use weir_sdk::{
    Call as Kind, Errno, Group,
    event::{Head, Span},
    testing::{Call, batch as bytes_of},
};

use super::guest::KNOWN;
use batch_of::from_bytes;

/// Every field and part, nothing but what must be, and what is malformed or cut.
pub fn batch() -> Batch {
    let calls = [whole(), Call::new(), failed(), whole(), malformed(), sent_file()];
    let mut batch = from_bytes(&bytes_of(&calls));
    batch.lost_before = 3;
    cut(&mut batch.heads[3]);
    batch
}

/// Events that add to the same rows of tables, and to others.
pub fn many() -> Batch {
    let of = |number: u32| {
        let comm = ["a", "grüße", "process of 15 b"][number as usize % 3];
        let call = Call::new().comm(comm).bytes(u64::from(number) * 100).pid(number % 7 + 1);
        if number.is_multiple_of(2) { call.call(Kind::Recvmsg) } else { call }
    };
    from_bytes(&bytes_of(&(0..300).map(of).collect::<Vec<_>>()))
}

/// An event for each error that has a name, and for what else a call may return.
pub fn errors() -> Batch {
    let named = (1..=4095).filter(|&number| Errno(number).name().is_some());
    let rets = named.map(|number| -i64::from(number)).chain([-41, -4095, -4096, 0, 7, i64::MIN]);
    let of = |ret| Call::new().head(|head| head.ret = ret);
    from_bytes(&bytes_of(&rets.map(of).collect::<Vec<_>>()))
}

/// As many events as a batch has at most, of as many processes.
pub fn largest() -> Batch {
    let of = |number: u32| whole().comm(&format!("process {number}")).pid(number + 1);
    from_bytes(&bytes_of(&(0..1024).map(of).collect::<Vec<_>>()))
}

/// The bytes that the host writes of a batch.
pub fn bytes(batch: &Batch) -> Vec<u8> {
    let (header, len) = batch.header(None);
    let mut bytes = vec![0; len];
    batch.write(&header, None, &mut bytes);
    bytes
}

/// A message with everything. No field is 0, and no two are the same but by chance.
fn whole() -> Call {
    Call::new()
        .comm("sixteen bytes l")
        .to("[2001:db8::1]:443")
        .exe("/usr/bin/größe")
        .cgroup("/system.slice/a.service")
        .attr("team", "first")
        .attr("empty", "")
        .attr("größe", "☂")
        .attr("team", "second ☂")
        .iov(&[(0x7fff_1000, 10), (0x7fff_2000, 3), (0, 0)])
        .payload(b"GET / HTTP/1.1\r\n\0\xff")
        .credentials(4242, 1001, 1002)
        .rights(&[(5, "/etc/größe"), (6, ""), (7, "socket:[77]")])
        .control(-1, i32::MIN, b"odd")
        .kernel(13, b"\x02\0\0\x35\x7f\0\0\x01\0", &control())
        .socket(10, 1, 6)
        .local("127.0.0.1:4000")
        .peer("127.0.0.1:53")
        .cmdline(&["a", "--größe", ""])
        .user("größe")
        .started_ns(1_795_454_431_123_456_789)
        .parent(17, "sh")
        .parent(1, "systemd")
        .container("0123456789abcdef", "docker")
        .pod("11111111-2222")
        .late(Group::Control)
        .late(Group::Socket)
        .head(numbers)
}

fn control() -> Vec<u8> {
    [&20u64.to_le_bytes()[..], &[1, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0]].concat()
}

fn numbers(head: &mut Head) {
    (head.time_ns, head.duration_ns) = (u64::MAX - 1, 1 << 53 | 1);
    (head.ret, head.cgroup_id, head.start_ns) = (i64::MAX - 2, 1 << 63, 0x0123_4567_89ab_cdef);
    (head.msg_ptr, head.iovlen, head.controllen) = (0x7ffd_5c00_1234, 3, 104);
    (head.pid, head.tid, head.ppid) = (KNOWN, u32::MAX, 1 << 31);
    (head.uid, head.gid, head.cpu) = (1003, 1004, 63);
    (head.fd, head.flags, head.namelen) = (-5, 0x8000_4040, -28);
    (head.scope_id, head.call) = (7, Kind::Recvmsg as u16);
    (head.offset, head.offset_after) = (-(1 << 40), i64::MIN);
    (head.sock_inode, head.sock_cookie, head.control_room) = (31_337, u64::MAX, 256);
    (head.index, head.vlen, head.in_fd, head.name_room) = (2, 9, -7, 128);
    (head.msg_flags, head.netns, head.sock_netns) = (0x20, 4_026_531_840, 4_026_531_841);
    (head.peer_pid, head.peer_uid, head.peer_gid) = (51, 52, 53);
    (head.sock_protocol, head.sock_state, head.compat) = (0xffff, 0x7f, 1);
    head.status = [1, 4, 1, 1, 1, 4, 1, 1];
    head.addr = std::array::from_fn(|at| 0xf0 | at as u8);
}

fn failed() -> Call {
    Call::new().error("ECONNREFUSED").comm("").to_unix("@abstract")
}

/// Control messages of which the second is too short to be one; a status that does not exist.
fn malformed() -> Call {
    Call::new()
        .control(1, 99, b"abc")
        .control_bytes(&[15, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0])
        .head(|head| (head.ret, head.status) = (-5000, [0, 1, 2, 3, 4, 1, 0, 3]))
}

fn sent_file() -> Call {
    Call::new().comm("sixteen bytes lo").head(|head| {
        (head.call, head.in_fd, head.bytes) = (Kind::Sendfile as u16, 9, 1 << 40);
        head.comm = *b"sixteen bytes lo";
    })
}

/// Ends each part a byte before its end, and lets others lie outside of the heap.
fn cut(head: &mut Head) {
    for part in
        [&mut head.attrs, &mut head.iov, &mut head.control, &mut head.kernel, &mut head.process]
    {
        part.len -= 1;
    }
    head.exe = Span { offset: u32::MAX, len: u32::MAX };
    head.cgroup = Span { offset: 0, len: u32::MAX };
    head.payload = Span { offset: 1 << 30, len: 1 };
}
