//! sendmmsg: an event per message.

use std::{
    io::Write,
    net::{Ipv4Addr, UdpSocket},
    os::{
        fd::AsRawFd,
        unix::net::{UnixDatagram, UnixStream},
    },
    ptr,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    calls::{Calls, Message, Messages, fd, inet, recvmmsg, rights, sendmmsg, set_send_timeout},
    live::{Weir, row},
    of_all_calls,
};

fn too_many(weir: &Weir) -> u64 {
    row(&weir.ledger()["unpaired_by"], "too_many")
}

/// Whether the backend sees each message enter and return.
fn one_by_one(weir: &Weir) -> bool {
    weir.get("/api/v1/status")["backend"]["name"] != "tracepoint"
}

#[test]
fn each_message_has_its_own_event() {
    of_all_calls(|weir| {
        let one_by_one = one_by_one(weir);
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
            // The kernel does not ask its security modules twice for one address.
            Message::of_parts(&[b"five"]).to(&inet(address)),
            Message::of_parts(&[b"six"]).to(&inet(address)),
            Message::of_parts(&[b"seven"]).to(&inet(address)).control(&ttl),
        ]);
        let name = json!({"family": "AF_INET", "address": "127.0.0.1", "port": address.port()});
        let control = json!([{"level": "SOL_IP", "type": "IP_TTL", "value": 7}]);
        let none = (Value::Null, "absent");
        let to = (name, "ok");
        let names = [&to, &none, &to, &none, &to, &to, &to];
        let payloads = ["one", "two!", "", "four", "five", "six", "seven"];
        let verdicts = ["same", "same", "same", "same", "same", "same", "unread"];
        let read = if one_by_one { "entry" } else { "exit" };
        let says = (0..7).map(|index| {
            let (payload, (name, named)) = (payloads[index], names[index]);
            let controls = [2, 3, 6].contains(&index);
            let shown = |text| if payload.is_empty() { Value::Null } else { text };
            json!({
                "index": index, "vlen": 7, "ret": payload.len(), "flags": ["MSG_DONTWAIT"],
                "toctou": one_by_one.then_some(verdicts[index]),
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
                "fields": { "msg": {"read": read}, "msg.bytes": {"read": read} },
            })
        });
        let call = || sendmmsg(from.as_raw_fd(), all.table.as_ptr(), 7, libc::MSG_DONTWAIT);
        let sent = calls.make_several("sendmmsg", from.as_raw_fd(), says.collect(), call);
        assert_eq!(sent.unwrap(), 7);
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

/// Each message has its own time where it is seen to enter and to return.
#[test]
fn a_message_that_waits() {
    of_all_calls(|weir| {
        let (from, to) = UnixDatagram::pair().unwrap();
        from.set_nonblocking(true).unwrap();
        while from.send(&[1]).is_ok() {}
        from.set_nonblocking(false).unwrap();
        // Room for the first message, while the second waits until its time is over.
        to.recv(&mut [0]).unwrap();
        set_send_timeout(&from, Duration::from_millis(100));
        let all = Messages::new(vec![Message::of(&[1]), Message::of(&[1])]);
        let mut calls = Calls::new();
        let mut says = vec![json!({"index": 0, "ret": 1})];
        if one_by_one(weir) {
            says.push(json!({"index": 1, "ret": -1, "error": "EAGAIN"}));
        }
        let call = || sendmmsg(from.as_raw_fd(), all.table.as_ptr(), 2, 0);
        let sent = calls.make_several("sendmmsg", from.as_raw_fd(), says, call);
        assert_eq!(sent.unwrap(), 1);
        let took: Vec<_> =
            calls.check(weir).iter().map(|event| event["duration_ns"].as_u64().unwrap()).collect();
        assert!(took.last().unwrap() >= &90_000_000, "{took:?}");
        if let [first, second] = took[..] {
            assert!(first < second, "{took:?}");
        }
    });
}

/// A call that sends nothing is one event. What ends a call after its first message is lost to the
/// caller, and to a backend that does not see single messages.
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
        let mut says = vec![json!({
            "index": 0, "vlen": 3, "ret": 3, "error": null,
            "msg": { "ptr": all.ptr(0), "iovlen": 1, "bytes": 3 },
        })];
        if one_by_one(weir) {
            says.push(json!({
                "index": 1, "vlen": 3, "ret": -1, "error": "EFAULT", "toctou": "unread",
                "msg": { "ptr": all.ptr(1), "iovlen": 1, "bytes": null },
            }));
        }
        let call = || sendmmsg(socket, all.table.as_ptr(), 3, 0);
        assert_eq!(calls.make_several("sendmmsg", socket, says, call).unwrap(), 1);

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

/// As many messages as the kernel sends at once are told of, each by itself.
#[test]
fn as_many_as_can_be_sent() {
    const MESSAGES: usize = 1024;
    of_all_calls(|weir| {
        let to = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let from = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        from.connect(to.local_addr().unwrap()).unwrap();
        // The kernel sends no more, however many there are.
        let offered = MESSAGES + 6;
        let all = Messages::new((0..offered).map(|index| Message::of(&[index % 7])).collect());
        let says = (0..MESSAGES).map(|index| {
            json!({"index": index, "vlen": offered, "ret": index % 7, "msg": {"bytes": index % 7}})
        });
        let before = too_many(weir);
        let mut calls = Calls::new();
        let call = || sendmmsg(from.as_raw_fd(), all.table.as_ptr(), offered as u32, 0);
        let sent = calls.make_several("sendmmsg", from.as_raw_fd(), says.collect(), call);
        assert_eq!(sent.unwrap(), MESSAGES);
        // The thread's next call is as any other.
        calls.send(&from, &Message::of(&[6]), 0, json!({"ret": 6})).unwrap();
        calls.check(weir);
        assert_eq!(too_many(weir), before);
    });
}

/// recvmmsg takes any number of messages: those that are not told of are in the ledger.
#[test]
fn more_than_are_told_of() {
    const MESSAGES: usize = 1100;
    const TOLD: usize = 1024;
    of_all_calls(|weir| {
        let (from, mut to) = UnixStream::pair().unwrap();
        to.write_all(&[b'x'; MESSAGES]).unwrap();
        // Of a stream each message takes what it has room for.
        let mut all = Messages::new((0..MESSAGES).map(|_| Message::of(&[1])).collect());
        let says =
            (0..TOLD).map(|index| json!({"index": index, "vlen": MESSAGES, "ret": 1})).collect();
        let before = too_many(weir);
        let mut calls = Calls::new();
        let fd = from.as_raw_fd();
        let call = || recvmmsg(fd, all.table.as_mut_ptr(), MESSAGES as u32, 0);
        assert_eq!(calls.make_several("recvmmsg", fd, says, call).unwrap(), MESSAGES);
        calls.check(weir);
        assert_eq!(too_many(weir) - before, (MESSAGES - TOLD) as u64);
    });
}
