//! Sends that io_uring makes: no system call of their own, so only the kernel's functions show them.

use std::{
    cell::RefCell,
    io::Write,
    mem,
    net::UdpSocket,
    os::{
        fd::AsRawFd,
        unix::{
            fs::MetadataExt,
            net::{UnixDatagram, UnixStream},
        },
    },
    process, slice,
};

use io_uring::{IoUring, opcode, squeue, types::Fd};
use serde_json::{Value, json};

use crate::{
    alone,
    calls::{Message, assert_says, drain, full_stream, inet, settle, tid},
    live::Weir,
    race::cmsg,
};

/// A ring, unless this kernel has none or refuses it.
fn ring() -> Option<IoUring> {
    match IoUring::new(8) {
        Ok(ring) => Some(ring),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
            eprintln!("skipped: this kernel has no io_uring: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Hands entries in and waits for their results, which come in any order: those of user data 0, 1, ….
fn perform(ring: &mut IoUring, entries: &[squeue::Entry]) -> Vec<i32> {
    push(ring, entries);
    ring.submit_and_wait(entries.len()).unwrap();
    results(ring, entries.len())
}

fn push(ring: &mut IoUring, entries: &[squeue::Entry]) {
    for (index, entry) in entries.iter().enumerate() {
        let entry = entry.clone().user_data(index as u64);
        // SAFETY: what the tests' entries point to lives until their results are there.
        unsafe { ring.submission().push(&entry) }.unwrap();
    }
}

fn results(ring: &mut IoUring, entries: usize) -> Vec<i32> {
    let mut results = vec![None; entries];
    while results.contains(&None) {
        while let Some(done) = ring.completion().next() {
            // The second word of a send without a copy says that its memory is free again.
            let result = &mut results[done.user_data() as usize];
            *result = result.or(Some(done.result()));
        }
        if results.contains(&None) {
            ring.submit_and_wait(1).unwrap();
        }
    }
    results.into_iter().flatten().collect()
}

fn send_message(socket: &impl AsRawFd, message: &Message) -> squeue::Entry {
    opcode::SendMsg::new(Fd(socket.as_raw_fd()), message.ptr()).build()
}

fn send(socket: &impl AsRawFd, bytes: &'static [u8]) -> opcode::Send {
    opcode::Send::new(Fd(socket.as_raw_fd()), bytes.as_ptr(), bytes.len() as u32)
}

/// Inode of a socket.
fn inode(socket: &impl AsRawFd) -> u64 {
    std::fs::metadata(format!("/proc/self/fd/{}", socket.as_raw_fd())).unwrap().ino()
}

/// The events of this process's sends by io_uring that were not there before, which must be as many as
/// expected, and say this.
fn check(weir: &Weir, before: &mut usize, expected: &[Value]) -> Vec<Value> {
    settle(weir);
    let mut events = weir.events("own", |event| {
        event["call"] == "io_uring" && event["process"]["pid"] == process::id()
    });
    let events = events.split_off(mem::replace(before, events.len()));
    for (event, expected) in events.iter().zip(expected) {
        let always = json!({
            "fd": -1, "index": null, "vlen": null, "toctou": null, "kernel": null, "compat": false,
        });
        assert_says(event, &always);
        assert_says(event, expected);
    }
    assert_eq!(events.len(), expected.len(), "{events:#?}");
    events
}

#[test]
fn sends_are_seen_in_the_kernel_alone() {
    let Some(ring) = ring().map(RefCell::new) else { return };
    alone(&["sendmsg", "io_uring"], 0, |weir| {
        let backend = weir.get("/api/v1/status")["backend"].take();
        let mut seen = 0;
        if backend["name"] == "tracepoint" {
            return cannot_be_seen(weir, &mut ring.borrow_mut(), &backend["cannot_see"]);
        }
        let ring = &mut ring.borrow_mut();
        say_what_the_kernel_used(weir, ring, &mut seen);
        by_workers_and_in_a_chain(weir, ring, &mut seen);
        that_find_no_room(weir, ring, &mut seen);
        without_a_copy(weir, ring, &mut seen);
        eprintln!("{}: {seen} sends of io_uring", backend["name"]);
    });
}

fn say_what_the_kernel_used(weir: &Weir, ring: &mut IoUring, seen: &mut usize) {
    let to = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let address = to.local_addr().unwrap();
    let from = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let connected = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    connected.connect(address).unwrap();
    let (left, right) = UnixDatagram::pair().unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"no socket").unwrap();

    let name = inet(address);
    let raw = name.as_ptr().cast();
    let named = Message::of(&[2, 3]).to(&name).control(&cmsg(libc::SOL_IP, libc::IP_TTL, 7));
    let rights = cmsg(libc::SOL_SOCKET, libc::SCM_RIGHTS, file.as_raw_fd());
    let rights = Message::of(&[4]).control(&rights);
    let entries = [
        send_message(&from, &named),
        send_message(&left, &rights),
        send(&connected, b"abc").build(),
        send(&from, b"abcd").dest_addr(raw).dest_addr_len(name.len() as u32).build(),
        send_message(&file, &named),
    ];
    let perform = |entry| perform(ring, slice::from_ref(entry))[0];
    let results: Vec<_> = entries.iter().map(perform).collect();
    assert_eq!(results, [5, 4, 3, 4, -libc::ENOTSOCK]);
    right.recv(&mut [0; 8]).unwrap();

    let name = json!({"family": "AF_INET", "address": "127.0.0.1", "port": address.port()});
    let flags = json!(["MSG_DONTWAIT", "MSG_NOSIGNAL"]);
    let says = |bytes: u64, name: &Value, control: Value| {
        json!({
            "ret": bytes, "error": null, "flags": flags, "process": {"tid": tid()},
            "msg": {"name": name, "bytes": bytes, "control": control},
        })
    };
    let ttl = json!([{"level": "SOL_IP", "type": "IP_TTL", "value": 7}]);
    let fds = json!([{
        "level": "SOL_SOCKET", "type": "SCM_RIGHTS",
        "fds": [{"fd": file.as_raw_fd(), "file": file.path()}],
    }]);
    let (none, empty) = (Value::Null, json!([]));
    let mut expected = [
        says(5, &name, ttl),
        says(4, &none, fds),
        says(3, &none, empty.clone()),
        says(4, &name, empty),
        json!({"ret": -1, "error": "ENOTSOCK", "socket": null, "msg": {"name": null}}),
    ];
    let sockets = [inode(&from), inode(&left), inode(&connected), inode(&from)];
    for (expected, inode) in expected.iter_mut().zip(sockets) {
        expected["socket"] = json!({"inode": inode, "type": "SOCK_DGRAM"});
    }
    expected[2]["socket"]["peer"] = json!(address.to_string());
    for event in check(weir, seen, &expected) {
        let duration = event["duration_ns"].as_u64().unwrap();
        assert!((1..1_000_000_000).contains(&duration), "{event:#}");
    }
}

/// By a worker thread of the kernel, which belongs to the process; and linked to one another.
fn by_workers_and_in_a_chain(weir: &Weir, ring: &mut IoUring, seen: &mut usize) {
    let (from, to) = UnixDatagram::pair().unwrap();
    let by_worker = send(&from, b"a").build().flags(squeue::Flags::ASYNC);
    assert_eq!(perform(ring, &[by_worker]), [1]);
    let linked = |bytes| send(&from, bytes).build().flags(squeue::Flags::IO_LINK);
    let chain = [linked(b"ab"), linked(b"abc"), send(&from, b"abcd").build()];
    assert_eq!(perform(ring, &chain), [2, 3, 4]);
    drop(to);
    // A link that breaks takes the rest with it: they are never tried.
    let chain = [linked(b"abcde"), send(&from, b"abcdef").build()];
    assert_eq!(perform(ring, &chain), [-libc::ECONNREFUSED, -libc::ECANCELED]);

    let says = |bytes: u64| json!({"ret": bytes, "msg": {"bytes": bytes}});
    let broken = json!({"ret": -1, "error": "ECONNREFUSED", "msg": {"bytes": 5}});
    let events = check(weir, seen, &[says(1), says(2), says(3), says(4), broken]);
    let worker = &events[0]["process"];
    assert_ne!(worker["tid"], tid(), "{worker}");
    let comm = worker["comm"].as_str().unwrap();
    assert!(comm.starts_with("iou-wrk-"), "{worker}");
}

/// Each attempt is an event: one that finds no room, and the one that does.
fn that_find_no_room(weir: &Weir, ring: &mut IoUring, seen: &mut usize) {
    let (from, mut to): (UnixStream, UnixStream) = full_stream();
    let impatient = send(&from, b"ab").flags(libc::MSG_DONTWAIT).build();
    assert_eq!(perform(ring, &[impatient]), [-libc::EAGAIN]);
    push(ring, &[send(&from, b"abc").build()]);
    ring.submit().unwrap();
    drain(&mut to);
    assert_eq!(results(ring, 1), [3]);
    let refused = |bytes: u64| json!({"ret": -1, "error": "EAGAIN", "msg": {"bytes": bytes}});
    let sent = json!({"ret": 3, "error": null, "msg": {"bytes": 3}});
    let events = check(weir, seen, &[refused(2), refused(3), sent]);
    for event in &events {
        assert_says(event, &json!({"socket": {"type": "SOCK_STREAM", "inode": inode(&from)}}));
    }
}

/// Without a copy, where the kernel can (since Linux 6.0 and 6.1).
fn without_a_copy(weir: &Weir, ring: &mut IoUring, seen: &mut usize) {
    let to = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let from = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    from.connect(to.local_addr().unwrap()).unwrap();
    let bytes = b"abcdef";
    let one = opcode::SendZc::new(Fd(from.as_raw_fd()), bytes.as_ptr(), bytes.len() as u32);
    let message = Message::of(&[3, 4]);
    let other = opcode::SendMsgZc::new(Fd(from.as_raw_fd()), message.ptr());
    let results = [one.build(), other.build()].map(|entry| perform(ring, &[entry])[0]);
    assert_eq!(results, [6, 7]);
    let says = |bytes: u64| {
        let socket = json!({"inode": inode(&from)});
        json!({"ret": bytes, "error": null, "msg": {"bytes": bytes}, "socket": socket})
    };
    check(weir, seen, &[says(6), says(7)]);
}

fn cannot_be_seen(weir: &Weir, ring: &mut IoUring, cannot_see: &Value) {
    let says = |text: &Value| text.as_str().unwrap().contains("io_uring");
    assert!(cannot_see.as_array().unwrap().iter().any(says), "{cannot_see}");
    let (from, _to) = UnixDatagram::pair().unwrap();
    assert_eq!(perform(ring, &[send(&from, b"abc").build()]), [3]);
    check(weir, &mut 0, &[]);
}
