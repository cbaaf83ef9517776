//! An address as the kernel has it, taken apart.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6},
};

use super::Text;
use crate::event::{AF_INET, AF_INET6, AF_UNIX};

/// `AF_NETLINK` (include/linux/socket.h).
const AF_NETLINK: u16 = 16;
/// `AF_PACKET` (include/linux/socket.h).
const AF_PACKET: u16 = 17;
/// `AF_VSOCK` (include/linux/socket.h).
const AF_VSOCK: u16 = 40;

/// The address of an end of a socket.
///
/// Written out as in the event's JSON: `127.0.0.1:53`, `[::1]:53`, `/run/x`, `@abstract`, `netlink:42`,
/// `netlink:42:0x1` with groups, `vsock:2:1024`, `packet:0x0806:3`, else the raw address in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address<'a> {
    /// IPv4 address and port.
    Inet(SocketAddrV4),
    /// IPv6 address, port, flow information and scope id.
    Inet6(SocketAddrV6),
    /// Path of a unix socket.
    Unix(Text<'a>),
    /// Name of a unix socket that is in no file system, without the NUL before it.
    Abstract(Text<'a>),
    /// Netlink: 0 as port id is the kernel.
    Netlink {
        /// Port id, most often the process id.
        pid: u32,
        /// Multicast groups, a bit for each.
        groups: u32,
    },
    /// A virtual machine, or its host.
    Vsock {
        /// Context id.
        cid: u32,
        /// Port.
        port: u32,
    },
    /// Frames of a network interface.
    Packet {
        /// Protocol (`ETH_P_*`, include/uapi/linux/if_ether.h).
        protocol: u16,
        /// Interface index; 0 is any.
        ifindex: i32,
    },
    /// Another family, or too few bytes for the family.
    Other {
        /// Address family (`AF_*`).
        family: u16,
        /// `struct sockaddr`.
        raw: &'a [u8],
    },
}

impl<'a> Address<'a> {
    /// Takes a `struct sockaddr` apart. There is none in no bytes, and none in the address of a unix socket
    /// without a name.
    pub fn parse(raw: &'a [u8]) -> Option<Self> {
        let family = u16::from_le_bytes(take(raw, 0)?);
        let known = match family {
            AF_INET => Self::inet(raw),
            AF_INET6 => Self::inet6(raw),
            AF_UNIX => return Self::unix(raw.get(2..)?),
            AF_NETLINK => Self::netlink(raw),
            AF_PACKET => Self::packet(raw),
            AF_VSOCK => Self::vsock(raw),
            _ => None,
        };
        Some(known.unwrap_or(Self::Other { family, raw }))
    }

    fn inet(raw: &[u8]) -> Option<Self> {
        let (port, ip) = (u16::from_be_bytes(take(raw, 2)?), Ipv4Addr::from(take::<4>(raw, 4)?));
        Some(Self::Inet(SocketAddrV4::new(ip, port)))
    }

    fn inet6(raw: &[u8]) -> Option<Self> {
        let (port, flow) = (u16::from_be_bytes(take(raw, 2)?), u32::from_be_bytes(take(raw, 4)?));
        let ip = Ipv6Addr::from(take::<16>(raw, 8)?);
        // The kernel takes an address without it (`SIN6_LEN_RFC2133`).
        let scope = take(raw, 24).map_or(0, u32::from_le_bytes);
        Some(Self::Inet6(SocketAddrV6::new(ip, port, flow, scope)))
    }

    fn unix(path: &'a [u8]) -> Option<Self> {
        match path {
            [] | [0] => None,
            [0, name @ ..] => Some(Self::Abstract(Text::new(name))),
            path => {
                let len = path.iter().position(|&byte| byte == 0).unwrap_or(path.len());
                Some(Self::Unix(Text::new(&path[..len])))
            }
        }
    }

    fn netlink(raw: &[u8]) -> Option<Self> {
        let (pid, groups) = (u32::from_le_bytes(take(raw, 4)?), u32::from_le_bytes(take(raw, 8)?));
        Some(Self::Netlink { pid, groups })
    }

    fn vsock(raw: &[u8]) -> Option<Self> {
        // include/uapi/linux/vm_sockets.h has the port before the context id.
        let (port, cid) = (u32::from_le_bytes(take(raw, 4)?), u32::from_le_bytes(take(raw, 8)?));
        Some(Self::Vsock { cid, port })
    }

    fn packet(raw: &[u8]) -> Option<Self> {
        // All of a `struct sockaddr_ll` (include/uapi/linux/if_packet.h) but the hardware address.
        raw.get(..12)?;
        let (protocol, ifindex) =
            (u16::from_be_bytes(take(raw, 2)?), i32::from_le_bytes(take(raw, 4)?));
        Some(Self::Packet { protocol, ifindex })
    }

    /// IPv4 or IPv6 address.
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Inet(address) => Some(IpAddr::V4(*address.ip())),
            Self::Inet6(address) => Some(IpAddr::V6(*address.ip())),
            _ => None,
        }
    }

    /// Port of an IPv4 or IPv6 address.
    pub fn port(self) -> Option<u16> {
        match self {
            Self::Inet(address) => Some(address.port()),
            Self::Inet6(address) => Some(address.port()),
            _ => None,
        }
    }

    /// Path of a unix socket in the file system.
    pub fn path(self) -> Option<Text<'a>> {
        match self {
            Self::Unix(path) => Some(path),
            _ => None,
        }
    }
}

