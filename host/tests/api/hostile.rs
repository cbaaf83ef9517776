//! Requests that no honest client sends. Whatever comes, an answer is a refusal in the API's form or a closed
//! connection, and who asks next is served.

use std::{
    io::{Read, Write},
    time::Instant,
};

use crate::{
    live::{PATIENCE, Weir},
    raw::{ask, connect, host, outcome},
};

/// Asserts that the host serves, and runs what it ran.
fn check_unharmed(weir: &Weir) {
    assert_eq!(weir.get("/healthz"), "ok");
    assert_eq!(weir.get("/api/v1/scripts/own")["state"], "running");
}

#[test]
fn requests_that_name_somebody_else() {
    let weir = Weir::start([] as [&str; 0]);
    let own = host(&weir).to_owned();
    let port = own.rsplit_once(':').unwrap().1;
    let check = |lines: &str, code: &str| {
        for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "POST", "OPTIONS", "TRACE", "BREW"]
        {
            for path in ["/api/v1/scripts/own", "/", "/healthz"] {
                let token = format!("authorization: Bearer {}\r\n", weir.token);
                let request =
                    format!("{method} {path} HTTP/1.1\r\n{lines}{token}connection: close\r\n\r\n");
                let (status, found) = outcome(&ask(&weir, &request));
                assert_eq!(status, 403, "{request}");
                if method != "HEAD" {
                    assert_eq!(found.as_deref(), Some(code), "{request}");
                }
            }
        }
    };
    for hosts in [
        "".to_owned(),
        "host:\r\n".to_owned(),
        "host: evil.example\r\n".to_owned(),
        format!("host: evil.example:{port}\r\n"),
        format!("host: {own}\r\nhost: evil.example\r\n"),
        format!("host: {own}\r\nhost: {own}\r\n"),
        format!("host: {own}, evil.example\r\n"),
        format!("host: {own}@evil.example:{port}\r\n"),
        format!("host: evil@{own}\r\n"),
        format!("host: localhost.evil.example:{port}\r\n"),
        format!("host: 2130706433:{port}\r\n"),
        format!("host: 127.1:{port}\r\n"),
        format!("host: 0x7f.0.0.1:{port}\r\n"),
        format!("host: 0.0.0.0:{port}\r\n"),
        format!("x-forwarded-host: {own}\r\nhost: evil.example\r\n"),
    ] {
        check(&hosts, "wrong_host");
    }
    for origin in [
        "http://evil.example".to_owned(),
        "null".to_owned(),
        "".to_owned(),
        format!("https://{own}"),
        format!("http://{own}.evil.example"),
        format!("http://evil.example/http://{own}"),
        format!("http://{own}/"),
        "http://localhost:1".to_owned(),
        format!("chrome-extension://{own}"),
    ] {
        check(&format!("host: {own}\r\norigin: {origin}\r\n"), "wrong_origin");
    }
    check(&format!("host: {own}\r\norigin: http://{own}\r\norigin: null\r\n"), "wrong_origin");
    for site in ["cross-site", "same-site"] {
        check(&format!("host: {own}\r\nsec-fetch-site: {site}\r\n"), "wrong_origin");
    }
    // The first line names another host than the header.
    let request =
        format!("GET http://evil.example/ HTTP/1.1\r\nhost: {own}\r\nconnection: close\r\n\r\n");
    assert_eq!(outcome(&ask(&weir, request)), (403, Some("wrong_host".to_owned())));
    // A link from elsewhere may be followed to the page, and to nothing else.
    let link = format!(
        "host: {own}\r\nsec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\nconnection: close\r\n\r\n"
    );
    assert_ne!(outcome(&ask(&weir, format!("GET / HTTP/1.1\r\n{link}"))).0, 403);
    assert_eq!(outcome(&ask(&weir, format!("GET /api/v1/status HTTP/1.1\r\n{link}"))).0, 403);
    check_unharmed(&weir);
    weir.stop();
}

