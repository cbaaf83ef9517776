//! Pointers, lengths and counts of any kind: the call ends as if nobody looked on, and the event
//! says what could not be read.

use std::{
    io,
    os::{fd::AsRawFd, unix::net::UnixDatagram},
    ptr,
};

use serde_json::{Value, json};

use crate::{
    calls::{Calls, Message, cmsg, recvfrom, recvmmsg, recvmsg, rights, sendmmsg, sendto},
    of_all_calls,
};

/// In no process; beyond what a process can have; what no pointer can be.
const NOWHERE: [usize; 5] = [0, 8, 1 << 47, 1 << 63, usize::MAX];

/// How a call ends: what it returns, or its error's number.
type Outcome = Result<usize, i32>;

fn outcome(result: io::Result<usize>) -> Outcome {
    result.map_err(|error| error.raw_os_error().unwrap())
}

/// A message that may be anything, and what its event must say.
struct Case {
    what: String,
    message: Message,
    says: Value,
}

fn case(what: impl Into<String>, message: Message, says: Value) -> Case {
    Case { what: what.into(), message, says }
}

/// Header, name, table and payload that are not there.
fn pointers(all: &mut Vec<Case>) {
    for at in NOWHERE {
        let nowhere = ptr::without_provenance_mut::<u8>(at);
        let shown = format!("{at:#x}");
        let mut message = Message::of(&[3]);
        message.header.msg_iov = nowhere.cast();
        let says = json!({"msg": {"iov": null, "bytes": null}, "status": {"msg.iov": "fault"}});
        all.push(case(format!("table at {shown}"), message, says));

        let mut message = Message::of(&[3]);
        (message.header.msg_name, message.header.msg_namelen) = (nowhere.cast(), 16);
        let status = if at == 0 { "absent" } else { "fault" };
        let says = json!({"msg": {"name": null, "namelen": 16}, "status": {"msg.name": status}});
        all.push(case(format!("name at {shown}"), message, says));

        let mut message = Message::of(&[3]);
        (message.header.msg_control, message.header.msg_controllen) = (nowhere.cast(), 24);
        let says = json!({
            "msg": {"control": null, "controllen": 24}, "status": {"msg.control": "fault"},
        });
        all.push(case(format!("control at {shown}"), message, says));

        let mut message = Message::of(&[3]);
        message.set_base(0, nowhere);
        let says = json!({
            "msg": {"iov": [{"base": shown, "len": 3}], "bytes": 3, "payload": null},
            "status": {"msg.iov": "ok", "msg.payload": "fault"},
        });
        all.push(case(format!("payload at {shown}"), message, says));
    }
}

/// Lengths and counts that are too large, too small and negative.
fn lengths(all: &mut Vec<Case>) {
    for iovlen in [1025, 1 << 20, 1 << 31, 1 << 32, 1 << 63, usize::MAX] {
        let mut message = Message::of(&[1; 1024]);
        message.header.msg_iovlen = iovlen;
        let says = json!({
            "msg": {"iov": message.iov(), "iovlen": iovlen, "bytes": 1024},
            "status": {"msg.iov": "truncated"},
        });
        all.push(case(format!("iovlen {iovlen:#x}"), message, says));
    }
    for namelen in [i32::MIN, -1, 1, 2, 127, 128, 129, 1 << 20, i32::MAX] {
        let mut message = Message::of(&[1]).to(&[0; 256]);
        message.header.msg_namelen = namelen.cast_unsigned();
        let status = match namelen {
            ..0 => "not_seen",
            129.. => "truncated",
            _ => "ok",
        };
        let says = json!({"msg": {"namelen": namelen}, "status": {"msg.name": status}});
        all.push(case(format!("namelen {namelen}"), message, says));
    }
    for controllen in [1, 15, 16, 2049, 1 << 20, 1 << 31, 1 << 32, 1 << 63, usize::MAX] {
        // More than an event shows.
        let mut message = Message::of(&[1]).control(&cmsg(77, 7, &[1; 3000]));
        message.header.msg_controllen = controllen;
        let status = if controllen > 2048 { "truncated" } else { "ok" };
        let says = json!({"msg": {"controllen": controllen}, "status": {"msg.control": status}});
        all.push(case(format!("controllen {controllen:#x}"), message, says));
    }
    for len in [1 << 31, 1 << 40, 1 << 63, usize::MAX] {
        let mut message = Message::of(&[3]);
        message.set_len(0, len);
        let says = json!({"msg": {"iov": message.iov(), "bytes": len.min(i64::MAX as usize)}});
        all.push(case(format!("part of {len:#x} bytes"), message, says));
    }
}

