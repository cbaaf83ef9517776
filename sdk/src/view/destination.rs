//! Where a message goes.

use std::{
    fmt,
    net::{IpAddr, SocketAddrV4, SocketAddrV6},
};

use super::Text;
use crate::event::{AF_INET, AF_INET6, AF_UNIX};

/// The destination address that the caller gave.
///
/// Written out as `127.0.0.1:53`, `[::1]:53`, `/run/systemd/journal/socket`, `@abstract`, and in parentheses
/// when there is no address to show: `(connected)`, `(unread)`, `(unnamed)`, `(AF_NETLINK)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination<'a> {
    /// None: the socket is connected, or the call fails for want of one.
    None,
    /// There may be one, but it could not be read.
    Unread,
    /// IPv4 address and port.
    Inet(SocketAddrV4),
    /// IPv6 address, port, flow information and scope id.
    Inet6(SocketAddrV6),
    /// Path of a unix socket; an abstract one starts with `@`.
    Unix(Text<'a>),
    /// Another family, or too few bytes for the family.
    Other {
        /// Address family (`AF_*`).
        family: u16,
        /// `struct sockaddr` as the caller gave it.
        raw: &'a [u8],
    },
}

impl<'a> Destination<'a> {
    /// IPv4 or IPv6 address.
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Inet(address) => Some(IpAddr::V4(*address.ip())),
            Self::Inet6(address) => Some(IpAddr::V6(*address.ip())),
            _ => None,
        }
    }

    /// Port, where the family has ports.
    pub fn port(self) -> Option<u16> {
        match self {
            Self::Inet(address) => Some(address.port()),
            Self::Inet6(address) => Some(address.port()),
            _ => None,
        }
    }

    /// Path of a unix socket.
    pub fn path(self) -> Option<Text<'a>> {
        match self {
            Self::Unix(path) => Some(path),
            _ => None,
        }
    }
}

impl fmt::Display for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("(connected)"),
            Self::Unread => f.write_str("(unread)"),
            Self::Inet(address) => address.fmt(f),
            Self::Inet6(address) => address.fmt(f),
            Self::Unix(path) if path.is_empty() => f.write_str("(unnamed)"),
            Self::Unix(path) => path.fmt(f),
            Self::Other { family, .. } => match family_name(*family) {
                Some(name) => write!(f, "({name})"),
                None => write!(f, "(family {family})"),
            },
        }
    }
}

/// Names of the families that messages are often sent to (include/linux/socket.h).
fn family_name(family: u16) -> Option<&'static str> {
    Some(match family {
        0 => "AF_UNSPEC",
        AF_UNIX => "AF_UNIX",
        AF_INET => "AF_INET",
        AF_INET6 => "AF_INET6",
        16 => "AF_NETLINK",
        17 => "AF_PACKET",
        29 => "AF_CAN",
        30 => "AF_TIPC",
        31 => "AF_BLUETOOTH",
        38 => "AF_ALG",
        40 => "AF_VSOCK",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_as_people_write_them() {
        for (destination, shown) in [
            (Destination::None, "(connected)"),
            (Destination::Unread, "(unread)"),
            (Destination::Inet("127.0.0.1:53".parse().unwrap()), "127.0.0.1:53"),
            (Destination::Inet6("[::1]:53".parse().unwrap()), "[::1]:53"),
            (Destination::Unix("/run/x.sock".into()), "/run/x.sock"),
            (Destination::Unix("".into()), "(unnamed)"),
            (Destination::Other { family: 16, raw: b"" }, "(AF_NETLINK)"),
            (Destination::Other { family: 99, raw: b"" }, "(family 99)"),
        ] {
            assert_eq!(destination.to_string(), shown);
        }
    }
}
