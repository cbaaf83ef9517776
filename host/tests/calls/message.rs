//! A `struct msghdr` with what it points to, every part of which a test can spoil.

use std::{fs, net::SocketAddr, os::fd::AsRawFd, ptr};

use serde_json::{Value, json};

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
        let mut payload = vec![b'p'; lens.iter().copied().max().unwrap_or_default()];
        let base = payload.as_mut_ptr().cast();
        let entry = |&len| libc::iovec { iov_base: base, iov_len: len };
        Self::new(payload, lens.iter().map(entry).collect())
    }

    /// One with these parts, one behind the other.
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut payload = parts.concat();
        let mut from = payload.as_mut_ptr();
        let entry = |part: &&[u8]| {
            let entry = libc::iovec { iov_base: from.cast(), iov_len: part.len() };
            from = from.wrapping_add(part.len());
            entry
        };
        let table = parts.iter().map(entry).collect();
        Self::new(payload, table)
    }

    fn new(payload: Vec<u8>, mut table: Vec<libc::iovec>) -> Self {
        // SAFETY: integers and pointers, for which zero is a value.
        let mut header: Box<libc::msghdr> = Box::new(unsafe { std::mem::zeroed() });
        if !table.is_empty() {
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

    /// Sets where a part is, whatever is there.
    pub fn set_base(&mut self, part: usize, base: *mut u8) {
        self.table[part].iov_base = base.cast();
    }

    /// With room for an address and for control messages of so many bytes.
    pub fn room(self, name: usize, control: usize) -> Self {
        let with_name = if name == 0 { self } else { self.to(&vec![0; name]) };
        if control == 0 { with_name } else { with_name.control(&vec![0; control]) }
    }

    /// What lies in the room for control messages.
    pub fn received_control(&self) -> &[u8] {
        &self.control
    }

    /// Its parts as an event shows them.
    pub fn iov(&self) -> Value {
        let shown = self.table.iter().take(16);
        shown
            .map(|part| json!({"base": format!("{:p}", part.iov_base), "len": part.iov_len}))
            .collect()
    }

    /// The table's address.
    pub fn table(&self) -> *const libc::iovec {
        self.table.as_ptr()
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

/// `struct cmsghdr` with this data, as long as it is: CMSG_SPACE's padding follows.
pub fn cmsg(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
    let len = 16 + data.len() as u64;
    let mut cmsg =
        [&len.to_ne_bytes()[..], &level.to_ne_bytes(), &kind.to_ne_bytes(), data].concat();
    cmsg.resize(cmsg.len().next_multiple_of(8), 0);
    cmsg
}

/// Descriptors to pass on.
pub fn rights(fds: &[i32]) -> Vec<u8> {
    let data: Vec<u8> = fds.iter().flat_map(|fd| fd.to_ne_bytes()).collect();
    cmsg(libc::SOL_SOCKET, libc::SCM_RIGHTS, &data)
}

/// A descriptor as an event shows it: with the link in /proc/self/fd.
pub fn fd(of: &impl AsRawFd) -> Value {
    let fd = of.as_raw_fd();
    let link = fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
    json!({ "fd": fd, "file": link })
}