/// So many bytes from an offset, if they are there.
fn take<const LEN: usize>(raw: &[u8], offset: usize) -> Option<[u8; LEN]> {
    raw.get(offset..)?.first_chunk().copied()
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Inet6(address) => address.fmt(f),
            Self::Unix(path) => path.fmt(f),
            Self::Abstract(name) => write!(f, "@{name}"),
            Self::Netlink { pid, groups: 0 } => write!(f, "netlink:{pid}"),
            Self::Netlink { pid, groups } => write!(f, "netlink:{pid}:{groups:#x}"),
            Self::Vsock { cid, port } => write!(f, "vsock:{cid}:{port}"),
            Self::Packet { protocol, ifindex } => write!(f, "packet:{protocol:#06x}:{ifindex}"),
            Self::Other { raw, .. } => raw.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_apart_and_shown() {
        let inet6: Vec<u8> = [&[10, 0, 0, 53, 0, 0, 0, 0][..], &[0; 15], &[1]].concat();
        let cases: [(&[u8], Option<&str>); 14] = [
            (&[2, 0, 0, 53, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], Some("127.0.0.1:53")),
            (&[2, 0, 0, 53, 127, 0, 0], Some("020000357f0000")),
            (&inet6, Some("[::1]:53")),
            (b"\x01\0/run/x\0junk", Some("/run/x")),
            (b"\x01\0/run/x", Some("/run/x")),
            (b"\x01\0\0a b", Some("@a b")),
            (b"\x01\0", None),
            (b"\x01\0\0", None),
            (&[16, 0, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0], Some("netlink:42")),
            (&[16, 0, 0, 0, 42, 0, 0, 0, 1, 0, 0, 0], Some("netlink:42:0x1")),
            (&[40, 0, 0, 0, 0, 4, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0], Some("vsock:2:1024")),
            (&[17, 0, 8, 6, 3, 0, 0, 0, 0, 0, 0, 0], Some("packet:0x0806:3")),
            (&[17, 0, 8], Some("110008")),
            (&[2], None),
        ];
        for (raw, shown) in cases {
            let text = Address::parse(raw).map(|address| address.to_string());
            assert_eq!(text.as_deref(), shown, "{raw:?}");
        }
        let short = Address::parse(&inet6[..23]);
        assert!(matches!(short, Some(Address::Other { family: AF_INET6, .. })), "{short:?}");
    }
}
