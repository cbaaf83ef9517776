//! scripts/dns, in Go.

use weir_sdk::testing::Call;

use crate::script::Script;

/// Id, flags of a query, one question.
const HEADER: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0";
const STREAM: u16 = 1;
const DATAGRAM: u16 = 2;

fn query(question: &[u8]) -> Vec<u8> {
    [HEADER, question].concat()
}

fn example() -> Vec<u8> {
    query(b"\x07Example\x03com\0\0\x01\0\x01")
}

#[test]
fn questions_by_every_way_to_a_name_server() {
    let mut script = Script::start("dns", &[]);
    let message = example();
    let over_tcp = [&(message.len() as u16).to_be_bytes()[..], &message].concat();
    let did = script.batch(&[
        Call::new().comm("curl").to("127.0.0.1:53").payload(&message),
        Call::new().comm("curl").to("[2001:db8::1]:53").payload(&message),
        Call::new().comm("dig").socket(2, DATAGRAM, 17).peer("127.0.0.53:53").payload(&message),
        Call::new().comm("dig").socket(10, STREAM, 6).peer("[::1]:53").payload(&over_tcp),
        Call::new().comm("dig").to("127.0.0.1:53").payload(&query(b"\0\0\x02\0\x01")),
        Call::new().comm("dig").to("127.0.0.1:53").payload(&query(b"\x01x\0\x12\x34\0\x01")),
        Call::new()
            .comm("dig")
            .to("127.0.0.1:53")
            .payload(&query(b"\x03a.b\x01\xff\0\0\x1c\0\x01")),
    ]);
    assert_eq!(did.kept(), [true; 7]);
    for event in 0..4 {
        assert_eq!(did.attrs(event), ["dns.name=example.com", "dns.type=A"], "{event}");
    }
    assert_eq!(did.attrs(4), ["dns.name=.", "dns.type=NS"]);
    assert_eq!(did.attrs(5), ["dns.name=x", "dns.type=TYPE4660"]);
    assert_eq!(did.attrs(6), [r"dns.name=a\046b.\255", "dns.type=AAAA"]);
    script.check(
        "questions",
        &[
            ("curl / example.com / A", 2),
            ("dig / . / NS", 1),
            (r"dig / a\046b.\255 / AAAA", 1),
            ("dig / example.com / A", 2),
            ("dig / x / TYPE4660", 1),
        ],
    );
}

#[test]
fn what_is_no_question_is_kept_unless_only_those_are_asked_for() {
    let message = example();
    let to = |payload: &[u8]| Call::new().to("127.0.0.1:53").payload(payload);
    let mut calls = vec![
        Call::new().to("127.0.0.1:53"),
        Call::new().to("127.0.0.1:5353").payload(&message),
        Call::new().to_unix("/run/x").payload(&message),
        // A response; two questions; a pointer; another class; a label and a name that are too long.
        to(&[&b"\x12\x34\x81\x80"[..], &message[4..]].concat()),
        to(&[&b"\x12\x34\x01\0\0\x02"[..], &message[6..]].concat()),
        to(&query(b"\xc0\x0c\0\x01\0\x01")),
        to(&query(b"\x01x\0\0\x01\0\x03")),
        to(&query(&[&[64][..], &[b'x'; 64], b"\0\0\x01\0\x01"].concat())),
        to(&query(&[&[&[63][..], &[b'x'; 63]].concat().repeat(5)[..], b"\0\0\x01\0\x01"].concat())),
        // Over TCP the length may come by itself.
        Call::new().socket(2, STREAM, 6).peer("127.0.0.1:53").payload(&[0, 29]),
    ];
    // However it is cut.
    calls.extend((0..message.len()).map(|end| to(&message[..end])));
    let mut script = Script::start("dns", &[]);
    let did = script.batch(&calls);
    assert!(did.0.iter().all(|(kept, attrs)| *kept && attrs.is_empty()), "{did:?}");
    script.check("questions", &[]);
    let mut only = Script::start("dns", &[("only", "yes")]);
    calls.push(to(&message));
    let kept = only.batch(&calls).kept();
    assert!(kept.iter().enumerate().all(|(event, kept)| *kept == (event + 1 == calls.len())));
    let refused = Script::try_start("dns", &[("only", "maybe")]).err().unwrap();
    assert!(refused.contains("maybe"), "{refused}");
}
