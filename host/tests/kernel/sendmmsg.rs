//! sendmmsg: an event per message.

use std::{
    net::{Ipv4Addr, UdpSocket},
    os::{fd::AsRawFd, unix::net::UnixDatagram},
    ptr,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    calls::{Calls, Message, Messages, Since, fd, inet, rights, sendmmsg},
    live::{Weir, row},
    of_all_calls,
};

fn too_many(weir: &Weir) -> u64 {
    row(&weir.ledger()["unpaired_by"], "too_many")
}

#[test]
fn each_message_has_its_own_event() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let to = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = to.local_addr().unwrap();
        let from = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        from.connect(address).unwrap();
        // IP_TTL, which the kernel takes for this message alone.
        let ttl = crate::calls::cmsg(libc::SOL_IP, libc::IP_TTL, &7i32.to_ne_bytes());
        let all = Messages::new(vec![
            Message::of_parts(&[b"one"]).to(&inet(address)),
            Message::of_parts(&[b"tw", b"o!"]),
            Message::of_parts(&[]).to(&inet(address)).control(&ttl),
            Message::of_parts(&[b"four"]).control(&ttl),
        ]);
        let name = json!({"family": "AF_INET", "address": "127.0.0.1", "port": address.port()});
        let control = json!([{"level": "SOL_IP", "type": "IP_TTL", "value": 7}]);
        let none = (Value::Null, "absent");
        let names = [(name.clone(), "ok"), none.clone(), (name, "ok"), none];
        let payloads = ["one", "two!", "", "four"];
        let says = (0..4).map(|index| {
            let (payload, (name, named)) = (payloads[index], &names[index]);
            let controls = index >= 2;
            let shown = |text| if payload.is_empty() { Value::Null } else { text };
            json!({
                "index": index, "vlen": 4, "ret": payload.len(), "flags": ["MSG_DONTWAIT"],
                "toctou": null,
                "msg": {
                    "ptr": all.ptr(index), "name": name, "iov": all.message(index).iov(),
                    "bytes": payload.len(), "payload": shown(json!(STANDARD.encode(payload))),
                    "control": if controls { control.clone() } else { json!([]) },
                    "controllen": if controls { 24 } else { 0 }, "flags": [],
                },
                "status": {
                    "msg": "ok", "msg.name": named, "msg.control": if controls { "ok" } else { "absent" },
                    "socket": "ok", "index": "ok", "vlen": "ok",
                },
                "fields": { "msg": {"read": "exit"}, "msg.bytes": {"read": "exit"} },
            })
        });
        let call = || sendmmsg(from.as_raw_fd(), all.table.as_ptr(), 4, libc::MSG_DONTWAIT);
        let sent = calls.make_several("sendmmsg", from.as_raw_fd(), says.collect(), call);
        assert_eq!(sent.unwrap(), 4);
        calls.check(weir);
    });
}

#[test]
fn descriptors_of_each_message() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let (from, to) = UnixDatagram::pair().unwrap();
        let sets = [vec![&from], vec![&to, &from], vec![]];
        let all = Messages::new(
            sets.iter()
                .map(|set| {
                    let fds: Vec<_> = set.iter().map(|one| one.as_raw_fd()).collect();
                    let message = Message::of(&[1]);
                    if fds.is_empty() { message } else { message.control(&rights(&fds)) }
                })
                .collect(),
        );
        let says = sets.iter().enumerate().map(|(index, set)| {
            let fds: Vec<_> = set.iter().map(|one| fd(*one)).collect();
            let control = json!([{"level": "SOL_SOCKET", "type": "SCM_RIGHTS", "fds": fds}]);
            json!({
                "index": index, "vlen": 3, "ret": 1, "flags": [],
                "msg": { "control": if fds.is_empty() { json!([]) } else { control }, "payload": "cA==" },
                "status": { "msg.payload": "ok" },
            })
        });
        let call = || sendmmsg(from.as_raw_fd(), all.table.as_ptr(), 3, 0);
        calls.make_several("sendmmsg", from.as_raw_fd(), says.collect(), call).unwrap();
        calls.check(weir);
    });
}

