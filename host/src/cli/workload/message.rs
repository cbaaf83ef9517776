//! A message and the call that sends it.

use std::{
    io, mem,
    os::fd::{AsFd, AsRawFd, RawFd},
};

/// What a `struct msghdr` points to. Empty parts are left out.
#[derive(Default)]
pub struct Message<'a> {
    /// The destination.
    pub name: &'a [u8],
    /// The iovec table.
    pub parts: &'a [io::IoSlice<'a>],
    /// Control messages, as [`control`] makes them.
    pub control: &'a [u8],
}

impl Message<'_> {
    /// `sendmsg(2)`.
    pub fn send(&self, socket: impl AsFd, flags: i32) -> io::Result<usize> {
        self.send_to_number(socket.as_fd().as_raw_fd(), flags)
    }

    /// The same, on a number that need not be a descriptor.
    pub fn send_to_number(&self, fd: RawFd, flags: i32) -> io::Result<usize> {
        let header = self.header();
        // SAFETY: the header and all that it points to live until the call returns; it only reads.
        result(unsafe { libc::syscall(libc::SYS_sendmsg, fd, &raw const header, flags) })
    }

    /// `struct msghdr`, which points to the parts of this message.
    pub fn header(&self) -> libc::msghdr {
        let Self { name, parts, control } = self;
        // SAFETY: integers and pointers, for which zero is a value.
        let mut header: libc::msghdr = unsafe { mem::zeroed() };
        if !name.is_empty() {
            header.msg_name = name.as_ptr().cast_mut().cast();
            header.msg_namelen = name.len() as libc::socklen_t;
        }
        // An `IoSlice` is a `struct iovec`: so its documentation says.
        header.msg_iov = parts.as_ptr().cast_mut().cast();
        header.msg_iovlen = parts.len() as _;
        if !control.is_empty() {
            header.msg_control = control.as_ptr().cast_mut().cast();
            header.msg_controllen = control.len() as _;
        }
        header
    }
}

/// What a call returned.
pub fn result(returned: libc::c_long) -> io::Result<usize> {
    usize::try_from(returned).map_err(|_| io::Error::last_os_error())
}

/// A control message of `SOL_SOCKET`.
pub fn control(kind: i32, data: &[u8]) -> Vec<u8> {
    control_of(libc::SOL_SOCKET, kind, data)
}

/// A control message: `struct cmsghdr`, then data, up to its alignment (cmsg(3)).
pub fn control_of(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
    let len = size_of::<libc::cmsghdr>() + data.len();
    let mut message =
        [&len.to_ne_bytes()[..], &level.to_ne_bytes(), &kind.to_ne_bytes(), data].concat();
    message.resize(len.next_multiple_of(align_of::<libc::cmsghdr>()), 0);
    message
}
