//! How far an address reaches.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `loopback`, `private`, `link-local`, `multicast`, `broadcast`, `unspecified` or `public`.
pub fn scope(ip: IpAddr) -> &'static str {
    // An IPv4 address in an IPv6 socket counts as what it is.
    match ip.to_canonical() {
        IpAddr::V4(ip) => scope_v4(ip),
        IpAddr::V6(ip) => scope_v6(ip),
    }
}

fn scope_v4(ip: Ipv4Addr) -> &'static str {
    match ip.octets() {
        [0, 0, 0, 0] => "unspecified",
        [127, ..] => "loopback",
        [169, 254, ..] => "link-local",
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] => "private",
        // Between customers and a carrier's own translation of addresses (RFC 6598).
        [100, 64..=127, ..] => "private",
        [255, 255, 255, 255] => "broadcast",
        [224..=239, ..] => "multicast",
        _ => "public",
    }
}

fn scope_v6(ip: Ipv6Addr) -> &'static str {
    match ip {
        Ipv6Addr::UNSPECIFIED => "unspecified",
        Ipv6Addr::LOCALHOST => "loopback",
        _ if ip.is_multicast() => "multicast",
        _ if ip.is_unicast_link_local() => "link-local",
        _ if ip.is_unique_local() => "private",
        _ => "public",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_address() {
        for (ip, expected) in [
            ("0.0.0.0", "unspecified"),
            ("127.8.9.1", "loopback"),
            ("10.1.2.3", "private"),
            ("172.31.0.1", "private"),
            ("172.32.0.1", "public"),
            ("192.168.0.1", "private"),
            ("100.64.0.1", "private"),
            ("169.254.169.254", "link-local"),
            ("224.0.0.251", "multicast"),
            ("255.255.255.255", "broadcast"),
            ("9.9.9.9", "public"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::ffff:10.0.0.1", "private"),
            ("fe80::1", "link-local"),
            ("fd00::1", "private"),
            ("ff02::fb", "multicast"),
            ("2001:db8::1", "public"),
        ] {
            assert_eq!(scope(ip.parse().unwrap()), expected, "{ip}");
        }
    }
}
