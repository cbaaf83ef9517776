//! Names of numbers, as in the kernel's headers. A number without a name stays a number, in hex.

pub mod control;
pub mod ethernet;
pub mod family;
pub mod flags;
pub mod socket;

use std::borrow::Cow;

use weir_sdk::event::{AF_INET, AF_INET6};

/// Numbers in ascending order, each with its name.
pub type Table = &'static [(u32, &'static str)];

/// `AF_NETLINK` (include/linux/socket.h).
pub const AF_NETLINK: u16 = 16;
/// `AF_PACKET` (include/linux/socket.h).
pub const AF_PACKET: u16 = 17;
/// `AF_CAN` (include/linux/socket.h).
const AF_CAN: u16 = 29;
/// `AF_BLUETOOTH` (include/linux/socket.h).
const AF_BLUETOOTH: u16 = 31;
/// `AF_VSOCK` (include/linux/socket.h).
pub const AF_VSOCK: u16 = 40;

/// The number's name; the number in hex where it has none.
pub fn name(table: Table, number: u32) -> Cow<'static, str> {
    lookup(table, number).map_or_else(|| Cow::Owned(format!("{number:#x}")), Cow::Borrowed)
}

fn lookup(table: Table, number: u32) -> Option<&'static str> {
    let index = table.binary_search_by_key(&number, |&(number, _)| number).ok()?;
    Some(table[index].1)
}

/// Name of an address family.
pub fn family(number: u16) -> Cow<'static, str> {
    name(family::FAMILIES, number.into())
}

/// Name of a packet's protocol; without one four digits, as the numbers are usually written.
pub fn ethernet(number: u16) -> Cow<'static, str> {
    match lookup(ethernet::PROTOCOLS, number.into()) {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(format!("{number:#06x}")),
    }
}

/// Name of a socket's protocol, which depends on its family.
pub fn protocol(family: u16, number: u16) -> Cow<'static, str> {
    let table = match family {
        AF_INET | AF_INET6 => socket::INET,
        AF_NETLINK => socket::NETLINK,
        AF_CAN => socket::CAN,
        AF_BLUETOOTH => socket::BLUETOOTH,
        _ => &[],
    };
    name(table, number.into())
}

/// Names of the `MSG_*` flags that are set; the rest as one number.
pub fn flags(mut bits: u32) -> Vec<Cow<'static, str>> {
    let mut names = Vec::new();
    for &(bit, name) in flags::FLAGS {
        if bits & bit != 0 {
            names.push(Cow::Borrowed(name));
            bits &= !bit;
        }
    }
    if bits != 0 {
        names.push(Cow::Owned(format!("{bits:#x}")));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_unknown() {
        assert_eq!(family(10), "AF_INET6");
        assert_eq!(family(1), "AF_UNIX");
        assert_eq!(family(999), "0x3e7");
        assert_eq!(flags(0), Vec::<String>::new());
        assert_eq!(flags(0x4040), ["MSG_DONTWAIT", "MSG_NOSIGNAL"]);
        assert_eq!(flags(0x1000_0001), ["MSG_OOB", "0x10000000"]);
    }

    #[test]
    fn protocols_go_by_family() {
        assert_eq!(protocol(AF_INET, 17), "IPPROTO_UDP");
        assert_eq!(protocol(AF_INET6, 58), "IPPROTO_ICMPV6");
        assert_eq!(protocol(AF_INET, 262), "IPPROTO_MPTCP");
        assert_eq!(protocol(AF_NETLINK, 16), "NETLINK_GENERIC");
        assert_eq!(protocol(AF_CAN, 1), "CAN_RAW");
        assert_eq!(protocol(1, 0), "0x0");
    }

    #[test]
    fn tables_are_sorted() {
        let alone = [
            control::LEVELS,
            control::ORIGINS,
            control::CIPHER_OPS,
            control::TLS_RECORDS,
            ethernet::PROTOCOLS,
            ethernet::PACKETS,
            family::FAMILIES,
            flags::FLAGS,
            socket::TYPES,
            socket::STATES,
            socket::INET,
            socket::NETLINK,
            socket::CAN,
            socket::BLUETOOTH,
        ];
        for table in alone.into_iter().chain((0..300).map(control::types)) {
            assert!(table.is_sorted_by(|(a, _), (b, _)| a < b), "{table:?}");
        }
    }
}
