//! The socket behind a descriptor, as the kernel has it.

use std::{
    fs::{self, File},
    io::{self, Read},
    net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        linux::net::SocketAddrExt,
        unix::{
            fs::MetadataExt,
            net::{SocketAddr as UnixAddr, UnixDatagram, UnixListener, UnixStream},
        },
    },
    ptr,
};

use serde_json::{Value, json};

use crate::{
    calls::{Calls, Message},
    on_each_backend,
};

/// What goes for every socket, beside what is said of this one.
fn says(socket: &impl AsRawFd, ends: [Value; 3], more: Value) -> Value {
    let link = fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).unwrap();
    let inode = link.to_str().unwrap().strip_prefix("socket:[").unwrap().strip_suffix(']').unwrap();
    let [local, peer, peer_process] = ends;
    let mut socket = json!({
        "inode": inode.parse::<u64>().unwrap(), "local": local, "peer": peer,
        "peer_process": peer_process,
        "netns": fs::metadata("/proc/self/ns/net").unwrap().ino(),
    });
    for (name, value) in more.as_object().unwrap() {
        socket[name] = value.clone();
    }
    json!({ "socket": socket, "status": { "socket": "ok" }, "fields": { "socket": {"read": "entry"} } })
}

/// Makes a call that sends nothing, whatever the socket: its result is not of interest.
fn call(calls: &mut Calls, socket: &impl AsRawFd, says: Value) {
    calls.call(socket.as_raw_fd(), ptr::null(), 0, says).unwrap_err();
}

fn kind(family: &str, kind: &str, protocol: &str, state: &str) -> Value {
    json!({ "family": family, "type": kind, "protocol": protocol, "state": state })
}

#[test]
fn tcp() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        for any in [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), (Ipv6Addr::LOCALHOST, 0).into()] {
            let Ok(listener) = TcpListener::bind(any) else {
                eprintln!("skipped: this host has no {any}");
                continue;
            };
            let family = if any.is_ipv4() { "AF_INET" } else { "AF_INET6" };
            let of = |state| kind(family, "SOCK_STREAM", "IPPROTO_TCP", state);
            let address = json!(listener.local_addr().unwrap().to_string());
            let ends = [address.clone(), Value::Null, Value::Null];
            call(&mut calls, &listener, says(&listener, ends, of("TCP_LISTEN")));
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (accepted, _) = listener.accept().unwrap();
            let own = json!(stream.local_addr().unwrap().to_string());
            let ends = [own.clone(), address.clone(), Value::Null];
            call(&mut calls, &stream, says(&stream, ends, of("TCP_ESTABLISHED")));
            let ends = [address, own, Value::Null];
            call(&mut calls, &accepted, says(&accepted, ends, of("TCP_ESTABLISHED")));
            accepted.shutdown(Shutdown::Write).unwrap();
            assert_eq!((&stream).read(&mut [0]).unwrap(), 0);
            call(&mut calls, &stream, json!({"socket": {"state": "TCP_CLOSE_WAIT"}}));
        }
        calls.check(weir);
    });
}

#[test]
fn udp() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let of = |family, state| kind(family, "SOCK_DGRAM", "IPPROTO_UDP", state);
        let none = || [Value::Null, Value::Null, Value::Null];
        let unbound = socket(libc::AF_INET, libc::SOCK_DGRAM, 0);
        call(&mut calls, &unbound, says(&unbound, none(), of("AF_INET", "TCP_CLOSE")));
        for any in [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), (Ipv6Addr::LOCALHOST, 0).into()] {
            let Ok(to) = UdpSocket::bind(any) else {
                eprintln!("skipped: this host has no {any}");
                continue;
            };
            let family = if any.is_ipv4() { "AF_INET" } else { "AF_INET6" };
            let address = json!(to.local_addr().unwrap().to_string());
            let mut ends = none();
            ends[0] = address.clone();
            call(&mut calls, &to, says(&to, ends, of(family, "TCP_CLOSE")));
            let from = UdpSocket::bind(any).unwrap();
            from.connect(to.local_addr().unwrap()).unwrap();
            let ends = [json!(from.local_addr().unwrap().to_string()), address, Value::Null];
            call(&mut calls, &from, says(&from, ends, of(family, "TCP_ESTABLISHED")));
        }
        let bound = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let mut ends = none();
        ends[0] = json!(bound.local_addr().unwrap().to_string());
        call(&mut calls, &bound, says(&bound, ends, of("AF_INET", "TCP_CLOSE")));
        calls.check(weir);
    });
}

#[test]
fn a_cookie_once_somebody_asked() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        call(&mut calls, &socket, json!({}));
        let mut cookie = 0u64;
        let mut len = size_of_val(&cookie) as u32;
        // SAFETY: there is room for the cookie, as the length says.
        let result = unsafe {
            let cookie = (&raw mut cookie).cast();
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_COOKIE,
                cookie,
                &raw mut len,
            )
        };
        assert_eq!(result, 0, "{}", io::Error::last_os_error());
        call(&mut calls, &socket, json!({"socket": {"cookie": cookie}}));
        calls.check(weir);
    });
}