/// A call that sends nothing is one event. What ends a call after its first message is lost, to
/// the caller as well.
#[test]
fn a_message_that_fails() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let (from, _to) = UnixDatagram::pair().unwrap();
        let socket = from.as_raw_fd();
        let bad = || {
            let mut bad = Message::of(&[5]);
            bad.header.msg_iov = ptr::without_provenance_mut(8);
            bad
        };
        let all = Messages::new(vec![bad(), Message::of(&[1])]);
        let says = json!({
            "index": 0, "vlen": 2, "ret": -1, "error": "EFAULT",
            "msg": { "ptr": all.ptr(0), "iov": null, "iovlen": 1, "bytes": null },
            "status": { "msg": "ok", "msg.iov": "fault", "msg.bytes": "fault" },
        });
        let call = || sendmmsg(socket, all.table.as_ptr(), 2, 0);
        calls.make("sendmmsg", socket, says, call).unwrap_err();

        let all = Messages::new(vec![Message::of(&[3]), bad(), Message::of(&[1])]);
        let says = json!({
            "index": 0, "vlen": 3, "ret": 3, "error": null,
            "msg": { "ptr": all.ptr(0), "iovlen": 1, "bytes": 3 },
        });
        let call = || sendmmsg(socket, all.table.as_ptr(), 3, 0);
        assert_eq!(calls.make("sendmmsg", socket, says, call).unwrap(), 1);

        let nothing =
            json!({ "ptr": "0x8", "name": null, "namelen": null, "iov": null, "bytes": null });
        let nowhere = ptr::without_provenance(8);
        let says = json!({
            "index": 0, "vlen": 0, "ret": 0, "error": null, "msg": nothing,
            "status": { "msg": "absent", "msg.name": "not_seen", "msg.bytes": "not_seen" },
        });
        calls.make("sendmmsg", socket, says, || sendmmsg(socket, nowhere, 0, 0)).unwrap();
        let says = json!({
            "index": 0, "vlen": 2, "ret": -1, "error": "EFAULT", "msg": nothing,
            "status": { "msg": "fault", "msg.name": "not_seen", "msg.bytes": "not_seen" },
        });
        calls.make("sendmmsg", socket, says, || sendmmsg(socket, nowhere, 2, 0)).unwrap_err();
        let says = json!({
            "index": 0, "vlen": 1, "ret": -1, "error": "EBADF", "socket": null,
            "msg": { "bytes": 3 }, "status": { "socket": "absent" },
        });
        let call = || sendmmsg(-1, all.table.as_ptr(), 1, 0);
        calls.make("sendmmsg", -1, says, call).unwrap_err();
        calls.check(weir);
    });
}

/// A program can tell of so many messages only: the rest is in the ledger.
#[test]
fn more_than_can_be_told() {
    const MESSAGES: usize = 200;
    const LEAST: usize = 64;
    of_all_calls(|weir| {
        let to = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let from = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        from.connect(to.local_addr().unwrap()).unwrap();
        let of = |count| (0..count).map(|index| Message::of(&[index % 7])).collect();
        // So many are told of, to the last.
        let few = Messages::new(of(LEAST));
        let says = (0..LEAST)
            .map(|index| json!({"index": index, "ret": index % 7, "msg": {"bytes": index % 7}}));
        let before = too_many(weir);
        let mut calls = Calls::new();
        let call = || sendmmsg(from.as_raw_fd(), few.table.as_ptr(), LEAST as u32, 0);
        let sent = calls.make_several("sendmmsg", from.as_raw_fd(), says.collect(), call);
        assert_eq!(sent.unwrap(), LEAST);
        calls.check(weir);
        assert_eq!(too_many(weir), before);

        let many = Messages::new(of(MESSAGES));
        let since = Since::now();
        let sent = sendmmsg(from.as_raw_fd(), many.table.as_ptr(), MESSAGES as u32, 0).unwrap();
        assert_eq!(sent, MESSAGES);
        // The thread's next call is as any other.
        let mut calls = Calls::new();
        calls.send(&from, &Message::of(&[6]), 0, json!({"ret": 6})).unwrap();
        let mut events = since.events(weir);
        events.retain(|event| event["process"]["tid"] == crate::calls::tid());
        let told = events.len() - 1;
        assert!((LEAST..MESSAGES).contains(&told), "{told} of {MESSAGES}");
        for (index, event) in events[..told].iter().enumerate() {
            assert_eq!(event["call"], "sendmmsg");
            let shown = (&event["index"], &event["vlen"], &event["ret"]);
            assert_eq!(shown, (&json!(index), &json!(MESSAGES), &json!(index % 7)));
        }
        assert_eq!(events[told]["call"], "sendmsg");
        assert_eq!(too_many(weir) - before, (MESSAGES - told) as u64);
    });
}
