//! Where a message goes: `msg.name` in every family.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddrV6, TcpListener, TcpStream, UdpSocket},
    os::{
        fd::{FromRawFd, OwnedFd},
        unix::{ffi::OsStrExt, net::UnixDatagram},
    },
};

use serde_json::{Value, json};

use crate::{
    calls::{Calls, Message, inet, unix},
    on_each_backend,
};

/// A name that was read whole.
fn named(name: Value, namelen: usize) -> Value {
    json!({
        "error": null, "ret": 5,
        "msg": { "name": name, "namelen": namelen, "iovlen": 1, "bytes": 5, "controllen": 0 },
        "status": { "msg": "ok", "msg.name": "ok", "msg.bytes": "ok" },
    })
}

fn unnamed() -> Value {
    json!({
        "error": null, "ret": 5,
        "msg": { "name": null, "namelen": 0, "iovlen": 1, "bytes": 5, "controllen": 0 },
        "status": { "msg": "ok", "msg.name": "absent", "msg.bytes": "ok" },
    })
}

fn message() -> Message {
    Message::of(&[5])
}

#[test]
fn ipv4() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let to = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = to.local_addr().unwrap();
        let from = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let name = json!({"family": "AF_INET", "address": "127.0.0.1", "port": address.port()});
        calls.send(&from, &message().to(&inet(address)), 0, named(name, 16)).unwrap();

        // udp(7): without a family it is taken for AF_INET.
        let mut unspecified = inet(address);
        unspecified[0] = 0;
        let raw: String = unspecified.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = json!({"family": "AF_UNSPEC", "raw": raw});
        calls.send(&from, &message().to(&unspecified), 0, named(name, 16)).unwrap();

        from.connect(address).unwrap();
        calls.send(&from, &message(), 0, unnamed()).unwrap();

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        calls.send(&stream, &message(), 0, unnamed()).unwrap();
        calls.check(weir);
    });
}

#[test]
fn ipv6() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let Ok(to) = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)) else {
            return eprintln!("skipped: IPv6: this host has no ::1");
        };
        let port = to.local_addr().unwrap().port();
        let from = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
        // Flow and scope say nothing on loopback, and are reported as the caller gave them.
        let address = SocketAddrV6::new(Ipv6Addr::LOCALHOST, port, 0x12345, 1);
        let name = json!({
            "family": "AF_INET6", "address": "::1", "port": port, "flowinfo": 0x12345, "scope_id": 1,
        });
        let whole = inet(address.into());
        calls.send(&from, &message().to(&whole), 0, named(name.clone(), 28)).unwrap();

        // RFC 2133 had no scope, and the kernel still takes addresses of that length.
        let mut name = name;
        name["scope_id"] = json!(0);
        calls.send(&from, &message().to(&whole[..24]), 0, named(name, 24)).unwrap();
        calls.check(weir);
    });
}

#[test]
fn unix_paths_and_abstract_names() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let path = weir.folder().join("to.sock");
        let _to = UnixDatagram::bind(&path).unwrap();
        let from = UnixDatagram::unbound().unwrap();
        let bytes = path.as_os_str().as_bytes();
        let name = json!({"family": "AF_UNIX", "path": path});
        let terminated = [bytes, b"\0"].concat();
        for bytes in [bytes, &terminated] {
            let says = named(name.clone(), 2 + bytes.len());
            calls.send(&from, &message().to(&unix(bytes)), 0, says).unwrap();
        }

        let abstract_name = format!("\0weir-test-{}-\0-{}", std::process::id(), weir.pid());
        let to = bind_unix(abstract_name.as_bytes());
        let name = json!({"family": "AF_UNIX", "path": abstract_name.replacen('\0', "@", 1)});
        let says = named(name, 2 + abstract_name.len());
        calls.send(&from, &message().to(&unix(abstract_name.as_bytes())), 0, says).unwrap();
        drop(to);

        let says = json!({
            "error": "EINVAL", "msg": { "name": {"family": "AF_UNIX", "path": ""}, "namelen": 2 },
            "status": { "msg.name": "ok" },
        });
        calls.send(&from, &message().to(&unix(b"")), 0, says).unwrap_err();
        calls.check(weir);
    });
}

#[test]
fn netlink_and_what_is_too_short() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let netlink = socket(libc::AF_NETLINK, libc::SOCK_RAW);
        // To the kernel: family 16, no port, no groups.
        let name = [16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let says = json!({
            "error": null, "ret": 5,
            "msg": {
                "name": {"family": "AF_NETLINK", "pid": 0, "groups": 0}, "namelen": 12,
                "bytes": 5,
            },
            "status": { "msg.name": "ok" },
        });
        calls.send(&netlink, &message().to(&name), 0, says).unwrap();

        // Too short for its family.
        let from = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let says = json!({
            "error": "EINVAL",
            "msg": { "name": {"family": "AF_INET", "raw": "020000350a"}, "namelen": 5 },
            "status": { "msg.name": "ok" },
        });
        calls.send(&from, &message().to(&[2, 0, 0, 53, 10]), 0, says).unwrap_err();
        calls.check(weir);
    });
}

fn socket(family: i32, kind: i32) -> OwnedFd {
    // SAFETY: the call has no precondition, and what it returns belongs to nobody else.
    unsafe {
        let fd = libc::socket(family, kind | libc::SOCK_CLOEXEC, 0);
        assert!(fd >= 0, "{}", std::io::Error::last_os_error());
        OwnedFd::from_raw_fd(fd)
    }
}

/// The standard library takes no abstract name with a NUL in it.
fn bind_unix(path: &[u8]) -> OwnedFd {
    use std::os::fd::AsRawFd;
    let socket = socket(libc::AF_UNIX, libc::SOCK_DGRAM);
    let name = unix(path);
    // SAFETY: the address is as long as is said.
    let result = unsafe { libc::bind(socket.as_raw_fd(), name.as_ptr().cast(), name.len() as u32) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    socket
}
