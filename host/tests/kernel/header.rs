//! `struct msghdr` itself: whole, missing, unreadable and contradictory.

use std::{
    net::{Ipv4Addr, UdpSocket},
    os::{fd::AsRawFd, unix::net::UnixDatagram},
    ptr,
};

use serde_json::json;

use crate::{
    calls::{Calls, Message, fd, inet, rights},
    on_each_backend,
};

/// An address in the first page, which no process has.
const NOWHERE: usize = 8;

#[test]
fn unreadable() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        for (header, shown) in [(0, "0x0"), (NOWHERE, "0x8"), (1 << 47, "0x800000000000")] {
            let says = json!({
                "error": "EFAULT",
                "msg": {
                    "ptr": shown, "name": null, "namelen": null, "iovlen": null, "bytes": null,
                    "iov": null, "control": null, "controllen": null, "flags": null,
                },
                "status": {
                    "msg": "fault", "msg.ptr": "ok", "msg.name": "not_seen", "msg.iov": "not_seen",
                    "msg.bytes": "not_seen", "msg.control": "not_seen",
                },
            });
            let header = ptr::without_provenance(header);
            calls.call(socket.as_raw_fd(), header, 0, says).unwrap_err();
        }
        calls.check(weir);
    });
}

#[test]
fn names_that_contradict_their_length() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let to = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = to.local_addr().unwrap();
        let from = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        from.connect(address).unwrap();
        let name = json!({"family": "AF_INET", "address": "127.0.0.1", "port": address.port()});

        // A length without a name is none: the kernel sends to the peer.
        let mut message = Message::of(&[5]);
        message.header.msg_namelen = 16;
        let says = json!({
            "ret": 5, "msg": { "name": null, "namelen": 16, "bytes": 5 },
            "status": { "msg": "ok", "msg.name": "absent", "msg.bytes": "ok" },
        });
        calls.send(&from, &message, 0, says).unwrap();

        // As is a name without a length.
        let mut message = Message::of(&[5]).to(&inet(address));
        message.header.msg_namelen = 0;
        let says = json!({
            "ret": 5, "msg": { "name": null, "namelen": 0, "bytes": 5 },
            "status": { "msg": "ok", "msg.name": "absent", "msg.bytes": "ok" },
        });
        calls.send(&from, &message, 0, says).unwrap();

        for namelen in [-1, -5, i32::MIN] {
            message.header.msg_namelen = namelen.cast_unsigned();
            let says = json!({
                "error": "EINVAL", "msg": { "name": null, "namelen": namelen, "bytes": 5 },
                "status": { "msg": "ok", "msg.name": "not_seen", "msg.bytes": "ok" },
            });
            calls.send(&from, &message, 0, says).unwrap_err();
        }

        // The kernel takes the first 128 bytes, which are more than the family needs.
        let long = [inet(address), vec![0; 184]].concat();
        let says = json!({
            "ret": 5, "msg": { "name": name, "namelen": 200, "bytes": 5 },
            "status": { "msg": "ok", "msg.name": "truncated", "msg.bytes": "ok" },
        });
        calls.send(&from, &Message::of(&[5]).to(&long), 0, says).unwrap();
        let says = json!({
            "ret": 5, "msg": { "name": name, "namelen": 128 }, "status": { "msg.name": "ok" },
        });
        calls.send(&from, &Message::of(&[5]).to(&long[..128]), 0, says).unwrap();

        let mut message = Message::of(&[5]).to(&inet(address));
        message.header.msg_name = ptr::without_provenance_mut(NOWHERE);
        let says = json!({
            "error": "EFAULT", "msg": { "name": null, "namelen": 16, "iovlen": 1, "bytes": 5 },
            "status": { "msg": "ok", "msg.name": "fault", "msg.bytes": "ok" },
        });
        calls.send(&from, &message, 0, says).unwrap_err();
        calls.check(weir);
    });
}

#[test]
fn control_messages() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let (from, _to) = UnixDatagram::pair().unwrap();
        let mut message = Message::of(&[5]).control(&rights(&[from.as_raw_fd()]));
        let says = json!({
            "ret": 5,
            "msg": {
                "controllen": 24, "bytes": 5,
                "control": [{"level": "SOL_SOCKET", "type": "SCM_RIGHTS", "fds": [fd(&from)]}],
            },
            "status": { "msg": "ok", "msg.control": "ok" },
        });
        calls.send(&from, &message, 0, says).unwrap();

        message.header.msg_control = ptr::without_provenance_mut(NOWHERE);
        let says = json!({
            "error": "EFAULT", "msg": { "controllen": 24, "control": null, "bytes": 5 },
            "status": { "msg": "ok", "msg.control": "fault" },
        });
        calls.send(&from, &message, 0, says).unwrap_err();
        calls.check(weir);
    });
}

#[test]
fn of_a_32_bit_caller() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        // The flag by which the kernel marks them. From a 64-bit caller it is an error, and what
        // the header holds is not known.
        let flags = 0x8000_0000u32.cast_signed();
        let says = json!({
            "error": "EINVAL", "flags": ["MSG_CMSG_COMPAT"],
            "msg": {
                "name": null, "namelen": null, "iov": null, "iovlen": null, "bytes": null,
                "control": null, "controllen": null,
            },
            "status": {
                "msg": "not_seen", "msg.name": "not_seen", "msg.bytes": "not_seen",
                "msg.control": "not_seen",
            },
        });
        calls.send(&socket, &Message::of(&[5]), flags, says).unwrap_err();
        calls.check(weir);
    });
}
