use serde_json::{Value, json};

use super::super::{
    super::sample::{message, numbers},
    list,
};

/// What is said of one message with that data.
fn parse(level: i32, r#type: i32, data: &[u8]) -> Value {
    let bytes = message(level, r#type, data);
    let list = list(&bytes, bytes.len() as u64, std::iter::empty());
    serde_json::to_value(list).unwrap()[0].take()
}

#[track_caller]
fn check(level: i32, r#type: i32, data: &[u8], expected: &str) {
    let expected: Value = serde_json::from_str(expected).unwrap();
    assert_eq!(parse(level, r#type, data), expected);
}

#[test]
fn descriptors_take_their_files_in_order() {
    let messages = [
        message(1, 1, &numbers([5, 6])),
        message(1, 2, &numbers([4242, 1000, 100])),
        message(1, 4, &numbers([9])),
        message(1, 1, &numbers([7, 8])),
    ];
    let files = [(5, &b"/x"[..]), (6, b""), (9, b"anon_inode:[pidfd]"), (77, b"/of another")];
    let bytes = messages.concat();
    let list = list(&bytes, bytes.len() as u64, files.into_iter());
    assert_eq!(
        serde_json::to_value(list).unwrap(),
        json!([
            {"level": "SOL_SOCKET", "type": "SCM_RIGHTS",
             "fds": [{"fd": 5, "file": "/x"}, {"fd": 6, "file": null}]},
            {"level": "SOL_SOCKET", "type": "SCM_CREDENTIALS", "pid": 4242, "uid": 1000, "gid": 100},
            {"level": "SOL_SOCKET", "type": "SCM_PIDFD", "fd": 9, "file": "anon_inode:[pidfd]"},
            {"level": "SOL_SOCKET", "type": "SCM_RIGHTS",
             "fds": [{"fd": 7, "file": null}, {"fd": 8, "file": null}]},
        ])
    );
}

#[test]
fn of_sockets() {
    check(1, 1, b"", r#"{"level": "SOL_SOCKET", "type": "SCM_RIGHTS", "fds": []}"#);
    check(
        1,
        3,
        b"system_u:object_r\0",
        r#"{"level": "SOL_SOCKET", "type": "SCM_SECURITY", "label": "system_u:object_r"}"#,
    );
    check(1, 40, &numbers([7]), r#"{"level": "SOL_SOCKET", "type": "SO_RXQ_OVFL", "drops": 7}"#);
    check(1, 36, &numbers([9]), r#"{"level": "SOL_SOCKET", "type": "SO_MARK", "value": 9}"#);
    check(
        1,
        61,
        &u64::MAX.to_ne_bytes(),
        r#"{"level": "SOL_SOCKET", "type": "SCM_TXTIME", "txtime_ns": 18446744073709551615}"#,
    );
}

#[test]
fn times_of_both_widths() {
    let wide = |pairs: &[[i64; 2]]| -> Vec<u8> {
        pairs.as_flattened().iter().flat_map(|number| number.to_ne_bytes()).collect()
    };
    let time = |r#type, data: &[u8]| parse(1, r#type, data)["time"].take();
    assert_eq!(time(29, &wide(&[[1_795_454_431, 42]])), json!(["1795454431.000042000"]));
    assert_eq!(time(63, &wide(&[[1, 999_999]])), json!(["1.999999000"]));
    assert_eq!(time(35, &wide(&[[1, 42]])), json!(["1.000000042"]));
    assert_eq!(time(64, &wide(&[[1, 42]])), json!(["1.000000042"]));
    assert_eq!(
        time(37, &wide(&[[1, 2], [0, 0], [3, 4]])),
        json!(["1.000000002", "0.000000000", "3.000000004"])
    );
    assert_eq!(time(65, &wide(&[[1, 2], [0, 0], [3, 4]]))[2], "3.000000004");
    assert_eq!(time(29, &numbers([1, 42])), json!(["1.000042000"]), "of a 32-bit caller");
    assert_eq!(time(37, &numbers([1, 2, 0, 0, 3, 4]))[2], "3.000000004");
    assert_eq!(time(63, &numbers([1, 42])), Value::Null, "the newer types are always wide");
    assert_eq!(
        time(29, &wide(&[[i64::MAX, i64::MAX]])),
        json!(["9223372036854775807.9223372036854775807"])
    );
    assert_eq!(
        parse(1, 37, &numbers([0x10])),
        json!({"level": "SOL_SOCKET", "type": "SO_TIMESTAMPING_OLD", "len": 4, "data": "10000000"}),
        "flags, as one sends them"
    );
}

#[test]
fn of_ip() {
    check(
        0,
        8,
        &[3, 0, 0, 0, 127, 0, 0, 1, 10, 0, 0, 2],
        r#"{"level": "SOL_IP", "type": "IP_PKTINFO", "ifindex": 3, "spec_dst": "127.0.0.1",
            "addr": "10.0.0.2"}"#,
    );
    let pktinfo = [&[0; 15][..], &[1, 2, 0, 0, 0]].concat();
    check(
        41,
        50,
        &pktinfo,
        r#"{"level": "SOL_IPV6", "type": "IPV6_PKTINFO", "addr": "::1", "ifindex": 2}"#,
    );
    check(0, 1, &[16], r#"{"level": "SOL_IP", "type": "IP_TOS", "value": 16}"#);
    check(0, 2, &numbers([64]), r#"{"level": "SOL_IP", "type": "IP_TTL", "value": 64}"#);
    check(41, 52, &numbers([1]), r#"{"level": "SOL_IPV6", "type": "IPV6_HOPLIMIT", "value": 1}"#);
    check(41, 67, &numbers([2]), r#"{"level": "SOL_IPV6", "type": "IPV6_TCLASS", "value": 2}"#);
    check(17, 103, &[0xb0, 4], r#"{"level": "SOL_UDP", "type": "UDP_SEGMENT", "size": 1200}"#);
    check(17, 104, &numbers([1200]), r#"{"level": "SOL_UDP", "type": "UDP_GRO", "size": 1200}"#);
    // ECONNREFUSED by ICMP, with the address of the router behind it.
    let refused = [&[111, 0, 0, 0, 2, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &[0; 16]].concat();
    check(
        0,
        11,
        &refused,
        r#"{"level": "SOL_IP", "type": "IP_RECVERR", "errno": "ECONNREFUSED",
            "origin": "SO_EE_ORIGIN_ICMP", "info": 0, "data": 0}"#,
    );
    // Two sends with MSG_ZEROCOPY are done.
    check(
        41,
        25,
        &[0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0],
        r#"{"level": "SOL_IPV6", "type": "IPV6_RECVERR", "errno": null,
            "origin": "SO_EE_ORIGIN_ZEROCOPY", "info": 1, "data": 2}"#,
    );
}

#[test]
fn of_tls_and_ciphers() {
    check(
        282,
        1,
        &[22],
        r#"{"level": "SOL_TLS", "type": "TLS_SET_RECORD_TYPE", "record_type": "handshake"}"#,
    );
    check(
        282,
        2,
        &[99],
        r#"{"level": "SOL_TLS", "type": "TLS_GET_RECORD_TYPE", "record_type": "0x63"}"#,
    );
    let iv = [4, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef];
    check(279, 2, &iv, r#"{"level": "SOL_ALG", "type": "ALG_SET_IV", "iv": "deadbeef"}"#);
    check(
        279,
        3,
        &numbers([1]),
        r#"{"level": "SOL_ALG", "type": "ALG_SET_OP", "op": "ALG_OP_ENCRYPT"}"#,
    );
    check(
        279,
        4,
        &numbers([12]),
        r#"{"level": "SOL_ALG", "type": "ALG_SET_AEAD_ASSOCLEN", "assoclen": 12}"#,
    );
}

#[test]
fn unknown_and_too_short() {
    check(99, -1, b"ab", r#"{"level": "0x63", "type": "0xffffffff", "len": 2, "data": "6162"}"#);
    let long = parse(271, 2, &[7; 100]);
    assert_eq!((&long["type"], &long["len"]), (&json!("TIPC_RETDATA"), &json!(100)));
    assert_eq!(long["data"].as_str().unwrap().len(), 64);
    for (level, r#type, len) in [
        (1, 2, 11),
        (1, 4, 3),
        (1, 29, 15),
        (1, 37, 47),
        (1, 40, 3),
        (1, 61, 7),
        (0, 8, 11),
        (0, 11, 15),
        (0, 2, 0),
        (41, 50, 19),
        (17, 103, 1),
        (282, 1, 0),
        (279, 2, 3),
        (279, 3, 3),
    ] {
        let entry = parse(level, r#type, &vec![1; len]);
        assert_eq!(entry["len"], len, "{entry}");
    }
    assert_eq!(parse(279, 2, &[5, 0, 0, 0, 1])["len"], 5, "an IV longer than its message");
}