#[test]
fn requests_that_are_malformed() {
    let weir = Weir::start([] as [&str; 0]);
    let own = host(&weir).to_owned();
    let token = format!("authorization: Bearer {}\r\n", weir.token);
    let long = "x".repeat(200_000);
    let many: String = (0..500).map(|number| format!("x-{number}: y\r\n")).collect();
    let put = format!("PUT /api/v1/scripts/x HTTP/1.1\r\nhost: {own}\r\n{token}");
    let malformed = [
        "\0\0\0\0".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03".to_owned(),
        format!("GET / HTTP/9.9\r\nhost: {own}\r\n\r\n"),
        format!("GET /{long} HTTP/1.1\r\nhost: {own}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: {own}\r\nx: {long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: {own}\r\n{many}\r\n"),
        format!("GET / HTTP/1.1\r\nhost: {own}\r\nx y: z\r\n\r\n"),
        format!("GET /\x07 HTTP/1.1\r\nhost: {own}\r\n\r\n"),
        format!("{put}content-length: -1\r\n\r\n"),
        format!("{put}content-length: 5\r\ncontent-length: 6\r\n\r\nhello"),
        format!("{put}content-length: 99999999999999999999999\r\n\r\n"),
        format!("{put}transfer-encoding: chunked\r\n\r\nzz\r\n"),
        format!("{put}transfer-encoding: gzip\r\n\r\nx"),
        format!(
            "{put}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n"
        ),
    ];
    for request in malformed {
        let (status, _) = outcome(&ask(&weir, &request));
        let begins: String = request.chars().take(100).collect();
        // Closed without an answer, or told that it is wrong.
        assert!(status == 0 || (400..500).contains(&status), "{status} to {begins:?}");
    }
    for (path, status) in [
        ("/../../etc/passwd", 404),
        ("/assets/../../../etc/passwd", 404),
        ("/..%2f..%2fetc%2fpasswd", 404),
        ("//etc/passwd", 404),
        ("/api/v1/../v1/status", 404),
        ("/%61pi/v1/status", 404),
        ("/api/v1/scripts/%ff", 400),
        ("/api/v1/scripts/%00", 404),
        ("/api/v1/tables/%ff/x", 400),
        ("/api/v1/events?limit=1&limit=2", 400),
        ("/api/v1/events?limit=99999999999999999999", 400),
        ("/api/v1/events?filter=%ff", 422),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {own}\r\nconnection: close\r\n\r\n");
        let answer = ask(&weir, &request);
        let (found, code) = outcome(&answer);
        assert_eq!(found, status, "{path}: {answer}");
        assert!(code.is_some(), "{path}: {answer}");
    }
    check_unharmed(&weir);
    weir.stop();
}

#[test]
fn filters_that_would_cost_much() {
    let weir = Weir::start([] as [&str; 0]);
    let deep = format!("{}fd == 1{}", "(".repeat(1500), ")".repeat(1500));
    let wide = vec!["fd == 1"; 400].join("||");
    let huge = "x".repeat(5000);
    for (filter, fits) in [(deep, false), (wide, true), (huge, false)] {
        let filter = crate::encode(&filter);
        let (status, answer) =
            weir.request("GET", &format!("/api/v1/events?filter={filter}"), &[], &[]);
        match fits {
            true => assert!([200, 422].contains(&status), "{status} {answer}"),
            false => assert_eq!((status, &answer["code"]), (422, &"bad_expression".into())),
        }
    }
    check_unharmed(&weir);
    weir.stop();
}

#[test]
fn uploads_that_are_too_large_are_not_taken() {
    let weir = Weir::start(["--script-bytes", "100000"]);
    let own = host(&weir).to_owned();
    let token = format!("authorization: Bearer {}\r\n", weir.token);
    let too_large = |path: &str, method: &str, code: &str| {
        let put = format!("{method} {path} HTTP/1.1\r\nhost: {own}\r\n{token}");
        // What says how large it is, is not waited for.
        let says = ask(&weir, format!("{put}content-length: 99999999999\r\n\r\n"));
        assert_eq!(outcome(&says), (413, Some(code.to_owned())), "{says}");
        // What does not, is cut off.
        let mut endless = format!("{put}transfer-encoding: chunked\r\n\r\n");
        endless += &format!("10000\r\n{}\r\n", "x".repeat(0x10000)).repeat(3);
        let answer = ask(&weir, endless);
        assert_eq!(outcome(&answer), (413, Some(code.to_owned())), "{answer}");
    };
    too_large("/api/v1/scripts/x", "PUT", "module_too_large");
    too_large("/api/v1/scripts/own", "PATCH", "body_too_large");
    too_large("/api/v1/scripts/own/limits", "PATCH", "body_too_large");
    // Without the token nothing is read at all.
    let request = format!(
        "PUT /api/v1/scripts/x HTTP/1.1\r\nhost: {own}\r\ncontent-length: 99999999999\r\n\r\n"
    );
    assert_eq!(outcome(&ask(&weir, request)), (401, Some("unauthorized".to_owned())));
    check_unharmed(&weir);
    weir.stop();
}

#[test]
fn who_is_slow_is_cut_off() {
    let weir = Weir::start([] as [&str; 0]);
    let own = host(&weir).to_owned();
    // One says nothing, one never ends its head, one never sends its body, one takes the next request's time.
    let put = format!(
        "PUT /api/v1/scripts/x HTTP/1.1\r\nhost: {own}\r\nauthorization: Bearer {}\r\n\
         content-length: 1000\r\n\r\nx",
        weir.token
    );
    let starts = [
        String::new(),
        format!("GET / HTTP/1.1\r\nhost: {own}\r\nx: "),
        put,
        format!("GET /healthz HTTP/1.1\r\nhost: {own}\r\n\r\n"),
    ];
    let mut slow: Vec<_> = starts
        .iter()
        .map(|start| {
            let mut stream = connect(&weir);
            stream.write_all(start.as_bytes()).unwrap();
            stream
        })
        .collect();
    let began = Instant::now();
    for (stream, start) in slow.iter_mut().zip(&starts) {
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        assert!(ended.is_ok() && began.elapsed() < PATIENCE, "{start:?} is not cut off: {ended:?}");
        let (status, _) = outcome(&String::from_utf8_lossy(&answer));
        assert!([0, 200, 408].contains(&status), "{status} to {start:?}");
    }
    check_unharmed(&weir);
    weir.stop();
}
