//! Calls that receive: with and without an address, peeked at, cut off, many at once.

use std::os::fd::AsRawFd;

use super::{Message, call, pair, recvfrom, recvmsg, sendto, udp};

pub fn parts() {
    let Some((from, _)) = udp(libc::AF_INET) else { return };
    let Some((to, name)) = udp(libc::AF_INET) else { return };
    for _ in 0..6 {
        sendto(&from, b"0123456789", 0, Some(&name));
    }
    datagrams(&to);
    // A stream has no source, and its receiver gets what fits.
    let (left, right) = pair(libc::SOCK_STREAM);
    sendto(&left, b"a stream of bytes", 0, None);
    receive(&right, Message::room(&[4]).name(&[0; 110]), 0);
    receive(&right, Message::room(&[4, 100]), libc::MSG_PEEK);
    receive(&right, Message::room(&[0, 3, 0, 100]), 0);
    drop(left);
    receive(&right, Message::room(&[4]), 0);
}

fn receive(from: &impl AsRawFd, mut message: Message, flags: i32) -> Message {
    recvmsg(from, &mut message, flags);
    message
}

fn datagrams(to: &impl AsRawFd) {
    receive(to, Message::room(&[64]).name(&[0; 128]), libc::MSG_PEEK);
    receive(to, Message::room(&[64]).name(&[0; 16]), 0);
    receive(to, Message::room(&[3, 4, 64]), libc::MSG_WAITALL);
    // Less room than the address has bytes.
    receive(to, Message::room(&[64]).name(&[0; 4]), 0);
    receive(to, Message::room(&[]).name(&[0; 128]), 0);
    let seventeen: Vec<_> = (0..17).map(|_| 1).collect();
    receive(to, Message::room(&seventeen), libc::MSG_CMSG_CLOEXEC);
    receive(to, Message::room(&[5, 5]).control(&[0; 64]), 0);
    receive(to, Message::room(&[64]).name(&[0; 128]), libc::MSG_DONTWAIT);
}

pub fn buffer() {
    let Some((from, _)) = udp(libc::AF_INET) else { return };
    let Some((to, name)) = udp(libc::AF_INET) else { return };
    for _ in 0..6 {
        sendto(&from, b"0123456789", 0, Some(&name));
    }
    let to = &to;
    recvfrom(to, 64, libc::MSG_PEEK, Some(128));
    recvfrom(to, 64, 0, Some(16));
    recvfrom(to, 64, 0, Some(4));
    recvfrom(to, 64, 0, None);
    recvfrom(to, 4, 0, None);
    recvfrom(to, 4, libc::MSG_TRUNC, Some(128));
    recvfrom(to, 0, 0, None);
    recvfrom(to, 64, libc::MSG_DONTWAIT, Some(128));
    recvfrom(to, 64, libc::MSG_DONTWAIT, None);
}

pub fn several() {
    let Some((from, _)) = udp(libc::AF_INET) else { return };
    let Some((to, name)) = udp(libc::AF_INET) else { return };
    let receive = |messages: &[Message], flags, timeout| {
        super::several(libc::SYS_recvmmsg, &to, messages, flags, timeout);
    };
    let send = |count| {
        for number in 0..count {
            sendto(&from, format!("number {number}").as_bytes(), 0, Some(&name));
        }
    };
    let four = || {
        [
            Message::room(&[64]).name(&[0; 128]),
            Message::room(&[3, 64]),
            Message::room(&[4]),
            Message::room(&[64]).name(&[0; 16]),
        ]
    };
    send(4);
    receive(&four(), 0, None);
    send(2);
    receive(&four(), libc::MSG_WAITFORONE, None);
    send(2);
    receive(&four(), libc::MSG_DONTWAIT, Some(5));
    receive(&four(), libc::MSG_DONTWAIT, None);
    send(2);
    // The second has nowhere to go to.
    let [good, ..] = four();
    receive(&[good, Message::room(&[4]).entry(0, 0x20, 64)], libc::MSG_DONTWAIT, None);
    receive(&four(), libc::MSG_DONTWAIT, Some(-1));
    call(libc::SYS_recvmmsg, [-1, 0x20, 2, 0, 0, 0]);
}

pub fn truncated() {
    let (to, from) = pair(libc::SOCK_DGRAM);
    for _ in 0..4 {
        sendto(&to, b"0123456789", 0, None);
    }
    receive(&from, Message::room(&[4]), 0);
    receive(&from, Message::room(&[4]), libc::MSG_TRUNC);
    receive(&from, Message::room(&[2, 2]), libc::MSG_PEEK | libc::MSG_TRUNC);
    recvfrom(&from, 4, libc::MSG_PEEK | libc::MSG_TRUNC, None);
    recvfrom(&from, 4, 0, None);
    // Longer than an event shows.
    let long: Vec<_> = (0..9000_u32).map(|byte| byte as u8).collect();
    for _ in 0..2 {
        sendto(&to, &long, 0, None);
    }
    recvfrom(&from, 1, 0, None);
    receive(&from, Message::room(&[9000]), 0);
    recvfrom(&from, 9000, 0, None);
}
