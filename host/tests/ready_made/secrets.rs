//! scripts/secrets, in Zig.

use weir_sdk::testing::Call;

use crate::script::Script;

const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

#[test]
fn secrets_are_found_and_shown_redacted() {
    let found = [
        (
            "GET / HTTP/1.1\r\nAuthorization: Basic dXNlcjpwYXNz\r\n",
            "authorization",
            "Authorization: Basic ",
        ),
        ("authorization: BEARER abc", "authorization", "authorization: BEARER "),
        ("user=a&password=hunter2&x=1", "password", "password="),
        ("PASSWD=x", "password", "PASSWD="),
        (r#"{"password":"hunter2"}"#, "password", r#""password":""#),
        (r#"{"password": "hunter2"}"#, "password", r#""password": ""#),
        ("api_key=1", "token", "api_key="),
        ("?access_token=abc", "token", "access_token="),
        ("key AKIAIOSFODNN7EXAMPLE.", "aws access key", "AKIA"),
        (TOKEN, "github token", "ghp_"),
        ("-----BEGIN PRIVATE KEY-----\nMII", "private key", "-----BEGIN PRIVATE KEY-----"),
        ("x -----BEGIN RSA PRIVATE KEY-----", "private key", "-----BEGIN RSA PRIVATE KEY-----"),
        ("a\0b\u{ff}password=x\0", "password", "password="),
        // The first of several.
        ("passwd=a api_key=b", "password", "passwd="),
    ];
    let mut script = Script::start("secrets", &[]);
    let calls: Vec<_> =
        found.iter().map(|(payload, ..)| Call::new().payload(payload.as_bytes())).collect();
    let did = script.batch(&calls);
    for (event, (payload, kind, shown)) in found.iter().enumerate() {
        let expected = [format!("secret={kind}"), format!("secret.shown={shown}********")];
        assert_eq!(did.attrs(event), expected, "{payload}");
    }
    assert_eq!(did.kept(), [true; 14]);
    script.check(
        "secrets",
        &[
            ("test / authorization", 2),
            ("test / aws access key", 1),
            ("test / github token", 1),
            ("test / password", 6),
            ("test / private key", 2),
            ("test / token", 2),
        ],
    );
}

#[test]
fn what_only_looks_like_a_secret_is_dropped() {
    let payloads = [
        "",
        "p",
        "password",
        "password=",
        "password=&user=a",
        r#""password":"""#,
        "authorization: basic \r\n",
        "Authorization: Digest username",
        // One character too few; in the middle of a word; in the wrong case; no such characters.
        "AKIAIOSFODNN7EXAMPL",
        "maAKIAIOSFODNN7EXAMPLE",
        "Akiabarra is a dolphin of the river",
        "akia-is-no-access-key-of-aws",
        &TOKEN[..39],
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY----",
    ];
    let mut script = Script::start("secrets", &[]);
    let mut calls: Vec<_> =
        payloads.iter().map(|payload| Call::new().payload(payload.as_bytes())).collect();
    calls.push(Call::new().payload(&[b'p'; 4096]));
    calls.push(Call::new().payload(&(0..=255).collect::<Vec<u8>>()));
    let did = script.batch(&calls);
    for ((kept, attrs), call) in did.0.iter().zip(&calls) {
        assert!(!kept && attrs.is_empty(), "{call:?}");
    }
    // A payload that lies outside of the heap is none.
    let call = Call::new().payload(b"password=x");
    let beyond = script.batch_with(&[call], |heads| heads[0].payload.len += 1);
    assert_eq!(beyond.kept(), [false]);
    script.check("secrets", &[]);
}
