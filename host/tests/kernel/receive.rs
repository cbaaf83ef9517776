//! recvmsg: what the caller has room for, and what the kernel filled in.

use std::{
    fs::File,
    io::Write,
    net::{Ipv4Addr, UdpSocket},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::net::{UnixDatagram, UnixStream},
    },
};

use serde_json::{Value, json};

use crate::{
    calls::{Calls, Message, assert_says, recvmsg, rights, sendmsg},
    of_all_calls,
};

/// The descriptors that were received.
fn received(message: &Message) -> Vec<OwnedFd> {
    let data = &message.received_control()[16..message.header.msg_controllen];
    let fds = data.chunks_exact(4).map(|fd| i32::from_ne_bytes(fd.try_into().unwrap()));
    // SAFETY: the kernel made them for this process, and nobody else has them.
    fds.filter(|fd| *fd > 2).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).collect()
}

#[test]
fn the_name_of_who_sent() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let to = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let from = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        from.connect(to.local_addr().unwrap()).unwrap();
        let port = from.local_addr().unwrap().port();
        let name = json!({"family": "AF_INET", "address": "127.0.0.1", "port": port});
        let socket = to.as_raw_fd();

        from.send(b"hello").unwrap();
        let message = Message::of(&[3, 10]).room(128, 64);
        let says = json!({
            "ret": 5, "flags": ["MSG_DONTWAIT"], "toctou": null, "index": null,
            "msg": {
                "ptr": format!("{:p}", message.ptr()), "name": name, "namelen": 16,
                "namelen_room": 128, "iov": message.iov(), "iovlen": 2, "bytes": 13,
                "payload_len": 5, "control": [], "controllen": 0, "controllen_room": 64,
                "flags": [],
            },
            "fields": {
                "msg": {"status": "ok", "read": "exit"},
                "msg.name": {"status": "ok", "read": "exit"},
                "msg.namelen_room": {"status": "ok", "read": "entry"},
                "msg.iov": {"status": "ok", "read": "entry"},
                "msg.payload": {"status": "ok", "read": "exit"},
                "msg.control": {"status": "absent", "read": "exit"},
                "msg.controllen_room": {"status": "ok", "read": "entry"},
            },
            "socket": { "family": "AF_INET", "type": "SOCK_DGRAM" },
        });
        let call = || recvmsg(socket, message.ptr(), libc::MSG_DONTWAIT);
        calls.make("recvmsg", socket, says, call).unwrap();

        // Room for a part of the address only: the rest is cut off, the length stays.
        from.send(b"").unwrap();
        let message = Message::of(&[3]).room(8, 0);
        let says = json!({
            "ret": 0,
            "msg": { "name": name, "namelen": 16, "namelen_room": 8, "payload": null },
            "status": { "msg.name": "ok", "msg.payload": "absent" },
        });
        calls.make("recvmsg", socket, says, || recvmsg(socket, message.ptr(), 0)).unwrap();

        // No room at all, and too little for the payload.
        from.send(b"hello").unwrap();
        let message = Message::of(&[3]);
        let says = json!({
            "ret": 3,
            "msg": {
                "name": null, "namelen": 0, "namelen_room": 0, "bytes": 3, "payload": "aGVs",
                "control": [], "controllen_room": 0, "flags": ["MSG_TRUNC"],
            },
            "status": { "msg.name": "absent", "msg.payload": "ok" },
        });
        calls.make("recvmsg", socket, says, || recvmsg(socket, message.ptr(), 0)).unwrap();

        // The length that was sent, which is more than there was room for.
        from.send(b"hello").unwrap();
        let says = json!({
            "ret": 5, "flags": ["MSG_TRUNC"],
            "msg": { "bytes": 3, "payload": "aGVs", "flags": ["MSG_TRUNC"] },
            "status": { "msg.payload": "truncated" },
        });
        let call = || recvmsg(socket, message.ptr(), libc::MSG_TRUNC);
        calls.make("recvmsg", socket, says, call).unwrap();
        calls.check(weir);
    });
}

#[test]
fn descriptors_that_were_passed() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let (from, to) = UnixDatagram::pair().unwrap();
        let path = weir.folder().join("passed");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"x").unwrap();
        let sent = Message::of(&[1]).control(&rights(&[file.as_raw_fd(), from.as_raw_fd()]));
        let socket = to.as_raw_fd();

        sendmsg(from.as_raw_fd(), sent.ptr(), 0).unwrap();
        let all = Message::of(&[1]).room(0, 128);
        let says = json!({
            "ret": 1, "flags": ["MSG_CMSG_CLOEXEC"],
            "msg": { "controllen": 24, "controllen_room": 128, "flags": ["MSG_CMSG_CLOEXEC"] },
            "fields": { "msg.control": {"status": "ok", "read": "exit"} },
        });
        let call = || recvmsg(socket, all.ptr(), libc::MSG_CMSG_CLOEXEC);
        calls.make("recvmsg", socket, says, call).unwrap();

        // Room for one of two.
        sendmsg(from.as_raw_fd(), sent.ptr(), 0).unwrap();
        let one = Message::of(&[1]).room(0, 20);
        let says = json!({
            "ret": 1, "msg": { "controllen": 20, "controllen_room": 20, "flags": ["MSG_CTRUNC"] },
        });
        calls.make("recvmsg", socket, says, || recvmsg(socket, one.ptr(), 0)).unwrap();

        let (all, one) = (received(&all), received(&one));
        let shown = |fds: &[OwnedFd]| -> Value {
            let fds: Vec<_> = fds.iter().map(crate::calls::fd).collect();
            json!({"msg": {"control": [{"level": "SOL_SOCKET", "type": "SCM_RIGHTS", "fds": fds}]}})
        };
        assert_eq!((all.len(), one.len()), (2, 1));
        let mut events = calls.check(weir);
        let [first, second] = &mut events[..] else { unreachable!() };
        assert_says(first, &shown(&all));
        assert_says(second, &shown(&one));
        assert_eq!(first["msg"]["control"][0]["fds"][0]["file"], path.to_str().unwrap());
    });
}

#[test]
fn nothing_was_received() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let message = Message::of(&[5]).room(128, 64);
        let says = json!({
            "error": "EAGAIN", "flags": ["MSG_DONTWAIT"],
            "msg": {
                "name": null, "namelen_room": 128, "iov": message.iov(), "bytes": 5,
                "payload": null, "control": [], "controllen_room": 64, "flags": null,
            },
            "status": {
                "msg": "ok", "msg.name": "absent", "msg.payload": "absent", "msg.control": "absent",
            },
        });
        let fd = socket.as_raw_fd();
        let call = || recvmsg(fd, message.ptr(), libc::MSG_DONTWAIT);
        calls.make("recvmsg", fd, says, call).unwrap_err();

        // The other end is closed.
        let (closed, _) = UnixStream::pair().unwrap();
        let says = json!({
            "ret": 0, "error": null,
            "msg": { "name": null, "namelen": 0, "payload": null, "control": [], "flags": [] },
            "status": { "msg.name": "absent", "msg.payload": "absent" },
        });
        let fd = closed.as_raw_fd();
        calls.make("recvmsg", fd, says, || recvmsg(fd, message.ptr(), 0)).unwrap();
        calls.check(weir);
    });
}
