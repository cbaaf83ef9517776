//! Calls that fail, each error for its own reason.

use std::{
    fs::File,
    os::fd::{AsRawFd, OwnedFd},
};

use super::{
    Message, call, connect, fill, message::cmsg, pair, recvfrom, recvmsg, sendmsg, sendto, several,
    socket, udp,
};

/// Addresses at which nothing is.
pub fn addresses() {
    let (to, from) = pair(libc::SOCK_DGRAM);
    let fd = i64::from(to.as_raw_fd());
    for nowhere in [0, 0x10, 0xffff_8000_0000_0000_u64 as i64, -1] {
        call(libc::SYS_sendmsg, [fd, nowhere, 0, 0, 0, 0]);
        call(libc::SYS_recvmsg, [fd, nowhere, libc::MSG_DONTWAIT.into(), 0, 0, 0]);
    }
    let good = || Message::new(["first", "second"]);
    let nowhere = std::ptr::without_provenance_mut::<libc::c_void>(0x30);
    sendmsg(&to, &mut good().with(|header| header.msg_iov = nowhere.cast()), 0);
    sendmsg(&to, &mut good().entry(0, 0x20, 5), 0);
    sendmsg(&to, &mut good().entry(1, 0x20, 6), 0);
    let name = |header: &mut libc::msghdr| (header.msg_name, header.msg_namelen) = (nowhere, 16);
    sendmsg(&to, &mut good().with(name), 0);
    let control =
        |header: &mut libc::msghdr| (header.msg_control, header.msg_controllen) = (nowhere, 24);
    sendmsg(&to, &mut good().with(control), 0);
    // Told of and not there.
    sendmsg(&to, &mut good().with(|header| header.msg_namelen = 16), 0);
    sendmsg(&to, &mut good().with(|header| header.msg_controllen = 24), 0);
    call(libc::SYS_sendto, [fd, 0x20, 5, 0, 0, 0]);
    let payload = *b"12345";
    call(libc::SYS_sendto, [fd, payload.as_ptr() as i64, 5, 0, 0x30, 16]);
    // A message has come, and cannot be written.
    let back = i64::from(from.as_raw_fd());
    for _ in 0..3 {
        sendto(&to, b"0123456789", 0, None);
    }
    call(libc::SYS_recvfrom, [back, 0x20, 64, libc::MSG_DONTWAIT.into(), 0, 0]);
    recvmsg(&from, &mut Message::room(&[4, 64]).entry(1, 0x20, 64), libc::MSG_DONTWAIT);
    let name = |header: &mut libc::msghdr| (header.msg_name, header.msg_namelen) = (nowhere, 16);
    recvmsg(&from, &mut Message::room(&[64]).with(name), libc::MSG_DONTWAIT);
}

pub fn descriptors() {
    let file = File::open("/dev/null").unwrap();
    let (pipe, _end) = std::io::pipe().unwrap();
    for fd in [-1, -100, 99_999, i32::MAX, i32::MIN, file.as_raw_fd(), pipe.as_raw_fd()] {
        sendmsg(&fd, &mut Message::new(["nowhere"]), 0);
        recvmsg(&fd, &mut Message::room(&[4]), 0);
        sendto(&fd, b"nowhere", 0, None);
        recvfrom(&fd, 4, 0, None);
        let one = [Message::new(["nowhere"])];
        several(libc::SYS_sendmmsg, &fd, &one, 0, None);
        several(libc::SYS_recvmmsg, &fd, &one, 0, None);
    }
}

/// What sockets refuse.
pub fn sockets() {
    // Nobody reads any more.
    for kind in [libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_SEQPACKET] {
        let (to, from) = pair(kind);
        drop(from);
        sendmsg(&to, &mut Message::new(["gone"]), libc::MSG_NOSIGNAL);
        sendto(&to, b"gone", libc::MSG_NOSIGNAL, None);
        recvfrom(&to, 4, libc::MSG_DONTWAIT, None);
    }
    let (to, from) = pair(libc::SOCK_STREAM);
    // Nothing there, and no room.
    recvmsg(&from, &mut Message::room(&[4]), libc::MSG_DONTWAIT);
    fill(&to);
    sendmsg(&to, &mut Message::new(["full"]), libc::MSG_DONTWAIT);
    sendto(&to, b"full", libc::MSG_DONTWAIT, None);
    // No such thing here.
    recvmsg(&from, &mut Message::room(&[4]), libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT);
    sendmsg(&to, &mut Message::new(["urgent"]), libc::MSG_OOB | libc::MSG_DONTWAIT);
    too_long();
    nobody();
    let stream: Option<OwnedFd> = socket(libc::AF_INET, libc::SOCK_STREAM, 0);
    if let Some(stream) = stream {
        sendmsg(&stream, &mut Message::new(["not connected"]), libc::MSG_NOSIGNAL);
        recvmsg(&stream, &mut Message::room(&[4]), libc::MSG_DONTWAIT);
    }
}

fn too_long() {
    let (to, _from) = pair(libc::SOCK_DGRAM);
    let long = vec![b'l'; 1 << 22];
    sendmsg(&to, &mut Message::new([&long[..]]), libc::MSG_DONTWAIT);
    sendto(&to, &long, libc::MSG_DONTWAIT, None);
    if let Some((from, name)) = udp(libc::AF_INET) {
        sendmsg(&from, &mut Message::new([&long[..70_000]]).name(&name), 0);
        sendto(&from, &long[..70_000], 0, Some(&name));
    }
    // One more entry than the kernel takes.
    sendmsg(&to, &mut Message::new((0..1025).map(|_| "x")), 0);
    // Lengths that no memory has.
    sendmsg(&to, &mut Message::new(["x", "y"]).entry(1, 0x1000, usize::MAX), 0);
    let namelen = |header: &mut libc::msghdr| header.msg_namelen = u32::MAX;
    sendmsg(&to, &mut Message::new(["x"]).name(&[1, 0, b'n']).with(namelen), 0);
    let huge = |header: &mut libc::msghdr| header.msg_controllen = usize::MAX;
    let control = cmsg(libc::SOL_SOCKET, libc::SCM_RIGHTS, &[]);
    sendmsg(&to, &mut Message::new(["x"]).control(&control).with(huge), 0);
}

/// The second call is told what became of the first one's packet.
fn nobody() {
    let Some((from, _)) = udp(libc::AF_INET) else { return };
    let Some((to, name)) = udp(libc::AF_INET) else { return };
    drop(to);
    connect(&from, &name).unwrap();
    for _ in 0..2 {
        sendmsg(&from, &mut Message::new(["is anybody there"]), 0);
        sendto(&from, b"is anybody there", 0, None);
    }
    recvfrom(&from, 64, libc::MSG_DONTWAIT, None);
}
