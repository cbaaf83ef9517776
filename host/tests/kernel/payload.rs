//! The payload: as many bytes as scripts ask for, across the parts of a message.

use std::{
    os::{fd::AsRawFd, unix::net::UnixDatagram},
    ptr,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    alone,
    calls::{Calls, Message},
    guest,
    live::Weir,
    of_all_calls,
};

const MOST: usize = 4096;

/// Bytes, each another than the one before.
fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

fn says(payload: Option<&[u8]>, status: &str) -> Value {
    json!({
        "msg": { "payload": payload.map(|it| STANDARD.encode(it)), "payload_len": payload.map(<[u8]>::len) },
        "status": { "msg.payload": status },
    })
}

/// Sends and receives again, so that there is room for the next.
fn send(calls: &mut Calls, pair: &(UnixDatagram, UnixDatagram), parts: &[&[u8]], says: Value) {
    let message = Message::of_parts(parts);
    let sent = calls.send(&pair.0, &message, 0, says).unwrap();
    assert_eq!(pair.1.recv(&mut vec![0; sent + 1]).unwrap(), sent);
}

#[test]
fn across_parts_and_up_to_a_limit() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let pair = UnixDatagram::pair().unwrap();
        for len in [0, 1, 7, 8, 9, 63, 4095, 4096, 4097, 10_000] {
            let all = bytes(len);
            let shown = &all[..len.min(MOST)];
            let status = match len {
                0 => "absent",
                len if len > MOST => "truncated",
                _ => "ok",
            };
            let says = || says((len > 0).then_some(shown), status);
            send(&mut calls, &pair, &[&all], says());
            let (start, end) = all.split_at(len / 3);
            send(&mut calls, &pair, &[start, &[], end], says());
            // The first sixteen parts are looked at.
            let mut parts: Vec<_> = all.chunks(len.div_ceil(16).max(1)).collect();
            parts.resize(16, &[]);
            send(&mut calls, &pair, &parts, says());
        }
        // What is in the others is not shown.
        let all = bytes(40);
        let parts: Vec<_> = all.chunks(2).collect();
        send(&mut calls, &pair, &parts, says(Some(&all[..32]), "truncated"));
        calls.check(weir);
    });
}

#[test]
fn as_much_as_is_wanted() {
    for wanted in [7, 4095] {
        alone(&["sendmsg"], wanted, |weir| {
            let mut calls = Calls::new();
            let pair = UnixDatagram::pair().unwrap();
            for len in [1, wanted, wanted + 1, 5000] {
                let all = bytes(len);
                let status = if len > wanted { "truncated" } else { "ok" };
                let says = says(Some(&all[..len.min(wanted)]), status);
                send(&mut calls, &pair, &[&all[..len / 2], &all[len / 2..]], says);
            }
            calls.check(weir);
        });
    }
}

#[test]
fn as_scripts_come_and_go() {
    alone(&["sendmsg"], 0, |weir| {
        let mut calls = Calls::new();
        let pair = UnixDatagram::pair().unwrap();
        let all = bytes(200);
        let put = |weir: &Weir, name: &str, payload| {
            let (code, answer) = weir.put(name, &guest::own_wanting(&["sendmsg"], payload));
            assert!(matches!(code, 200 | 201), "{code} {answer}");
        };
        let remove = |weir: &Weir, name: &str| {
            weir.change("DELETE", &format!("/api/v1/scripts/{name}"), &[]);
        };
        send(&mut calls, &pair, &[&all], says(None, "not_seen"));
        put(weir, "a", 50);
        send(&mut calls, &pair, &[&all], says(Some(&all[..50]), "truncated"));
        put(weir, "b", MOST);
        send(&mut calls, &pair, &[&all], says(Some(&all), "ok"));
        remove(weir, "b");
        send(&mut calls, &pair, &[&all], says(Some(&all[..50]), "truncated"));
        put(weir, "a", 10);
        send(&mut calls, &pair, &[&all], says(Some(&all[..10]), "truncated"));
        remove(weir, "a");
        send(&mut calls, &pair, &[&all], says(None, "not_seen"));
        calls.check(weir);
        let (code, _) = weir.put("c", &guest::own_wanting(&["sendmsg"], MOST + 1));
        assert_eq!(code, 422);
    });
}

/// What lies before the memory that cannot be read is shown, if the kernel itself went so far.
#[test]
fn that_cannot_be_read() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let (from, _to) = UnixDatagram::pair().unwrap();
        let mut first = *b"first";
        let nowhere = ptr::without_provenance_mut(8);
        let mut table = [
            libc::iovec { iov_base: first.as_mut_ptr().cast(), iov_len: 5 },
            libc::iovec { iov_base: nowhere, iov_len: 5 },
        ];
        let mut message = Message::of(&[]);
        message.header.msg_iov = table.as_mut_ptr();
        message.header.msg_iovlen = 2;
        let mut half = says(Some(b"first"), "truncated");
        half["error"] = json!("EFAULT");
        half["msg"]["bytes"] = json!(10);
        calls.call(from.as_raw_fd(), message.ptr(), 0, half).unwrap_err();
        message.header.msg_iov = &raw mut table[1];
        message.header.msg_iovlen = 1;
        let mut none = says(None, "fault");
        none["error"] = json!("EFAULT");
        none["msg"]["bytes"] = json!(5);
        calls.call(from.as_raw_fd(), message.ptr(), 0, none).unwrap_err();
        calls.check(weir);
    });
}
