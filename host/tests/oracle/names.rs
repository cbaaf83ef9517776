//! Numbers behind the names that strace and weir use: one may have a name where the other has none,
//! or an older one.

use serde_json::Value as Json;

use crate::value::Value;

/// A constant as a number, or as the name that it stays when this table does not have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Constant {
    /// Its value.
    Number(i128),
    /// A name without a value here.
    Name(String),
}

/// As strace writes it: a name, a number, or one in a call, as in `htons(ETH_P_IP)`.
pub fn of_strace(value: &Value) -> Option<Constant> {
    match value {
        Value::Name(name) => Some(of_name(name)),
        Value::Call(_, arguments) => of_strace(arguments.first()?),
        value => value.number().map(Constant::Number),
    }
}

/// As weir writes it: a name, a number, or a number in a string.
pub fn of_weir(value: &Json) -> Option<Constant> {
    match value {
        Json::String(name) => Some(of_name(name)),
        value => value.as_i64().map(|number| Constant::Number(number.into())),
    }
}

fn of_name(name: &str) -> Constant {
    let known = TABLE.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
    let number = known.or_else(|| match name.strip_prefix("0x") {
        Some(digits) => i128::from_str_radix(digits, 16).ok(),
        None => name.parse().ok(),
    });
    number.map_or_else(|| Constant::Name(name.to_owned()), Constant::Number)
}

/// From the kernel's headers (include/linux/socket.h, include/uapi), which have a number for each.
#[rustfmt::skip]
const TABLE: &[(&str, i128)] = &[
    // Families that a test uses and that either side may not name.
    ("AF_UNSPEC", 0), ("AF_UNIX", 1), ("AF_INET", 2), ("AF_INET6", 10), ("AF_NETLINK", 16),
    ("AF_PACKET", 17), ("AF_VSOCK", 40),
    // Levels.
    ("SOL_IP", 0), ("SOL_SOCKET", 1), ("SOL_TCP", 6), ("SOL_UDP", 17), ("SOL_IPV6", 41),
    ("SOL_ICMPV6", 58), ("SOL_RAW", 255), ("SOL_PACKET", 263), ("SOL_NETLINK", 270),
    ("SOL_ALG", 279), ("SOL_TLS", 282), ("SOL_VSOCK", 287),
    // Types of SOL_SOCKET. Timestamps have an old and a new layout, which on 64 bits are the same.
    ("SCM_RIGHTS", 1), ("SCM_CREDENTIALS", 2), ("SCM_SECURITY", 3), ("SCM_PIDFD", 4),
    ("SO_TIMESTAMP", 29), ("SO_TIMESTAMP_OLD", 29), ("SCM_TIMESTAMP", 29), ("SO_TIMESTAMP_NEW", 63),
    ("SO_TIMESTAMPNS", 35), ("SO_TIMESTAMPNS_OLD", 35), ("SCM_TIMESTAMPNS", 35),
    ("SO_TIMESTAMPNS_NEW", 64),
    ("SO_TIMESTAMPING", 37), ("SO_TIMESTAMPING_OLD", 37), ("SCM_TIMESTAMPING", 37),
    ("SO_TIMESTAMPING_NEW", 65),
    ("SO_RXQ_OVFL", 40), ("SCM_WIFI_STATUS", 41), ("SCM_TXTIME", 61), ("SO_TXTIME", 61),
    // Types of SOL_IP.
    ("IP_TOS", 1), ("IP_TTL", 2), ("IP_RETOPTS", 7), ("IP_PKTINFO", 8), ("IP_RECVERR", 11),
    ("IP_RECVTTL", 12), ("IP_CHECKSUM", 23), ("IP_PROTOCOL", 52),
    // Types of SOL_IPV6.
    ("IPV6_RECVERR", 25), ("IPV6_PKTINFO", 50), ("IPV6_HOPLIMIT", 52), ("IPV6_TCLASS", 67),
    // Types of SOL_UDP.
    ("UDP_SEGMENT", 103), ("UDP_GRO", 104),
    // What came back of a packet.
    ("ECONNREFUSED", 111), ("SO_EE_ORIGIN_LOCAL", 1), ("SO_EE_ORIGIN_ICMP", 2),
    ("SO_EE_ORIGIN_ICMP6", 3),
    // Parts of a packet socket's address.
    ("ETH_P_ALL", 3), ("ETH_P_IP", 0x800), ("ETH_P_ARP", 0x806), ("ETH_P_IPV6", 0x86dd),
    ("ETH_P_802_EX1", 0x88b5), ("ARPHRD_NETROM", 0), ("ARPHRD_ETHER", 1), ("ARPHRD_LOOPBACK", 772),
    ("PACKET_HOST", 0), ("PACKET_BROADCAST", 1), ("PACKET_MULTICAST", 2), ("PACKET_OTHERHOST", 3),
    ("PACKET_OUTGOING", 4),
    // Parts of a vsock's address.
    ("VMADDR_CID_ANY", 0xffff_ffff), ("VMADDR_CID_HYPERVISOR", 0), ("VMADDR_CID_LOCAL", 1),
    ("VMADDR_CID_HOST", 2), ("VMADDR_PORT_ANY", 0xffff_ffff),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_numbers_meet() {
        let old = of_strace(&Value::Name("SO_TIMESTAMPNS_OLD".into()));
        assert_eq!(old, of_weir(&json!("SO_TIMESTAMPNS")));
        assert_eq!(of_strace(&Value::Number(0x32)), of_weir(&json!("IPV6_PKTINFO")));
        assert_eq!(of_strace(&Value::Number(0x4d2)), of_weir(&json!("0x4d2")));
        assert_ne!(of_weir(&json!("IPV6_NONE")), of_weir(&json!("IPV6_PKTINFO")));
        assert_eq!(of_weir(&json!(null)), None);
    }
}
