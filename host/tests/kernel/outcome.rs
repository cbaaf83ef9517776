//! Flags, and what calls return.

use std::{
    fs::File,
    io::Read,
    net::{Ipv4Addr, UdpSocket},
    os::{
        fd::AsRawFd,
        unix::{
            ffi::OsStrExt,
            net::{UnixDatagram, UnixStream},
        },
    },
};

use serde_json::json;

use crate::{
    calls::{Calls, Message, drain, full_stream, unix},
    on_each_backend,
};

#[test]
fn flags() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let to = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let from = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        from.connect(to.local_addr().unwrap()).unwrap();
        for (flags, names) in [
            (0, json!([])),
            (libc::MSG_DONTWAIT, json!(["MSG_DONTWAIT"])),
            (libc::MSG_NOSIGNAL, json!(["MSG_NOSIGNAL"])),
            (libc::MSG_CONFIRM | libc::MSG_DONTWAIT, json!(["MSG_DONTWAIT", "MSG_CONFIRM"])),
            (libc::MSG_DONTROUTE | 0x1000_0000, json!(["MSG_DONTROUTE", "0x10000000"])),
        ] {
            calls
                .send(&from, &Message::of(&[5]), flags, json!({"ret": 5, "flags": names}))
                .unwrap();
        }
        calls.check(weir);
    });
}

#[test]
fn errors() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let message = Message::of(&[5]);
        for fd in [-1, i32::MIN, i32::MAX] {
            calls.call(fd, message.ptr(), 0, json!({"error": "EBADF", "ret": -1})).unwrap_err();
        }
        let file = File::open("/dev/null").unwrap();
        calls.send(&file, &message, 0, json!({"error": "ENOTSOCK", "ret": -1})).unwrap_err();

        // Its owner is connected to itself, and so takes nothing from others; the port stays taken.
        let refuses = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        refuses.connect(refuses.local_addr().unwrap()).unwrap();
        let refused = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        refused.connect(refuses.local_addr().unwrap()).unwrap();
        calls.send(&refused, &message, 0, json!({"error": null, "ret": 5})).unwrap();
        wait_for_error(&refused);
        calls.send(&refused, &message, 0, json!({"error": "ECONNREFUSED", "ret": -1})).unwrap_err();
        let says = json!({"error": "EMSGSIZE", "ret": -1, "msg": {"bytes": 70_000}});
        calls.send(&refused, &Message::of(&[70_000]), 0, says).unwrap_err();

        let (full, _to) = full_stream();
        let says = json!({"error": "EAGAIN", "ret": -1, "flags": ["MSG_DONTWAIT"]});
        calls.send(&full, &message, libc::MSG_DONTWAIT, says).unwrap_err();

        let (closed, _) = UnixStream::pair().unwrap();
        let says = json!({"error": "EPIPE", "ret": -1, "flags": ["MSG_NOSIGNAL"]});
        calls.send(&closed, &message, libc::MSG_NOSIGNAL, says).unwrap_err();

        let missing = weir.folder().join("missing.sock");
        let name = json!({"family": "AF_UNIX", "path": missing});
        let says = json!({"error": "ENOENT", "ret": -1, "msg": {"name": name}});
        let message = Message::of(&[5]).to(&unix(missing.as_os_str().as_bytes()));
        calls.send(&UnixDatagram::unbound().unwrap(), &message, 0, says).unwrap_err();
        calls.check(weir);
    });
}

/// What came of an earlier datagram is reported to the next call once it is known.
fn wait_for_error(socket: &UdpSocket) {
    let mut poll = libc::pollfd { fd: socket.as_raw_fd(), events: 0, revents: 0 };
    // SAFETY: one entry, as is said.
    let ready = unsafe { libc::poll(&raw mut poll, 1, 10_000) };
    assert_eq!((ready, poll.revents), (1, libc::POLLERR));
}

#[test]
fn less_than_asked_for() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let (from, mut to) = UnixStream::pair().unwrap();
        const ASKED: usize = 4 << 20;
        let says = json!({"error": null, "flags": ["MSG_DONTWAIT"], "msg": {"bytes": ASKED}});
        let message = Message::of(&[ASKED]);
        let sent = calls.send(&from, &message, libc::MSG_DONTWAIT, says).unwrap();
        assert!(0 < sent && sent < ASKED, "{sent} of {ASKED} bytes");
        let mut received = vec![0; sent];
        to.read_exact(&mut received).unwrap();
        drain(&mut to);
        calls.check(weir);
    });
}
