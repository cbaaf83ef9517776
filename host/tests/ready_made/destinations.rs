//! scripts/destinations, in C.

use std::net::Ipv6Addr;

use weir_sdk::{
    event::{GROUP_NAME, STATUS_FAULT, STATUS_TRUNCATED},
    testing::Call,
};

use crate::script::Script;

#[test]
fn each_kind_of_destination_has_its_text() {
    let mut script = Script::start("destinations", &[]);
    let did = script.batch(&[
        Call::new().bytes(5),
        Call::new().to("127.0.0.1:53").bytes(10),
        Call::new().to("127.0.0.1:53").error("ECONNREFUSED"),
        Call::new().to("255.255.255.255:65535").bytes(0),
        Call::new().to("[fe80::1%3]:443").bytes(1),
        Call::new().to_unix("/run/systemd/journal/socket").bytes(2),
        Call::new().to_unix("@abstract").bytes(3),
        Call::new().to_unix("").bytes(4),
        Call::new().to_raw(&[16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).bytes(6),
        Call::new().to_raw(&[0x7f, 3, 1]).bytes(7),
        // Too short for what its family has.
        Call::new().to_raw(&[2, 0, 0]).bytes(8),
        Call::new().to_raw(&[]).bytes(9),
        Call::new().to("127.0.0.1:53").head(|head| head.status[GROUP_NAME] = STATUS_FAULT),
        Call::new().to_unix("@a\0b").bytes(11),
        Call::new()
            .to("10.0.0.1:1")
            .bytes(12)
            .head(|head| head.status[GROUP_NAME] = STATUS_TRUNCATED),
    ]);
    assert_eq!(did.kept(), [true; 15]);
    script.check(
        "calls",
        &[
            ("(AF_NETLINK)", 1),
            ("(AF_UNSPEC)", 1),
            ("(connected)", 1),
            ("(family 2)", 1),
            ("(family 895)", 1),
            ("(unnamed)", 1),
            ("(unread)", 1),
            ("/run/systemd/journal/socket", 1),
            ("10.0.0.1:1", 1),
            ("127.0.0.1:53", 2),
            ("255.255.255.255:65535", 1),
            ("@a@b", 1),
            ("@abstract", 1),
            ("[fe80::1%3]:443", 1),
        ],
    );
    let bytes = script.rows("bytes", "value");
    let of = |key: &str| bytes.iter().find(|(known, _)| known == key).unwrap().1.clone();
    assert_eq!(
        (of("127.0.0.1:53"), of("(unread)"), of("(connected)")),
        (10.into(), 64.into(), 5.into())
    );
}

/// IPv6 addresses are written as Rust writes them, which is RFC 5952.
#[test]
fn ipv6_addresses_are_written_as_elsewhere() {
    let mut groups = vec![[0; 8], [0xffff; 8], [0, 0, 0, 0, 0, 0xffff, 0x7f00, 1]];
    // Every pattern of groups that are zero.
    groups.extend((0..256u16).map(|zeros| {
        std::array::from_fn(|at| if zeros >> at & 1 == 1 { 0 } else { 0x1a0 + at as u16 })
    }));
    let addresses: Vec<Ipv6Addr> = groups.into_iter().map(Ipv6Addr::from).collect();
    let mut script = Script::start("destinations", &[]);
    let to = |address: &Ipv6Addr| Call::new().to(&format!("[{address}]:1"));
    script.batch(&addresses.iter().map(to).collect::<Vec<_>>());
    let mut expected: Vec<_> = addresses.iter().map(|address| format!("[{address}]:1")).collect();
    expected.sort();
    expected.dedup();
    let rows = script.rows("calls", "value");
    assert_eq!(rows.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), expected);
}
