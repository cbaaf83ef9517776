//! The programs: each makes calls of one kind, the same ones each time, one after the other.

mod control;
mod failure;
mod family;
mod file;
mod message;
mod receive;
mod send;
mod waiting;

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    time::Duration,
};

use libc::{c_int, c_long, c_void};
use message::Message;

/// A program.
pub struct Program {
    /// Its name.
    pub name: &'static str,
    run: fn(),
}

macro_rules! programs {
    ($($file:ident::$program:ident),* $(,)?) => {
        &[$(Program {
            name: concat!(stringify!($file), "-", stringify!($program)),
            run: $file::$program,
        }),*]
    };
}

/// All of them.
pub const ALL: &[Program] = programs![
    send::iovecs,
    send::flags,
    send::addressed,
    send::several,
    receive::parts,
    receive::buffer,
    receive::several,
    receive::truncated,
    family::inet,
    family::inet6,
    family::unix,
    family::netlink,
    family::packet,
    family::vsock,
    family::other,
    control::rights,
    control::many_rights,
    control::credentials,
    control::pidfd,
    control::inet,
    control::inet6,
    control::timestamps,
    control::errors,
    control::unknown,
    failure::addresses,
    failure::descriptors,
    failure::sockets,
    waiting::blocked,
    waiting::timed_out,
    waiting::interrupted,
    file::sending,
    file::failing,
];

/// Runs one and then makes the call that says that it has ended.
pub fn run(name: &str) {
    let program = ALL.iter().find(|program| program.name == name).expect("a program's name");
    (program.run)();
    call(libc::SYS_sendmsg, [crate::run::LAST.into(), 0, 0, 0, 0, 0]);
}

/// Makes a system call, with any arguments. What it returns is compared, not checked, here: libc's
/// -1 with an error.
fn call(number: c_long, [a, b, c, d, e, f]: [i64; 6]) -> i64 {
    // SAFETY: the programs pass addresses of what they own, with its length, or such as are to fail;
    // the kernel checks them all.
    unsafe { libc::syscall(number, a, b, c, d, e, f) }
}

fn sendmsg(fd: &impl AsRawFd, message: &mut Message, flags: c_int) -> i64 {
    call(libc::SYS_sendmsg, [fd.as_raw_fd().into(), message.at(), flags.into(), 0, 0, 0])
}

fn recvmsg(fd: &impl AsRawFd, message: &mut Message, flags: c_int) -> i64 {
    call(libc::SYS_recvmsg, [fd.as_raw_fd().into(), message.at(), flags.into(), 0, 0, 0])
}

/// Calls sendmmsg or recvmmsg with these messages, and for the latter with a timeout.
fn several(
    number: c_long,
    fd: &impl AsRawFd,
    messages: &[Message],
    flags: c_int,
    timeout: Option<i64>,
) -> i64 {
    let mut array: Vec<_> =
        messages.iter().map(|one| libc::mmsghdr { msg_hdr: one.header, msg_len: 0 }).collect();
    let mut time = libc::timespec { tv_sec: timeout.unwrap_or_default(), tv_nsec: 0 };
    let timeout = if timeout.is_some() { &raw mut time as i64 } else { 0 };
    let (fd, vlen) = (fd.as_raw_fd().into(), array.len() as i64);
    call(number, [fd, array.as_mut_ptr() as i64, vlen, flags.into(), timeout, 0])
}

fn sendto(fd: &impl AsRawFd, payload: &[u8], flags: c_int, name: Option<&[u8]>) -> i64 {
    let (to, len) = name.map_or((0, 0), |name| (name.as_ptr() as i64, name.len() as i64));
    let (from, bytes) = (payload.as_ptr() as i64, payload.len() as i64);
    call(libc::SYS_sendto, [fd.as_raw_fd().into(), from, bytes, flags.into(), to, len])
}

/// Receives so many bytes, and an address of so many.
fn recvfrom(fd: &impl AsRawFd, bytes: usize, flags: c_int, room: Option<u32>) -> i64 {
    let mut payload = vec![0_u8; bytes];
    let mut name = [0_u8; 128];
    let mut namelen = room.unwrap_or_default();
    let (from, len) = match room {
        Some(_) => (name.as_mut_ptr() as i64, &raw mut namelen as i64),
        None => (0, 0),
    };
    let to = payload.as_mut_ptr() as i64;
    call(libc::SYS_recvfrom, [fd.as_raw_fd().into(), to, bytes as i64, flags.into(), from, len])
}

