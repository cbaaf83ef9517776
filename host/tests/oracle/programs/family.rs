//! Addresses of every family that this kernel has.

use std::{
    fs,
    net::{Ipv6Addr, SocketAddrV6},
    os::fd::AsRawFd,
};

use super::{Message, bind, connect, local, recvfrom, recvmsg, sendmsg, sendto, socket, udp};
use crate::calls;

/// Sends to an address, by both calls.
fn send(from: &impl AsRawFd, name: &[u8]) {
    sendmsg(from, &mut Message::new(["to a name"]).name(name), libc::MSG_DONTWAIT);
    sendto(from, b"to a name", libc::MSG_DONTWAIT, Some(name));
}

/// Receives what was sent so, by both calls.
fn receive(to: &impl AsRawFd) {
    recvmsg(to, &mut Message::room(&[64]).name(&[0; 128]), libc::MSG_DONTWAIT);
    recvfrom(to, 64, libc::MSG_DONTWAIT, Some(128));
}

pub fn inet() {
    let Some((from, _)) = udp(libc::AF_INET) else { return };
    let Some((to, name)) = udp(libc::AF_INET) else { return };
    send(&from, &name);
    receive(&to);
    // Longer than its family asks for, shorter, and of another.
    send(&from, &[&name[..], &[7; 12]].concat());
    for len in [1, 2, 7, 8, 15] {
        send(&from, &name[..len]);
    }
    send(&from, &calls::unix(b"/nowhere"));
    connect(&from, &name).unwrap();
    sendto(&from, b"connected", 0, None);
    receive(&to);
}

pub fn inet6() {
    let Some((from, _)) = udp(libc::AF_INET6) else { return };
    let Some((to, name)) = udp(libc::AF_INET6) else { return };
    send(&from, &name);
    receive(&to);
    let port = u16::from_be_bytes([name[2], name[3]]);
    for (address, flow, scope) in [
        (Ipv6Addr::LOCALHOST, 0x000a_bcde, 0),
        (Ipv6Addr::LOCALHOST, 0, 1),
        ("fe80::1234".parse().unwrap(), 0, 1),
        ("fe80::1234".parse().unwrap(), 0, 0),
        ("::ffff:127.0.0.1".parse().unwrap(), 0, 0),
        ("2001:db8::5:0:0:1".parse().unwrap(), 1, 0),
    ] {
        let address = SocketAddrV6::new(address, port, flow, scope);
        send(&from, &calls::inet(address.into()));
    }
    for len in [8, 23, 24, 27] {
        send(&from, &name[..len]);
    }
}

pub fn unix() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| {
        let mut path = folder.path().join(name).into_os_string().into_encoded_bytes();
        path.push(0);
        calls::unix(&path)
    };
    let own = || socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0).unwrap();
    let abstract_name =
        |name: &str| calls::unix(format!("\0weir-oracle-{}-{name}", std::process::id()).as_bytes());
    let (unnamed, named, hidden) = (own(), own(), own());
    bind(&named, &path("named")).unwrap();
    bind(&hidden, &abstract_name("hidden")).unwrap();
    for from in [&unnamed, &named, &hidden] {
        for to in [&named, &hidden] {
            send(from, &local(to));
            receive(to);
        }
    }
    // Without a NUL at its end, and with more behind it.
    let name = path("named");
    send(&unnamed, &name[..name.len() - 1]);
    send(&unnamed, &[&name[..], b"behind"].concat());
    send(&unnamed, &path("nobody"));
    send(&unnamed, &abstract_name("nobody"));
    send(&unnamed, &calls::unix(b""));
    // As long as can be.
    send(&unnamed, &calls::unix(&[b'l'; 108]));
    fs::remove_dir_all(folder.path()).unwrap();
}

pub fn netlink() {
    let Some(from) = socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE) else { return };
    let name = |pid: u32, groups: u32| {
        [
            &(libc::AF_NETLINK as u16).to_ne_bytes()[..],
            &[0; 2],
            &pid.to_ne_bytes(),
            &groups.to_ne_bytes(),
        ]
        .concat()
    };
    // Too short to be a message: taken, and ignored.
    send(&from, &name(0, 0));
    send(&from, &name(0x7fff_fff0, 0));
    send(&from, &name(1, 0x10));
    send(&from, &name(0, 0)[..6]);
    // RTM_GETLINK of the first interface: the answer comes with the kernel's address.
    let request = [
        &32_u32.to_ne_bytes()[..],
        &18_u16.to_ne_bytes(),
        &1_u16.to_ne_bytes(),
        &[0; 12],
        &1_u32.to_ne_bytes(),
        &[0; 4],
    ]
    .concat();
    sendto(&from, &request, 0, Some(&name(0, 0)));
    recvmsg(&from, &mut Message::room(&[8]).name(&[0; 128]), libc::MSG_DONTWAIT);
    recvfrom(&from, 8, libc::MSG_DONTWAIT, Some(128));
}

pub fn packet() {
    let Some(from) = socket(libc::AF_PACKET, libc::SOCK_DGRAM, 0) else { return };
    let name = |protocol: u16, interface: u32| {
        [
            &(libc::AF_PACKET as u16).to_ne_bytes()[..],
            &protocol.to_be_bytes(),
            &interface.to_ne_bytes(),
            // Type of the hardware and of the packet, which only a receiver is told.
            &[0, 0, 0],
            &[6],
            &[2, 0, 0, 0xaa, 0xbb, 0xcc, 0, 0],
        ]
        .concat()
    };
    // Protocols for experiments, which nobody listens to.
    send(&from, &name(0x88b5, 1));
    send(&from, &name(0x0800, 1_000_000));
    send(&from, &name(0x88b6, 1)[..10]);
    let experiments = i32::from(0x88b5_u16.to_be());
    let Some(to) = socket(libc::AF_PACKET, libc::SOCK_DGRAM, experiments) else { return };
    sendto(&from, b"to myself", 0, Some(&name(0x88b5, 1)));
    receive(&to);
    receive(&to);
}

pub fn vsock() {
    let Some(from) = socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0) else { return };
    let name = |cid: u32, port: u32| {
        [
            &(libc::AF_VSOCK as u16).to_ne_bytes()[..],
            &[0; 2],
            &port.to_ne_bytes(),
            &cid.to_ne_bytes(),
            &[0; 4],
        ]
        .concat()
    };
    send(&from, &name(libc::VMADDR_CID_HOST, 1234));
    send(&from, &name(libc::VMADDR_CID_ANY, u32::MAX));
    send(&from, &name(77, 0x1234_5678));
    send(&from, &name(77, 1)[..8]);
}

pub fn other() {
    let Some((from, _)) = udp(libc::AF_INET) else { return };
    for family in [libc::AF_UNSPEC as u16, libc::AF_X25 as u16, 77, 0xffff] {
        send(&from, &[&family.to_ne_bytes()[..], b"rest of it"].concat());
    }
}
