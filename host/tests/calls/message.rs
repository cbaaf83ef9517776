//! A `struct msghdr` with what it points to, every part of which a test can spoil.

use std::{net::SocketAddr, ptr};

/// A message. The header lies on the heap and does not move, so its address can be compared.
pub struct Message {
    /// What the call is given.
    pub header: Box<libc::msghdr>,
    name: Vec<u8>,
    table: Vec<libc::iovec>,
    control: Vec<u8>,
    /// What every entry of the table points to.
    payload: Vec<u8>,
}

// SAFETY: the pointers are to what the message itself owns.
unsafe impl Send for Message {}

impl Message {
    /// One with parts of these lengths, no destination and no control messages.
    pub fn of(lens: &[usize]) -> Self {
        let payload = vec![b'p'; lens.iter().copied().max().unwrap_or_default()];
        let entry =
            |&len| libc::iovec { iov_base: payload.as_ptr().cast_mut().cast(), iov_len: len };
        let mut table: Vec<_> = lens.iter().map(entry).collect();
        // SAFETY: integers and pointers, for which zero is a value.
        let mut header: Box<libc::msghdr> = Box::new(unsafe { std::mem::zeroed() });
        if !lens.is_empty() {
            header.msg_iov = table.as_mut_ptr();
        }
        header.msg_iovlen = table.len();
        Self { header, name: Vec::new(), table, control: Vec::new(), payload }
    }

    /// With a destination.
    pub fn to(mut self, name: &[u8]) -> Self {
        self.name = name.to_vec();
        self.header.msg_name = self.name.as_mut_ptr().cast();
        self.header.msg_namelen = name.len() as u32;
        self
    }

    /// With control messages.
    pub fn control(mut self, control: &[u8]) -> Self {
        self.control = control.to_vec();
        self.header.msg_control = self.control.as_mut_ptr().cast();
        self.header.msg_controllen = control.len();
        self
    }

    /// Sets the length of a part, whatever is behind it.
    pub fn set_len(&mut self, part: usize, len: usize) {
        self.table[part].iov_len = len;
    }

    /// The header's address.
    pub fn ptr(&self) -> *const libc::msghdr {
        ptr::from_ref(&*self.header)
    }
}

/// `struct sockaddr_in` or `struct sockaddr_in6`.
pub fn inet(address: SocketAddr) -> Vec<u8> {
    match address {
        SocketAddr::V4(v4) => [
            &(libc::AF_INET as u16).to_ne_bytes()[..],
            &v4.port().to_be_bytes(),
            &v4.ip().octets(),
            &[0; 8],
        ]
        .concat(),
        SocketAddr::V6(v6) => [
            &(libc::AF_INET6 as u16).to_ne_bytes()[..],
            &v6.port().to_be_bytes(),
            &v6.flowinfo().to_be_bytes(),
            &v6.ip().octets(),
            &v6.scope_id().to_ne_bytes(),
        ]
        .concat(),
    }
}

/// `struct sockaddr_un` with this path, as long as it is.
pub fn unix(path: &[u8]) -> Vec<u8> {
    [&(libc::AF_UNIX as u16).to_ne_bytes()[..], path].concat()
}
