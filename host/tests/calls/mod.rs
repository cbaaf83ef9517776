//! Calls that this process makes, and what their events must say.
#![allow(dead_code, unused_imports, reason = "each test binary uses another part")]

mod message;
mod relatives;
mod traced;

use std::{
    fs,
    io::{self, Read, Write},
    os::{fd::AsRawFd, unix::net::UnixStream},
    time::Duration,
};

pub use message::{Message, cmsg, fd, inet, rights, unix};
pub use relatives::{Messages, recvfrom, recvmmsg, recvmsg, sendfile, sendmmsg, sendto};
pub use traced::{Calls, Since, assert_says, own_events, settle};

use crate::live::wait_for;

/// The call, as the kernel takes it: nothing here is checked, so that tests can pass anything.
pub fn sendmsg(fd: i32, header: *const libc::msghdr, flags: i32) -> io::Result<usize> {
    // SAFETY: the kernel checks the pointer, and reads only.
    let returned = unsafe { libc::syscall(libc::SYS_sendmsg, fd, header, flags) };
    usize::try_from(returned).map_err(|_| io::Error::last_os_error())
}

/// The calling thread's id.
pub fn tid() -> u32 {
    // SAFETY: the call has no precondition.
    unsafe { libc::gettid() as u32 }
}

/// Name of an error that the tests provoke.
pub fn error_name(number: i32) -> &'static str {
    match number {
        libc::EAGAIN => "EAGAIN",
        libc::EAFNOSUPPORT => "EAFNOSUPPORT",
        libc::EBADF => "EBADF",
        libc::ECONNREFUSED => "ECONNREFUSED",
        libc::EFAULT => "EFAULT",
        libc::EINTR => "EINTR",
        libc::EINVAL => "EINVAL",
        libc::EMSGSIZE => "EMSGSIZE",
        libc::EDESTADDRREQ => "EDESTADDRREQ",
        libc::EISCONN => "EISCONN",
        libc::ENOBUFS => "ENOBUFS",
        libc::ENOENT => "ENOENT",
        libc::ENOMEM => "ENOMEM",
        libc::ENOTCONN => "ENOTCONN",
        libc::ENOTSOCK => "ENOTSOCK",
        libc::EOPNOTSUPP => "EOPNOTSUPP",
        libc::EPIPE => "EPIPE",
        libc::ETOOMANYREFS => "ETOOMANYREFS",
        _ => panic!("error {number} ({}) is not expected", io::Error::from_raw_os_error(number)),
    }
}

/// Two connected streams, the first of which has no room for another byte.
pub fn full_stream() -> (UnixStream, UnixStream) {
    let (mut from, to) = UnixStream::pair().unwrap();
    // With write(2), of which there are no events.
    from.set_nonblocking(true).unwrap();
    loop {
        match from.write(&[0; 4096]) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    from.set_nonblocking(false).unwrap();
    (from, to)
}

/// Reads all that lies there.
pub fn drain(to: &mut UnixStream) {
    to.set_nonblocking(true).unwrap();
    let mut bytes = [0; 64 << 10];
    loop {
        match to.read(&mut bytes) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    to.set_nonblocking(false).unwrap();
}

/// Waits until a thread sleeps in sendmsg: until then its system call is another, or `running`.
pub fn wait_until_blocked(pid: u32, tid: u32) {
    let path = format!("/proc/{pid}/task/{tid}/syscall");
    let sendmsg = format!("{} ", libc::SYS_sendmsg);
    wait_for("thread that sleeps in sendmsg", || {
        fs::read_to_string(&path).unwrap().starts_with(&sendmsg).then_some(())
    });
}

/// Gives up a blocking send after so long.
pub fn set_send_timeout(socket: &impl AsRawFd, timeout: Duration) {
    let timeout = libc::timeval {
        tv_sec: timeout.as_secs() as libc::time_t,
        tv_usec: timeout.subsec_micros().into(),
    };
    // SAFETY: the option's value is a `struct timeval`, as its length says.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_SNDTIMEO,
            (&raw const timeout).cast(),
            size_of_val(&timeout) as u32,
        )
    };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
}
