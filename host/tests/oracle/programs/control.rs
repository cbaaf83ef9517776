//! Control messages, sent and received.

use std::{
    fs::File,
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    process,
};

use super::{Message, connect, message::cmsg, pair, recvmsg, sendmsg, sendto, set, socket, udp};

/// Not in libc for every target (include/linux/socket.h, include/uapi/asm-generic/socket.h).
const SCM_PIDFD: i32 = 4;
const SO_PASSPIDFD: i32 = 76;

fn fds(fds: &[i32]) -> Vec<u8> {
    let numbers: Vec<u8> = fds.iter().flat_map(|fd| fd.to_ne_bytes()).collect();
    cmsg(libc::SOL_SOCKET, libc::SCM_RIGHTS, &numbers)
}

/// Receives, with so much room for control messages, and closes what came.
fn receive(from: &impl AsRawFd, room: usize, flags: i32) {
    let mut message = Message::room(&[64]).control(&vec![0; room]);
    if recvmsg(from, &mut message, flags) < 0 {
        return;
    }
    let mut rest = message.controls();
    while let Some((head, _)) = rest.split_at_checked(16) {
        let word = |at: usize| i32::from_ne_bytes(head[at..at + 4].try_into().unwrap());
        let len = word(0) as usize;
        if len < 16 || len > rest.len() {
            break;
        }
        if word(8) == libc::SOL_SOCKET && [libc::SCM_RIGHTS, SCM_PIDFD].contains(&word(12)) {
            for fd in rest[16..len].chunks_exact(4) {
                let fd = i32::from_ne_bytes(fd.try_into().unwrap());
                // SAFETY: the kernel just made it for this process.
                drop(unsafe { OwnedFd::from_raw_fd(fd) });
            }
        }
        rest = &rest[len.next_multiple_of(8).min(rest.len())..];
    }
}

pub fn rights() {
    let (to, from) = pair(libc::SOCK_DGRAM);
    let folder = tempfile::tempdir().unwrap();
    let (path, deep) = (folder.path().join("file"), folder.path().join("a/folder/in/a/folder"));
    std::fs::create_dir_all(&deep).unwrap();
    let file = File::create(&path).unwrap();
    let gone = File::create(folder.path().join("gone")).unwrap();
    std::fs::remove_file(folder.path().join("gone")).unwrap();
    let inner = File::create(deep.join("with a blank")).unwrap();
    let opened = File::open(&deep).unwrap();
    let proc = File::open("/proc/self/status").unwrap();
    let null = File::open("/dev/null").unwrap();
    let (pipe, _write) = io::pipe().unwrap();
    // SAFETY: the calls have no precondition but the name's NUL, and nobody else has what they open.
    let made: Vec<OwnedFd> = unsafe {
        [
            libc::eventfd(0, libc::EFD_CLOEXEC),
            libc::epoll_create1(libc::EPOLL_CLOEXEC),
            libc::memfd_create(c"weir".as_ptr(), libc::MFD_CLOEXEC),
            libc::open(c"/proc/self/ns/net".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC),
            libc::open(c"/".as_ptr(), libc::O_PATH | libc::O_CLOEXEC),
        ]
        .into_iter()
        .filter(|fd| *fd >= 0)
        .map(|fd| OwnedFd::from_raw_fd(fd))
        .collect()
    };
    let mut all = vec![
        file.as_raw_fd(),
        gone.as_raw_fd(),
        inner.as_raw_fd(),
        opened.as_raw_fd(),
        proc.as_raw_fd(),
        null.as_raw_fd(),
        pipe.as_raw_fd(),
        from.as_raw_fd(),
    ];
    all.extend(made.iter().map(AsRawFd::as_raw_fd));
    for fd in &all {
        sendmsg(&to, &mut Message::new(["one"]).control(&fds(&[*fd])), 0);
        receive(&from, 24, 0);
    }
    sendmsg(&to, &mut Message::new(["all"]).control(&fds(&all)), 0);
    receive(&from, 256, libc::MSG_CMSG_CLOEXEC);
    // In two messages, of which the kernel makes one.
    let twice = [fds(&all[..2]), fds(&all[2..5])].concat();
    sendmsg(&to, &mut Message::new(["twice"]).control(&twice), 0);
    // Room for one of them.
    receive(&from, 24, 0);
    sendmsg(&to, &mut Message::new(["no room"]).control(&fds(&all[..2])), 0);
    receive(&from, 0, 0);
    sendmsg(&to, &mut Message::new(["none"]).control(&fds(&[])), 0);
    // Not open.
    sendmsg(&to, &mut Message::new(["bad"]).control(&fds(&[file.as_raw_fd(), -1])), 0);
    sendmsg(&to, &mut Message::new(["bad"]).control(&fds(&[99_999])), 0);
}

