//! sendto: what other calls have in memory are its arguments.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    os::fd::AsRawFd,
    ptr,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    calls::{Calls, inet, sendto},
    of_all_calls,
};

/// Whether the kernel's copy is compared.
fn verdict(weir: &crate::live::Weir) -> Value {
    match weir.get("/api/v1/status")["backend"]["name"].as_str().unwrap() {
        "tracepoint" => Value::Null,
        _ => json!("same"),
    }
}

#[test]
fn with_and_without_an_address() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let to = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = to.local_addr().unwrap();
        let name = inet(address);
        let from = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let socket = from.as_raw_fd();
        let payload = b"to somebody";
        let shown = json!({
            "ptr": null, "iov": [{"base": format!("{payload:p}"), "len": payload.len()}],
            "iovlen": 1, "bytes": payload.len(), "payload": STANDARD.encode(payload),
            "payload_len": payload.len(), "control": [], "controllen": null, "flags": null,
        });
        let mut says = json!({
            "flags": ["MSG_CONFIRM"], "index": null, "vlen": null, "sendfile": null,
            "toctou": verdict(weir), "msg": shown,
            "status": {
                "msg.name": "ok", "msg.namelen": "ok", "msg.iov": "ok", "msg.bytes": "ok",
                "msg.payload": "ok", "socket": "ok",
            },
        });
        says["msg"]["name"] =
            json!({"family": "AF_INET", "address": "127.0.0.1", "port": address.port()});
        says["msg"]["namelen"] = json!(16);
        let send = |name: &[u8]| {
            let (name, namelen) = (name.as_ptr(), name.len() as i32);
            sendto(socket, payload.as_ptr(), payload.len(), libc::MSG_CONFIRM, name, namelen)
        };
        calls.make("sendto", socket, says.clone(), || send(&name)).unwrap();

        from.connect(address).unwrap();
        says["msg"]["name"] = Value::Null;
        says["msg"]["namelen"] = json!(0);
        says["status"]["msg.name"] = json!("absent");
        calls
            .make("sendto", socket, says, || {
                let (buffer, flags) = (payload.as_ptr(), libc::MSG_CONFIRM);
                sendto(socket, buffer, payload.len(), flags, ptr::null(), 0)
            })
            .unwrap();

        // The library's send() and the standard library's are made of it.
        let says = json!({ "ret": 3, "msg": { "bytes": 3, "payload": "YWJj" } });
        calls.make("sendto", socket, says, || from.send(b"abc")).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let peer = listener.local_addr().unwrap().to_string();
        let says = json!({
            "flags": ["MSG_NOSIGNAL"], "ret": 3, "msg": { "payload": "YWJj", "name": null },
            "socket": { "type": "SOCK_STREAM", "peer": peer },
        });
        let fd = stream.as_raw_fd();
        let call = || sendto(fd, b"abc".as_ptr(), 3, libc::MSG_NOSIGNAL, ptr::null(), 0);
        calls.make("sendto", fd, says, call).unwrap();
        calls.check(weir);
    });
}

#[test]
fn that_cannot_be_read() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let to = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let name = inet(to.local_addr().unwrap());
        let socket = to.as_raw_fd();
        let nowhere = ptr::without_provenance(8);
        let says = json!({
            "error": "EFAULT",
            "msg": { "iov": [{"base": "0x8", "len": 5}], "bytes": 5, "payload": null },
            "status": { "msg.name": "ok", "msg.iov": "ok", "msg.payload": "fault" },
        });
        let call = || sendto(socket, nowhere, 5, 0, name.as_ptr(), 16);
        calls.make("sendto", socket, says, call).unwrap_err();

        let says = json!({
            "error": "EFAULT", "msg": { "name": null, "namelen": 16, "payload": "YWJj" },
            "status": { "msg.name": "fault", "msg.namelen": "ok", "msg.payload": "ok" },
        });
        let call = || sendto(socket, b"abc".as_ptr(), 3, 0, nowhere, 16);
        calls.make("sendto", socket, says, call).unwrap_err();

        let says = json!({
            "error": "EINVAL", "msg": { "name": null, "namelen": -1, "payload": "YWJj" },
            "status": { "msg.name": "not_seen", "msg.namelen": "ok" },
        });
        let call = || sendto(socket, b"abc".as_ptr(), 3, 0, name.as_ptr(), -1);
        calls.make("sendto", socket, says, call).unwrap_err();
        calls.check(weir);
    });
}