#[test]
fn unix() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        // SAFETY: the calls have no precondition.
        let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
        let own = || json!({"pid": std::process::id(), "uid": uid, "gid": gid});
        let of = |kind_, state| kind("AF_UNIX", kind_, "0x0", state);
        let (left, right) = UnixStream::pair().unwrap();
        let ends = [Value::Null, Value::Null, own()];
        call(&mut calls, &left, says(&left, ends, of("SOCK_STREAM", "TCP_ESTABLISHED")));
        drop(right);

        let path = weir.folder().join("a path.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let stream = UnixStream::connect(&path).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let ends = [Value::Null, json!(path), own()];
        call(&mut calls, &stream, says(&stream, ends, of("SOCK_STREAM", "TCP_ESTABLISHED")));
        let ends = [json!(path), Value::Null, own()];
        call(&mut calls, &accepted, says(&accepted, ends, of("SOCK_STREAM", "TCP_ESTABLISHED")));
        let state = json!({"socket": {"local": path, "peer": null, "state": "TCP_LISTEN"}});
        call(&mut calls, &listener, state);

        let name = format!("weir-{}-{}", std::process::id(), weir.pid());
        let to = UnixDatagram::bind_addr(&UnixAddr::from_abstract_name(&name).unwrap()).unwrap();
        let from = UnixDatagram::bind(weir.folder().join("from.sock")).unwrap();
        let ends = [json!(format!("@{name}")), Value::Null, Value::Null];
        call(&mut calls, &to, says(&to, ends, of("SOCK_DGRAM", "TCP_CLOSE")));
        from.connect_addr(&to.local_addr().unwrap()).unwrap();
        let ends = [json!(weir.folder().join("from.sock")), json!(format!("@{name}")), Value::Null];
        call(&mut calls, &from, says(&from, ends, of("SOCK_DGRAM", "TCP_ESTABLISHED")));
        calls.check(weir);
    });
}

#[test]
fn netlink() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let socket = socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE);
        let of = kind("AF_NETLINK", "SOCK_RAW", "NETLINK_ROUTE", "TCP_CLOSE");
        let ends = [json!("netlink:0"), json!("netlink:0"), Value::Null];
        call(&mut calls, &socket, says(&socket, ends, of.clone()));
        // SAFETY: integers only, for which zero is a value; the length is the address's.
        let portid = unsafe {
            let mut name: libc::sockaddr_nl = std::mem::zeroed();
            name.nl_family = libc::AF_NETLINK as u16;
            let mut len = size_of_val(&name) as u32;
            let at = (&raw mut name).cast();
            assert_eq!(libc::bind(socket.as_raw_fd(), at, len), 0);
            assert_eq!(libc::getsockname(socket.as_raw_fd(), at, &raw mut len), 0);
            name.nl_pid
        };
        let ends = [json!(format!("netlink:{portid}")), json!("netlink:0"), Value::Null];
        call(&mut calls, &socket, says(&socket, ends, of));
        calls.check(weir);
    });
}

#[test]
fn packet() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        // In no protocol, so nothing is received.
        let socket = socket(libc::AF_PACKET, libc::SOCK_DGRAM, 0);
        let of = kind("AF_PACKET", "SOCK_DGRAM", "0x0", "TCP_CLOSE");
        let ends = [Value::Null, Value::Null, Value::Null];
        call(&mut calls, &socket, says(&socket, ends, of.clone()));
        // SAFETY: integers only, for which zero is a value; the length is the address's.
        unsafe {
            let mut name: libc::sockaddr_ll = std::mem::zeroed();
            name.sll_family = libc::AF_PACKET as u16;
            // One for experiments, which nobody sends in.
            name.sll_protocol = 0x88b5_u16.to_be();
            name.sll_ifindex = 1;
            let len = size_of_val(&name) as u32;
            assert_eq!(libc::bind(socket.as_raw_fd(), (&raw const name).cast(), len), 0);
        };
        let ends = [json!("packet:0x88b5:1"), Value::Null, Value::Null];
        call(&mut calls, &socket, says(&socket, ends, of));
        calls.check(weir);
    });
}

#[test]
fn none() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let message = Message::of(&[1]);
        let none = |error| json!({"error": error, "socket": null, "status": {"socket": "absent"}});
        let file = File::open("/dev/null").unwrap();
        calls.send(&file, &message, 0, none("ENOTSOCK")).unwrap_err();
        for fd in [-1, 1_000_000, i32::MIN, i32::MAX] {
            calls.call(fd, message.ptr(), 0, none("EBADF")).unwrap_err();
        }
        calls.check(weir);
    });
}

fn socket(family: i32, kind: i32, protocol: i32) -> OwnedFd {
    // SAFETY: the call has no precondition, and what it returns belongs to nobody else.
    unsafe {
        let fd = libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol);
        assert!(fd >= 0, "{}", io::Error::last_os_error());
        OwnedFd::from_raw_fd(fd)
    }
}
