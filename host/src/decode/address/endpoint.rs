//! An address as one short text: an end of a socket.

use std::{
    fmt,
    net::{SocketAddrV4, SocketAddrV6},
};

use super::{
    super::text::{Hex, Text},
    Address, Path,
};

/// `VMADDR_CID_ANY`, `VMADDR_PORT_ANY` (include/uapi/linux/vm_sockets.h).
const VMADDR_ANY: u32 = u32::MAX;

impl Address<'_> {
    /// Whether it says where: a socket that is not bound, or not connected, has none that does.
    pub fn is_somewhere(&self) -> bool {
        match self {
            Self::Inet { address, port } => *port != 0 || !address.is_unspecified(),
            Self::Inet6 { address, port, .. } => *port != 0 || !address.is_unspecified(),
            Self::Unix { path } => *path != Path::File(b""),
            Self::Vsock { cid, port } => (*cid, *port) != (VMADDR_ANY, VMADDR_ANY),
            Self::Raw { raw, .. } => !raw.is_empty(),
            Self::Packet { protocol, ifindex, .. } => (*protocol, *ifindex) != (0, 0),
            Self::Netlink { .. } => true,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::File(path) => Text(path).fmt(f),
            Self::Abstract(name) => write!(f, "@{}", Text(name)),
        }
    }
}

/// Writes it as an end of a socket. `raw` is what it was parsed from.
pub struct Endpoint<'a>(pub Address<'a>, pub &'a [u8]);

impl fmt::Display for Endpoint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Address::Inet { address, port } => SocketAddrV4::new(address, port).fmt(f),
            // The scope would stand between the brackets; the port is what people look for.
            Address::Inet6 { address, port, .. } => SocketAddrV6::new(address, port, 0, 0).fmt(f),
            Address::Unix { path } => path.fmt(f),
            Address::Netlink { pid, groups: 0 } => write!(f, "netlink:{pid}"),
            Address::Netlink { pid, groups } => write!(f, "netlink:{pid}:{groups:#x}"),
            Address::Vsock { cid, port } => write!(f, "vsock:{cid}:{port}"),
            Address::Packet { protocol, ifindex, .. } => {
                // A number, so that scripts write the same without a table of names.
                write!(f, "packet:{protocol:#06x}:{ifindex}")
            }
            Address::Raw { .. } => Hex(self.1, "").fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &[u8], expected: Option<&str>) {
        let address = Address::parse(raw);
        let text = address.is_somewhere().then(|| Endpoint(address, raw).to_string());
        assert_eq!(text.as_deref(), expected);
    }

    #[test]
    fn somewhere() {
        check(&[2, 0, 0, 53, 127, 0, 0, 1], Some("127.0.0.1:53"));
        check(&[2, 0, 0, 0, 127, 0, 0, 1], Some("127.0.0.1:0"));
        check(b"\x0a\0\0\x35\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", Some("[::1]:53"));
        check(b"\x01\0/run/x\0", Some("/run/x"));
        check(b"\x01\0\0x", Some("@x"));
        check(&[16, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0], Some("netlink:77"));
        check(&[16, 0, 0, 0, 77, 0, 0, 0, 255, 0, 0, 0], Some("netlink:77:0xff"));
        check(&[40, 0, 0, 0, 0, 4, 0, 0, 2, 0, 0, 0], Some("vsock:2:1024"));
        check(
            &[17, 0, 8, 6, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            Some("packet:0x0806:3"),
        );
        check(&[38, 0, 1, 2], Some("26000102"));
    }

    #[test]
    fn nowhere() {
        check(&[2, 0, 0, 0, 0, 0, 0, 0], None);
        check(b"\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", None);
        check(b"\x01\0", None);
        check(b"\x28\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", None);
        check(b"", None);
    }
}
