//! The other end of a socket: taking what was sent, or leaving no room for more.

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
};

use super::message::result;

/// Takes what lies there, without waiting.
pub fn drain(socket: impl AsFd) -> io::Result<()> {
    let mut bytes = [0; 64 << 10];
    let fd = socket.as_fd().as_raw_fd();
    loop {
        // SAFETY: the kernel writes at most the length of `bytes` to it.
        let received =
            unsafe { libc::recv(fd, bytes.as_mut_ptr().cast(), bytes.len(), libc::MSG_DONTWAIT) };
        match result(received as libc::c_long) {
            // An empty datagram, or the end of a stream.
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Sends until there is no room. With send(2), so that these calls are not among the events.
pub fn fill(socket: impl AsFd) -> io::Result<()> {
    let bytes = [0; 4096];
    let fd = socket.as_fd().as_raw_fd();
    loop {
        // SAFETY: the kernel reads at most the length of `bytes` from it.
        let sent = unsafe {
            libc::send(
                fd,
                bytes.as_ptr().cast(),
                bytes.len(),
                libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
            )
        };
        match result(sent as libc::c_long) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
