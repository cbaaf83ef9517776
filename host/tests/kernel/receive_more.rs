//! recvmmsg and recvfrom.

use std::{
    net::{Ipv4Addr, UdpSocket},
    os::{fd::AsRawFd, unix::net::UnixStream},
    ptr,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    calls::{Calls, Message, Messages, recvfrom, recvmmsg},
    of_all_calls,
};

/// A socket, and one that is connected to it with its name.
fn pair() -> (UdpSocket, UdpSocket, Value) {
    let to = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let from = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    from.connect(to.local_addr().unwrap()).unwrap();
    let port = from.local_addr().unwrap().port();
    (to, from, json!({"family": "AF_INET", "address": "127.0.0.1", "port": port}))
}

#[test]
fn recvmmsg_has_an_event_per_message() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let (to, from, name) = pair();
        let texts = ["one", "", "three"];
        texts.iter().for_each(|text| _ = from.send(text.as_bytes()).unwrap());
        let mut all = Messages::new(vec![
            Message::of(&[10]).room(128, 0),
            Message::of(&[10]).room(128, 32),
            Message::of(&[4]),
            Message::of(&[10]),
            Message::of(&[10]),
        ]);
        let says = (0..3).map(|index| {
            let ret = texts[index].len().min(4);
            let payload = &texts[index][..ret];
            let shown = |text| if payload.is_empty() { Value::Null } else { text };
            json!({
                "index": index, "vlen": 5, "ret": ret, "error": null,
                "flags": ["MSG_DONTWAIT"], "toctou": null,
                "msg": {
                    "ptr": all.ptr(index), "iov": all.message(index).iov(),
                    "name": if index < 2 { name.clone() } else { Value::Null },
                    "namelen": if index < 2 { 16 } else { 0 },
                    "payload": shown(json!(STANDARD.encode(payload))),
                    "control": [], "controllen": 0, "namelen_room": null, "controllen_room": null,
                    "flags": if index == 2 { json!(["MSG_TRUNC"]) } else { json!([]) },
                },
                "status": { "msg.name": if index < 2 { "ok" } else { "absent" } },
                "fields": { "msg.name": {"read": "exit"}, "msg.payload": {"read": "exit"} },
            })
        });
        let (socket, says) = (to.as_raw_fd(), says.collect());
        let table = all.table.as_mut_ptr();
        let call = || recvmmsg(socket, table, 5, libc::MSG_DONTWAIT);
        assert_eq!(calls.make_several("recvmmsg", socket, says, call).unwrap(), 3);

        let says = json!({
            "index": 0, "vlen": 5, "ret": -1, "error": "EAGAIN", "flags": ["MSG_DONTWAIT"],
            "msg": {
                "ptr": all.ptr(0), "name": null, "iov": all.message(0).iov(), "payload": null,
                "control": [], "flags": null,
            },
            "status": { "msg": "ok", "msg.name": "absent", "msg.payload": "absent" },
        });
        calls.make("recvmmsg", socket, says, call).unwrap_err();
        let says = json!({
            "index": 0, "vlen": 0, "ret": 0, "error": null,
            "msg": { "name": null, "namelen": null, "iov": null, "bytes": null },
            "status": { "msg": "absent" },
        });
        calls.make("recvmmsg", socket, says, || recvmmsg(socket, table, 0, 0)).unwrap();
        calls.check(weir);
    });
}

#[test]
fn recvfrom_with_and_without_an_address() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let (to, from, name) = pair();
        let socket = to.as_raw_fd();
        let (mut buffer, mut address) = ([0u8; 8], [0u8; 128]);
        let shown = format!("{:p}", buffer.as_ptr());
        let (buffer, address) = (buffer.as_mut_ptr(), address.as_mut_ptr());
        let mut namelen = 128;
        from.send(b"hello").unwrap();
        let says = json!({
            "ret": 5, "flags": [], "toctou": null,
            "msg": {
                "ptr": null, "name": name, "namelen": 16, "namelen_room": 128,
                "iov": [{"base": shown, "len": 8}], "iovlen": 1, "bytes": 8,
                "payload": "aGVsbG8=", "control": [], "controllen": null, "flags": null,
            },
            "fields": {
                "msg.name": {"status": "ok", "read": "exit"},
                "msg.namelen": {"status": "ok", "read": "exit"},
                "msg.namelen_room": {"status": "ok", "read": "entry"},
                "msg.iov": {"status": "ok", "read": "entry"},
                "msg.payload": {"status": "ok", "read": "exit"},
            },
        });
        let call = || recvfrom(socket, buffer, 8, 0, address, &raw mut namelen);
        calls.make("recvfrom", socket, says, call).unwrap();
        assert_eq!(namelen, 16);

        // Nobody asks who sent, and there is too little room.
        from.send(b"hello, world").unwrap();
        let says = json!({
            "ret": 12, "flags": ["MSG_TRUNC"],
            "msg": {
                "name": null, "namelen": 0, "namelen_room": 0, "bytes": 8,
                "payload": "aGVsbG8sIHc=", "payload_len": 8,
            },
            "status": { "msg.name": "absent", "msg.payload": "truncated" },
        });
        let none = ptr::null_mut();
        let call = || recvfrom(socket, buffer, 8, libc::MSG_TRUNC, none, none.cast());
        calls.make("recvfrom", socket, says, call).unwrap();

        namelen = 128;
        let says = json!({
            "error": "EAGAIN", "flags": ["MSG_DONTWAIT"],
            "msg": { "name": null, "namelen_room": 128, "bytes": 8, "payload": null },
            "status": { "msg.name": "absent", "msg.payload": "absent" },
        });
        let call = || recvfrom(socket, buffer, 8, libc::MSG_DONTWAIT, address, &raw mut namelen);
        calls.make("recvfrom", socket, says, call).unwrap_err();

        // A stream's end has no name to give; the standard library's read is made of recv.
        let (closed, _) = UnixStream::pair().unwrap();
        let fd = closed.as_raw_fd();
        let says = json!({
            "ret": 0, "msg": { "name": null, "namelen": 0, "namelen_room": 128, "payload": null },
            "status": { "msg.name": "absent", "msg.payload": "absent" },
        });
        let call = || recvfrom(fd, buffer, 8, 0, address, &raw mut namelen);
        calls.make("recvfrom", fd, says, call).unwrap();
        calls.check(weir);
    });
}