/// As many as the kernel takes, and one more.
pub fn many_rights() {
    let (to, from) = pair(libc::SOCK_DGRAM);
    let null = File::open("/dev/null").unwrap();
    let many = vec![null.as_raw_fd(); 254];
    sendmsg(&to, &mut Message::new(["many"]).control(&fds(&many[..253])), libc::MSG_DONTWAIT);
    sendmsg(&to, &mut Message::new(["many"]).control(&fds(&many)), libc::MSG_DONTWAIT);
    receive(&from, 1200, libc::MSG_DONTWAIT);
    receive(&from, 1200, libc::MSG_DONTWAIT);
}

/// As [`libc::ucred`].
fn credentials_of(pid: u32, uid: u32, gid: u32) -> Vec<u8> {
    let words: Vec<u8> = [pid, uid, gid].iter().flat_map(|word| word.to_ne_bytes()).collect();
    cmsg(libc::SOL_SOCKET, libc::SCM_CREDENTIALS, &words)
}

pub fn credentials() {
    let (to, from) = pair(libc::SOCK_DGRAM);
    sendmsg(&to, &mut Message::new(["not asked for"]), 0);
    receive(&from, 256, 0);
    set(&from, libc::SOL_SOCKET, libc::SO_PASSCRED, 1_i32);
    sendmsg(&to, &mut Message::new(["mine"]).control(&credentials_of(process::id(), 0, 0)), 0);
    receive(&from, 256, 0);
    sendmsg(&to, &mut Message::new(["by the kernel"]), 0);
    receive(&from, 256, 0);
    let file = File::open("/dev/null").unwrap();
    let both = [credentials_of(process::id(), 1234, 5678), fds(&[file.as_raw_fd()])].concat();
    sendmsg(&to, &mut Message::new(["both"]).control(&both), 0);
    receive(&from, 256, 0);
    // Nobody's.
    sendmsg(&to, &mut Message::new(["bad"]).control(&credentials_of(0x3fff_ffff, 0, 0)), 0);
    // The room ends within.
    sendmsg(&to, &mut Message::new(["cut"]), 0);
    receive(&from, 20, 0);
}

pub fn pidfd() {
    let (to, from) = pair(libc::SOCK_DGRAM);
    if !set(&from, libc::SOL_SOCKET, SO_PASSPIDFD, 1_i32) {
        return;
    }
    sendmsg(&to, &mut Message::new(["who"]), 0);
    receive(&from, 256, 0);
    let file = File::open("/dev/null").unwrap();
    sendmsg(&to, &mut Message::new(["who"]).control(&fds(&[file.as_raw_fd()])), 0);
    receive(&from, 256, 0);
}

pub fn inet() {
    let Some((from, _)) = udp(libc::AF_INET) else { return };
    let Some((to, name)) = udp(libc::AF_INET) else { return };
    for option in [libc::IP_PKTINFO, libc::IP_RECVTTL, libc::IP_RECVTOS] {
        set(&to, libc::SOL_IP, option, 1_i32);
    }
    let send = |control: &[u8]| {
        sendmsg(&from, &mut Message::new(["a packet"]).name(&name).control(control), 0);
        receive(&to, 256, libc::MSG_DONTWAIT);
        receive(&to, 256, libc::MSG_DONTWAIT);
    };
    let ttl = cmsg(libc::SOL_IP, libc::IP_TTL, &7_i32.to_ne_bytes());
    let tos = cmsg(libc::SOL_IP, libc::IP_TOS, &0x10_i32.to_ne_bytes());
    let info = cmsg(libc::SOL_IP, libc::IP_PKTINFO, &[1, 0, 0, 0, 127, 0, 0, 1, 127, 0, 0, 9]);
    send(&[]);
    send(&ttl);
    send(&tos);
    send(&info);
    send(&[&ttl[..], &tos, &info].concat());
    send(&cmsg(libc::SOL_IP, libc::IP_TOS, &[8]));
    send(&cmsg(libc::SOL_IP, libc::IP_TTL, &1000_i32.to_ne_bytes()));
    send(&cmsg(libc::SOL_UDP, libc::UDP_SEGMENT, &4_u16.to_ne_bytes()));
    set(&to, libc::SOL_UDP, libc::UDP_GRO, 1_i32);
    send(&cmsg(libc::SOL_UDP, libc::UDP_SEGMENT, &4_u16.to_ne_bytes()));
}

