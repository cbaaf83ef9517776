//! Socket addresses as the kernel takes them: `struct sockaddr_in`, `_in6`, `_un` (ip(7), ipv6(7),
//! unix(7)).

use std::{net::SocketAddr, os::unix::ffi::OsStrExt, path::Path};

/// An IPv4 or IPv6 address with its port.
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

/// A path, with the NUL that ends it.
pub fn path(path: &Path) -> Vec<u8> {
    [&(libc::AF_UNIX as u16).to_ne_bytes()[..], path.as_os_str().as_bytes(), &[0]].concat()
}

/// An abstract name, which starts with NUL and does not end with one.
pub fn abstract_name(name: &[u8]) -> Vec<u8> {
    [&(libc::AF_UNIX as u16).to_ne_bytes()[..], &[0], name].concat()
}