/// Control messages whose lengths do not fit.
fn control(all: &mut Vec<Case>) {
    for len in [0, 1, 15, 25, 1 << 32, 1 << 63, u64::MAX, u64::MAX - 7] {
        let mut control = rights(&[0]);
        control[..8].copy_from_slice(&len.to_ne_bytes());
        let says = json!({
            "msg": {"control": [{"malformed": {"at": 0, "len": len}}], "controllen": 24},
            "status": {"msg.control": "ok"},
        });
        all.push(case(format!("cmsg_len {len:#x}"), Message::of(&[1]).control(&control), says));
    }
    // The second goes beyond the end.
    let mut both = [cmsg(77, 7, &[1; 8]), rights(&[0, 1])].concat();
    both.truncate(24 + 20);
    let says = json!({
        "msg": {
            "control": [
                {"level": "0x4d", "type": "0x7", "len": 8, "data": "0101010101010101"},
                {"malformed": {"at": 24, "len": 24}},
            ],
        },
    });
    all.push(case("the second cmsg beyond the end", Message::of(&[1]).control(&both), says));
    // Descriptors that are not open; half of one.
    let says = json!({
        "msg": {
            "control": [{
                "level": "SOL_SOCKET", "type": "SCM_RIGHTS",
                "fds": [{"fd": -1, "file": null}, {"fd": 99_999, "file": null}],
            }],
        },
    });
    let control = rights(&[-1, 99_999]);
    all.push(case("descriptors that are not open", Message::of(&[1]).control(&control), says));
    let half = cmsg(libc::SOL_SOCKET, libc::SCM_RIGHTS, &[0, 0, 0, 0, 1, 0]);
    let says = json!({"status": {"msg.control": "ok"}});
    all.push(case("half a descriptor", Message::of(&[1]).control(&half), says));
    let many: Vec<_> = [0; 253].to_vec();
    let control = rights(&many);
    let says = json!({"msg": {"controllen": control.len()}, "status": {"msg.control": "ok"}});
    all.push(case("as many descriptors as go", Message::of(&[1]).control(&control), says));
}

fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    pointers(&mut all);
    lengths(&mut all);
    control(&mut all);
    // Name, control messages and payload in the same memory.
    let mut message = Message::of(&[64]);
    let shared = message.table().cast_mut();
    (message.header.msg_name, message.header.msg_namelen) = (shared.cast(), 16);
    (message.header.msg_control, message.header.msg_controllen) = (shared.cast(), 16);
    let says = json!({"status": {"msg.name": "ok", "msg.control": "ok", "msg.payload": "ok"}});
    all.push(case("parts that overlap", message, says));
    all
}

#[test]
fn messages() {
    // What each call comes to when nobody looks on.
    let (from, to) = UnixDatagram::pair().unwrap();
    to.set_nonblocking(true).unwrap();
    let drain = || while to.recv(&mut [0; 64]).is_ok() {};
    let all = cases();
    let send = |case: &Case| {
        crate::calls::sendmsg(from.as_raw_fd(), case.message.ptr(), libc::MSG_DONTWAIT)
    };
    let alone: Vec<Outcome> = all
        .iter()
        .map(|case| {
            drain();
            outcome(send(case))
        })
        .collect();
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        for (case, alone) in all.iter().zip(&alone) {
            drain();
            let mut says = case.says.clone();
            says["flags"] = json!(["MSG_DONTWAIT"]);
            let seen = calls.make("sendmsg", from.as_raw_fd(), says, || send(case));
            assert_eq!(outcome(seen), *alone, "{}", case.what);
        }
        calls.check(weir);
    });
}

#[test]
fn misaligned() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let (from, _to) = UnixDatagram::pair().unwrap();
        let message = Message::of(&[5]);
        let mut bytes = [0u8; size_of::<libc::msghdr>() + 1];
        let header = bytes[1..].as_mut_ptr();
        // SAFETY: both are of that many bytes.
        unsafe { header.copy_from(message.ptr().cast(), size_of::<libc::msghdr>()) };
        let says = json!({"ret": 5, "msg": {"iov": message.iov(), "payload": "cHBwcHA="}});
        calls.call(from.as_raw_fd(), header.cast(), 0, says).unwrap();
        calls.check(weir);
    });
}

/// A call that can be made again.
type Call = Box<dyn Fn() -> io::Result<usize>>;

/// The other calls with nothing but nonsense.
#[test]
fn arguments_of_the_others() {
    let (from, _to) = UnixDatagram::pair().unwrap();
    let socket = from.as_raw_fd();
    let flags = libc::MSG_DONTWAIT;
    let mut all: Vec<(&str, i32, Call)> = Vec::new();
    for at in NOWHERE {
        for fd in [socket, -1, i32::MAX, i32::MIN] {
            for count in [0, 1, 1025, u32::MAX] {
                let table = ptr::without_provenance_mut(at);
                all.push(("sendmmsg", fd, Box::new(move || sendmmsg(fd, table, count, flags))));
                all.push(("recvmmsg", fd, Box::new(move || recvmmsg(fd, table, count, flags))));
            }
            let header = ptr::without_provenance_mut(at);
            all.push(("recvmsg", fd, Box::new(move || recvmsg(fd, header, flags))));
            for len in [0, 1, 1 << 31, usize::MAX] {
                let bytes = ptr::without_provenance_mut(at);
                let namelen = (len as i32).min(1 << 20);
                all.push((
                    "sendto",
                    fd,
                    Box::new(move || sendto(fd, bytes, len, flags, bytes, namelen)),
                ));
                all.push((
                    "recvfrom",
                    fd,
                    Box::new(move || recvfrom(fd, bytes, len, flags, bytes, bytes.cast())),
                ));
            }
        }
    }
    let alone: Vec<Outcome> = all.iter().map(|(_, _, call)| outcome(call())).collect();
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        for ((name, fd, call), alone) in all.iter().zip(&alone) {
            assert_eq!(outcome(calls.make(name, *fd, json!({}), call)), *alone, "{name}({fd}, …)");
        }
        calls.check(weir);
    });
}
