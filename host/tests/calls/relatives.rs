//! The relatives of sendmsg, as the kernel takes them: nothing here is checked, so that tests can
//! pass anything.

use std::{io, ptr};

use super::Message;

fn result(returned: libc::c_long) -> io::Result<usize> {
    usize::try_from(returned).map_err(|_| io::Error::last_os_error())
}

/// sendmmsg(2).
pub fn sendmmsg(fd: i32, table: *const libc::mmsghdr, vlen: u32, flags: i32) -> io::Result<usize> {
    // SAFETY: the kernel checks the pointer; what it writes, it writes to the caller's table.
    result(unsafe { libc::syscall(libc::SYS_sendmmsg, fd, table, vlen, flags) })
}

/// recvmmsg(2) without a timeout.
pub fn recvmmsg(fd: i32, table: *mut libc::mmsghdr, vlen: u32, flags: i32) -> io::Result<usize> {
    let timeout = ptr::null_mut::<libc::timespec>();
    // SAFETY: as above.
    result(unsafe { libc::syscall(libc::SYS_recvmmsg, fd, table, vlen, flags, timeout) })
}

/// sendto(2).
pub fn sendto(
    fd: i32,
    buffer: *const u8,
    len: usize,
    flags: i32,
    name: *const u8,
    namelen: i32,
) -> io::Result<usize> {
    // SAFETY: the kernel checks the pointers, and reads only.
    result(unsafe { libc::syscall(libc::SYS_sendto, fd, buffer, len, flags, name, namelen) })
}

/// recvmsg(2).
pub fn recvmsg(fd: i32, header: *const libc::msghdr, flags: i32) -> io::Result<usize> {
    // SAFETY: as for recvmmsg.
    result(unsafe { libc::syscall(libc::SYS_recvmsg, fd, header, flags) })
}

/// recvfrom(2).
pub fn recvfrom(
    fd: i32,
    buffer: *mut u8,
    len: usize,
    flags: i32,
    name: *mut u8,
    namelen: *mut i32,
) -> io::Result<usize> {
    // SAFETY: as for recvmmsg.
    result(unsafe { libc::syscall(libc::SYS_recvfrom, fd, buffer, len, flags, name, namelen) })
}

/// sendfile(2).
pub fn sendfile(out: i32, input: i32, offset: *mut i64, count: usize) -> io::Result<usize> {
    // SAFETY: as for recvmmsg.
    result(unsafe { libc::syscall(libc::SYS_sendfile, out, input, offset, count) })
}

/// Messages for sendmmsg and recvmmsg.
pub struct Messages {
    /// What the call is given.
    pub table: Vec<libc::mmsghdr>,
    messages: Vec<Message>,
}

impl Messages {
    /// The headers of these messages; what they point to stays where it is.
    pub fn new(messages: Vec<Message>) -> Self {
        let table = messages
            .iter()
            .map(|message| libc::mmsghdr { msg_hdr: *message.header, msg_len: 0xdead })
            .collect();
        Self { table, messages }
    }

    /// A header's address, as an event shows it.
    pub fn ptr(&self, index: usize) -> String {
        format!("{:p}", &raw const self.table[index])
    }

    /// A message as it was given.
    pub fn message(&self, index: usize) -> &Message {
        &self.messages[index]
    }
}