/// A socket, or nothing and the reason.
fn socket(family: c_int, kind: c_int, protocol: c_int) -> Option<OwnedFd> {
    // SAFETY: the call has no precondition.
    let fd = unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) };
    if fd < 0 {
        let error = io::Error::last_os_error();
        eprintln!("skipped: sockets of family {family}, type {kind}: {error}");
        return None;
    }
    // SAFETY: nobody else has it.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Two connected unix sockets.
fn pair(kind: c_int) -> (OwnedFd, OwnedFd) {
    let mut fds = [0; 2];
    // SAFETY: there is room for two descriptors.
    let result =
        unsafe { libc::socketpair(libc::AF_UNIX, kind | libc::SOCK_CLOEXEC, 0, fds.as_mut_ptr()) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
    // SAFETY: nobody else has them.
    unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) }
}

/// Gives a socket this address.
fn bind(fd: &impl AsRawFd, name: &[u8]) -> io::Result<()> {
    // SAFETY: the address is as long as said.
    let result = unsafe { libc::bind(fd.as_raw_fd(), name.as_ptr().cast(), name.len() as u32) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Connects a socket to this address.
fn connect(fd: &impl AsRawFd, name: &[u8]) -> io::Result<()> {
    // SAFETY: the address is as long as said.
    let result = unsafe { libc::connect(fd.as_raw_fd(), name.as_ptr().cast(), name.len() as u32) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The address that a socket has.
fn local(fd: &impl AsRawFd) -> Vec<u8> {
    let mut name = vec![0; 128];
    let mut len = 128;
    // SAFETY: there is as much room as said.
    let result =
        unsafe { libc::getsockname(fd.as_raw_fd(), name.as_mut_ptr().cast(), &raw mut len) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
    name.truncate(len as usize);
    name
}

/// Sets an option; one that this kernel does not have is named.
fn set<T>(fd: &impl AsRawFd, level: c_int, option: c_int, value: T) -> bool {
    let at = (&raw const value).cast::<c_void>();
    // SAFETY: the value is as long as said.
    let result =
        unsafe { libc::setsockopt(fd.as_raw_fd(), level, option, at, size_of::<T>() as u32) };
    if result != 0 {
        let error = io::Error::last_os_error();
        eprintln!("skipped: option {option} of level {level}: {error}");
    }
    result == 0
}

/// Gives up a blocking call after so long.
fn time_out(fd: &impl AsRawFd, option: c_int, timeout: Duration) {
    let micros = timeout.subsec_micros().into();
    let seconds = timeout.as_secs() as libc::time_t;
    set(fd, libc::SOL_SOCKET, option, libc::timeval { tv_sec: seconds, tv_usec: micros });
}

/// Fills a socket until it takes no more, with write(2), which is not compared.
fn fill(fd: &impl AsRawFd) {
    let bytes = [0_u8; 4096];
    // SAFETY: the bytes are as many as said, and the flags are set back.
    unsafe {
        let flags = libc::fcntl(fd.as_raw_fd(), libc::F_GETFL);
        libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK);
        while libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) > 0 {}
        libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags);
    }
}

/// Takes what lies there, with read(2), which is not compared.
fn drain(from: &impl AsRawFd) {
    let mut bytes = [0_u8; 1 << 16];
    // SAFETY: there is as much room as said, and the flags are set back.
    unsafe {
        let flags = libc::fcntl(from.as_raw_fd(), libc::F_GETFL);
        libc::fcntl(from.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK);
        while libc::read(from.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) >= 0 {}
        libc::fcntl(from.as_raw_fd(), libc::F_SETFL, flags);
    }
}

/// A UDP socket on this machine's own address, and the address.
fn udp(family: c_int) -> Option<(OwnedFd, Vec<u8>)> {
    let socket = socket(family, libc::SOCK_DGRAM, 0)?;
    let own = if family == libc::AF_INET { "127.0.0.1:0" } else { "[::1]:0" };
    if let Err(error) = bind(&socket, &crate::calls::inet(own.parse().unwrap())) {
        eprintln!("skipped: UDP on {own}: {error}");
        return None;
    }
    let name = local(&socket);
    Some((socket, name))
}