pub fn inet6() {
    let Some((from, _)) = udp(libc::AF_INET6) else { return };
    let Some((to, name)) = udp(libc::AF_INET6) else { return };
    let options = [libc::IPV6_RECVPKTINFO, libc::IPV6_RECVHOPLIMIT, libc::IPV6_RECVTCLASS];
    for option in options {
        set(&to, libc::SOL_IPV6, option, 1_i32);
    }
    let own = [&std::net::Ipv6Addr::LOCALHOST.octets()[..], &1_u32.to_ne_bytes()].concat();
    let info = cmsg(libc::SOL_IPV6, libc::IPV6_PKTINFO, &own);
    let hops = cmsg(libc::SOL_IPV6, libc::IPV6_HOPLIMIT, &9_i32.to_ne_bytes());
    let class = cmsg(libc::SOL_IPV6, libc::IPV6_TCLASS, &0x20_i32.to_ne_bytes());
    for control in [&[][..], &info, &hops, &class, &[&info[..], &hops, &class].concat()] {
        sendmsg(&from, &mut Message::new(["a packet"]).name(&name).control(control), 0);
        receive(&to, 256, libc::MSG_DONTWAIT);
    }
}

pub fn timestamps() {
    let Some((from, _)) = udp(libc::AF_INET) else { return };
    let all = (libc::SOF_TIMESTAMPING_RX_SOFTWARE | libc::SOF_TIMESTAMPING_SOFTWARE) as i32;
    for (option, value) in [
        (libc::SO_TIMESTAMP, 1),
        (libc::SO_TIMESTAMPNS, 1),
        (libc::SO_TIMESTAMPING, all),
        (libc::SO_RXQ_OVFL, 1),
    ] {
        let Some((to, name)) = udp(libc::AF_INET) else { return };
        if !set(&to, libc::SOL_SOCKET, option, value) {
            continue;
        }
        sendto(&from, b"when", 0, Some(&name));
        receive(&to, 256, libc::MSG_DONTWAIT);
    }
    // When to send: the default queue takes no notice.
    let Some((_to, name)) = udp(libc::AF_INET) else { return };
    let time = cmsg(libc::SOL_SOCKET, libc::SCM_TXTIME, &1_u64.to_ne_bytes());
    sendmsg(&from, &mut Message::new(["later"]).name(&name).control(&time), 0);
}

/// What comes back of a packet that nobody took.
pub fn errors() {
    let Some((from, _)) = udp(libc::AF_INET) else { return };
    let Some((to, name)) = udp(libc::AF_INET) else { return };
    set(&from, libc::SOL_IP, libc::IP_RECVERR, 1_i32);
    drop(to);
    connect(&from, &name).unwrap();
    sendto(&from, b"is anybody there", 0, None);
    let mut message = Message::room(&[64]).name(&[0; 128]).control(&[0; 256]);
    recvmsg(&from, &mut message, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT);
}

pub fn unknown() {
    let Some((from, _)) = udp(libc::AF_INET) else { return };
    let Some((_to, name)) = udp(libc::AF_INET) else { return };
    let long: Vec<_> = (0..100).collect();
    let ttl = cmsg(libc::SOL_IP, libc::IP_TTL, &7_i32.to_ne_bytes());
    let beyond = [&400_u64.to_ne_bytes()[..], &[1, 0, 0, 0], &[1, 0, 0, 0], &[0; 8]].concat();
    let short = [&8_u64.to_ne_bytes()[..], &[1, 0, 0, 0], &[1, 0, 0, 0], &[0; 8]].concat();
    for control in [
        cmsg(1234, 5678, b"12345"),
        cmsg(1234, 5678, b""),
        cmsg(1234, 5678, &long),
        [cmsg(1234, 5678, b"12345"), ttl.clone()].concat(),
        cmsg(libc::SOL_SOCKET, 0x7777, b"1234"),
        cmsg(libc::SOL_IP, 0x7777, b"1234"),
        // Too short for what it is.
        cmsg(libc::SOL_SOCKET, libc::SCM_CREDENTIALS, b"1234"),
        cmsg(libc::SOL_IP, libc::IP_PKTINFO, b"1234"),
        // Not as long as it says, and not as long as its own header.
        beyond.clone(),
        short.clone(),
        [ttl.clone(), beyond].concat(),
        [ttl.clone(), short].concat(),
        // Shorter than a header.
        ttl[..12].to_vec(),
        [ttl.clone(), ttl[..7].to_vec()].concat(),
    ] {
        sendmsg(&from, &mut Message::new(["what"]).name(&name).control(&control), 0);
    }
    if let Some(from) = socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0) {
        sendmsg(&from, &mut Message::new(["what"]).control(&cmsg(1234, 5678, b"12345")), 0);
    }
}
