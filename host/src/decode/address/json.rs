//! An address as JSON.

use std::{
    borrow::Cow,
    net::{Ipv4Addr, Ipv6Addr},
};

use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use weir_sdk::event::{AF_INET, AF_INET6, AF_UNIX};

use super::{
    super::{
        names::{self, AF_NETLINK, AF_PACKET, AF_VSOCK, ethernet},
        text::Hex,
    },
    Address,
};

/// An address: what it has depends on its family.
#[derive(Serialize, ToSchema)]
#[schema(as = Address)]
pub struct Shape<'a> {
    family: Option<Cow<'static, str>>,
    #[serde(flatten)]
    rest: Rest<'a>,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = AddressParts)]
pub enum Rest<'a> {
    Inet {
        #[schema(value_type = String)]
        address: Ipv4Addr,
        port: u16,
    },
    Inet6 {
        #[schema(value_type = String)]
        address: Ipv6Addr,
        port: u16,
        flowinfo: u32,
        scope_id: u32,
    },
    Unix {
        path: String,
    },
    Netlink {
        pid: u32,
        groups: u32,
    },
    Packet {
        protocol: Cow<'static, str>,
        ifindex: i32,
        hatype: u16,
        pkttype: Cow<'static, str>,
        #[schema(value_type = String)]
        address: Hex<'a>,
    },
    Vsock {
        cid: u32,
        port: u32,
    },
    Raw {
        #[schema(value_type = String)]
        raw: Hex<'a>,
    },
}

impl Serialize for Address<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (family, rest) = match *self {
            Self::Inet { address, port } => (Some(AF_INET), Rest::Inet { address, port }),
            Self::Inet6 { address, port, flowinfo, scope_id } => {
                (Some(AF_INET6), Rest::Inet6 { address, port, flowinfo, scope_id })
            }
            Self::Unix { path } => (Some(AF_UNIX), Rest::Unix { path: path.to_string() }),
            Self::Netlink { pid, groups } => (Some(AF_NETLINK), Rest::Netlink { pid, groups }),
            Self::Packet { protocol, ifindex, hatype, pkttype, address } => {
                let rest = Rest::Packet {
                    protocol: names::ethernet(protocol),
                    ifindex,
                    hatype,
                    pkttype: names::name(ethernet::PACKETS, pkttype.into()),
                    address: Hex(address, ":"),
                };
                (Some(AF_PACKET), rest)
            }
            Self::Vsock { cid, port } => (Some(AF_VSOCK), Rest::Vsock { cid, port }),
            Self::Raw { family, raw } => (family, Rest::Raw { raw: Hex(raw, "") }),
        };
        Shape { family: family.map(names::family), rest }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(raw: &[u8], expected: serde_json::Value) {
        assert_eq!(serde_json::to_value(Address::parse(raw)).unwrap(), expected);
    }

    #[test]
    fn every_family() {
        check(
            &[2, 0, 0, 53, 127, 0, 0, 1],
            json!({"family": "AF_INET", "address": "127.0.0.1", "port": 53}),
        );
        check(
            b"\x0a\0\0\x35\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x03\0\0\0",
            json!({"family": "AF_INET6", "address": "::1", "port": 53, "flowinfo": 7,
                   "scope_id": 3}),
        );
        check(b"\x01\0\0a\xffb", json!({"family": "AF_UNIX", "path": "@a\u{fffd}b"}));
        check(b"\x01\0", json!({"family": "AF_UNIX", "path": ""}));
        check(
            &[16, 0, 0, 0, 77, 0, 0, 0, 5, 0, 0, 0],
            json!({"family": "AF_NETLINK", "pid": 77, "groups": 5}),
        );
        check(
            &[17, 0, 8, 6, 3, 0, 0, 0, 1, 0, 1, 6, 0xff, 0xff, 0xff, 1, 2, 3, 0, 0],
            json!({"family": "AF_PACKET", "protocol": "ETH_P_ARP", "ifindex": 3, "hatype": 1,
                   "pkttype": "PACKET_BROADCAST", "address": "ff:ff:ff:01:02:03"}),
        );
        check(
            &[17, 0, 0x12, 0x34, 3, 0, 0, 0, 1, 0, 99, 255],
            json!({"family": "AF_PACKET", "protocol": "0x1234", "ifindex": 3, "hatype": 1,
                   "pkttype": "0x63", "address": ""}),
        );
        check(
            &[40, 0, 0, 0, 0, 4, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
            json!({"family": "AF_VSOCK", "cid": 2, "port": 1024}),
        );
    }

    #[test]
    fn others_and_short_ones_stay_raw() {
        check(&[2, 0, 0x14], json!({"family": "AF_INET", "raw": "020014"}));
        check(&[16, 0, 1, 2], json!({"family": "AF_NETLINK", "raw": "10000102"}));
        check(&[0xe7, 3, 1], json!({"family": "0x3e7", "raw": "e70301"}));
        check(&[2], json!({"family": null, "raw": "02"}));
    }
}
