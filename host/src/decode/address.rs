//! `struct sockaddr` → family, address, port, path.

mod endpoint;
mod json;

use std::net::{Ipv4Addr, Ipv6Addr};

use weir_sdk::event::{AF_INET, AF_INET6, AF_UNIX, Head, Span};

pub use endpoint::Endpoint;
pub use json::Shape;

use super::{
    Batch,
    names::{AF_NETLINK, AF_PACKET, AF_VSOCK},
    text::take,
};

/// A socket address, taken apart as far as it goes.
///
/// Layouts: include/uapi/linux/in.h, in6.h, un.h, netlink.h, if_packet.h, vm_sockets.h; unix(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    Inet {
        address: Ipv4Addr,
        port: u16,
    },
    Inet6 {
        address: Ipv6Addr,
        port: u16,
        flowinfo: u32,
        scope_id: u32,
    },
    Unix {
        path: Path<'a>,
    },
    Netlink {
        pid: u32,
        groups: u32,
    },
    Packet {
        protocol: u16,
        ifindex: i32,
        hatype: u16,
        pkttype: u8,
        address: &'a [u8],
    },
    Vsock {
        cid: u32,
        port: u32,
    },
    /// Of another family, or too short for its own. Without a family if shorter than that.
    Raw {
        family: Option<u16>,
        raw: &'a [u8],
    },
}

/// Where a unix socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path<'a> {
    /// In the file system; empty for a socket without a name.
    File(&'a [u8]),
    /// A name that is in no file system.
    Abstract(&'a [u8]),
}

impl<'a> Address<'a> {
    /// Takes `struct sockaddr` apart.
    pub fn parse(raw: &'a [u8]) -> Self {
        let Some(family) = take(raw, 0).map(u16::from_ne_bytes) else {
            return Self::Raw { family: None, raw };
        };
        match family {
            AF_INET => Self::inet(raw),
            AF_INET6 => Self::inet6(raw),
            AF_UNIX => Some(Self::Unix { path: Path::parse(&raw[2..]) }),
            AF_NETLINK => Self::netlink(raw),
            AF_PACKET => Self::packet(raw),
            AF_VSOCK => Self::vsock(raw),
            _ => None,
        }
        .unwrap_or(Self::Raw { family: Some(family), raw })
    }

    fn inet(raw: &[u8]) -> Option<Self> {
        let address = Ipv4Addr::from(take(raw, 4)?);
        Some(Self::Inet { address, port: u16::from_be_bytes(take(raw, 2)?) })
    }

    fn inet6(raw: &[u8]) -> Option<Self> {
        Some(Self::Inet6 {
            address: Ipv6Addr::from(take::<16>(raw, 8)?),
            port: u16::from_be_bytes(take(raw, 2)?),
            flowinfo: u32::from_be_bytes(take(raw, 4)?),
            // The kernel takes an address without it (`SIN6_LEN_RFC2133`).
            scope_id: take(raw, 24).map_or(0, u32::from_ne_bytes),
        })
    }

    fn netlink(raw: &[u8]) -> Option<Self> {
        Some(Self::Netlink {
            pid: u32::from_ne_bytes(take(raw, 4)?),
            groups: u32::from_ne_bytes(take(raw, 8)?),
        })
    }

    fn packet(raw: &'a [u8]) -> Option<Self> {
        let [pkttype, len] = take(raw, 10)?;
        let address = &raw[12..];
        Some(Self::Packet {
            protocol: u16::from_be_bytes(take(raw, 2)?),
            ifindex: i32::from_ne_bytes(take(raw, 4)?),
            hatype: u16::from_ne_bytes(take(raw, 8)?),
            pkttype,
            address: &address[..address.len().min(len.into())],
        })
    }

    fn vsock(raw: &[u8]) -> Option<Self> {
        Some(Self::Vsock {
            port: u32::from_ne_bytes(take(raw, 4)?),
            cid: u32::from_ne_bytes(take(raw, 8)?),
        })
    }
}

impl<'a> Path<'a> {
    fn parse(path: &'a [u8]) -> Self {
        match path {
            [0, name @ ..] => Self::Abstract(name),
            path => {
                let end = path.iter().position(|&byte| byte == 0).unwrap_or(path.len());
                Self::File(&path[..end])
            }
        }
    }
}

/// Fills in what a head says of the other side: the destination, of a call that receives the source.
pub fn fill(head: &mut Head, raw: &[u8], batch: &mut Batch) {
    head.family = take(raw, 0).map_or(0, u16::from_ne_bytes);
    match Address::parse(raw) {
        Address::Inet { address, port } => {
            head.port = port;
            head.addr[..4].copy_from_slice(&address.octets());
        }
        Address::Inet6 { address, port, scope_id, .. } => {
            (head.port, head.scope_id, head.addr) = (port, scope_id, address.octets());
        }
        Address::Unix { path: Path::File(path) } => head.path = batch.append(path),
        Address::Unix { path: Path::Abstract(name) } => {
            let at = batch.append(b"@");
            head.path = Span { len: batch.append(name).len + 1, ..at };
        }
        Address::Netlink { .. }
        | Address::Packet { .. }
        | Address::Vsock { .. }
        | Address::Raw { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &[u8]) -> (Head, String) {
        let (mut head, mut batch) = (Head::default(), Batch::default());
        fill(&mut head, name, &mut batch);
        let path = String::from_utf8(batch.part(head.path).to_vec()).unwrap();
        (head, path)
    }

    #[test]
    fn inet() {
        let (head, _) = check(&[2, 0, 0x14, 0xe9, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!((head.family, head.port, &head.addr[..4]), (AF_INET, 5353, &[127, 0, 0, 1][..]));
    }

    #[test]
    fn inet6_with_scope() {
        let mut name = vec![10, 0, 0, 53, 0, 0, 0, 7];
        name.extend("fe80::1".parse::<Ipv6Addr>().unwrap().octets());
        let (head, _) = check(&name);
        assert_eq!((head.port, head.scope_id), (53, 0));
        name.extend([3, 0, 0, 0]);
        let (head, _) = check(&name);
        assert_eq!((head.scope_id, Ipv6Addr::from(head.addr)), (3, "fe80::1".parse().unwrap()));
    }

    #[test]
    fn unix_path_abstract_and_unnamed() {
        assert_eq!(check(b"\x01\0/run/x.sock\0junk").1, "/run/x.sock");
        assert_eq!(check(b"\x01\0/not/terminated").1, "/not/terminated");
        assert_eq!(check(b"\x01\0\0abstract").1, "@abstract");
        assert_eq!(check(b"\x01\0").1, "");
    }

    #[test]
    fn too_short_for_its_family() {
        for name in [&b""[..], b"\x02", b"\x02\0\x14", b"\x0a\0\0\x35\0\0\0\0\0"] {
            let (head, _) = check(name);
            assert_eq!((head.port, head.addr), (0, [0; 16]));
        }
    }
}
