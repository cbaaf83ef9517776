//! Calls that send: tables of every length, flags, addresses in registers, many messages.

use std::os::fd::AsRawFd;

use super::{Message, call, drain, pair, sendmsg, sendto};

pub fn iovecs() {
    let (to, from) = pair(libc::SOCK_DGRAM);
    sendmsg(&to, &mut Message::new(["one"]), 0);
    sendmsg(&to, &mut Message::new(["one", "second", "\0\u{1}\"\\\n", "é"]), 0);
    sendmsg(&to, &mut Message::new([[0_u8; 0]; 0]), 0);
    sendmsg(&to, &mut Message::new(["", "after nothing", ""]), 0);
    // Nothing at an address that nothing is at.
    sendmsg(&to, &mut Message::new(["", "x"]).entry(0, 0, 0), 0);
    // About as many as an event shows, and as the kernel takes.
    for count in [15, 16, 17, 100, 1024] {
        drain(&from);
        let parts = (0..count).map(|part| format!("{part},"));
        sendmsg(&to, &mut Message::new(parts), libc::MSG_DONTWAIT);
    }
    // About as many bytes as an event shows.
    for bytes in [4095, 4096, 4097, 20_000] {
        drain(&from);
        let payload: Vec<_> = (0..bytes).map(|byte| byte as u8).collect();
        sendmsg(&to, &mut Message::new([payload]), libc::MSG_DONTWAIT);
    }
    drain(&from);
    let halves = [vec![b'a'; 4000], vec![b'b'; 4000]];
    sendmsg(&to, &mut Message::new(halves), libc::MSG_DONTWAIT);
}

pub fn flags() {
    let (to, from) = pair(libc::SOCK_STREAM);
    let flags = [
        libc::MSG_DONTWAIT,
        libc::MSG_NOSIGNAL,
        libc::MSG_MORE | libc::MSG_EOR,
        libc::MSG_CONFIRM | libc::MSG_DONTROUTE,
        // Without a name.
        0x1000_0000,
    ];
    for flags in flags {
        sendmsg(&to, &mut Message::new(["flags"]), flags);
        sendto(&to, b"flags", flags, None);
    }
    // What the caller leaves in the header is not what is asked.
    sendmsg(&to, &mut Message::new(["left"]).with(|header| header.msg_flags = libc::MSG_TRUNC), 0);
    drain(&from);
}

pub fn addressed() {
    let Some((from, _)) = super::udp(libc::AF_INET) else { return };
    let Some((to, name)) = super::udp(libc::AF_INET) else { return };
    sendto(&from, b"with an address", 0, Some(&name));
    sendto(&from, b"", 0, Some(&name));
    let payload: Vec<_> = (0..5000_u32).map(|byte| byte as u8).collect();
    sendto(&from, &payload[..4096], libc::MSG_DONTWAIT, Some(&name));
    sendto(&from, &payload, libc::MSG_DONTWAIT, Some(&name));
    // Nowhere to send to.
    sendto(&from, b"without", 0, None);
    drop(to);
}

pub fn several() {
    let (to, from) = pair(libc::SOCK_DGRAM);
    let send = |messages: &[Message], flags| {
        super::several(libc::SYS_sendmmsg, &to, messages, flags, None);
    };
    let three = [
        Message::new(["first"]),
        Message::new(["second", "of two parts"]),
        Message::new([[0_u8; 0]; 0]),
    ];
    send(&three, 0);
    send(&three[..2], libc::MSG_DONTWAIT);
    send(&three[..1], 0);
    send(&[], 0);
    // Sent up to the one that fails.
    send(
        &[
            Message::new(["sent"]),
            Message::new(["sent too"]),
            Message::new(["not"]).entry(0, 0x20, 3),
            Message::new(["never looked at"]),
        ],
        0,
    );
    send(&[Message::new(["not"]).entry(0, 0x20, 3), Message::new(["x"])], 0);
    drain(&from);
    // More than the receiver takes.
    let flood: Vec<_> = (0..64).map(|number| Message::new([format!("number {number}")])).collect();
    send(&flood, libc::MSG_DONTWAIT);
    send(&flood[..1], libc::MSG_DONTWAIT);
    super::several(libc::SYS_sendmmsg, &-1, &three, 0, None);
    call(libc::SYS_sendmmsg, [to.as_raw_fd().into(), 0x30, 2, 0, 0, 0]);
}
