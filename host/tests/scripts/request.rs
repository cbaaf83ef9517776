//! Requests that are refused.

use serde_json::Value;

use crate::{
    check_unharmed,
    guest::{self, KEEP},
    with_two_pipelines,
};

fn check((status, answer): (u16, Value), expected_status: u16, code: &str) {
    assert_eq!((status, answer["code"].as_str()), (expected_status, Some(code)), "{answer}");
    let message = answer["message"].as_str().unwrap();
    assert!(!message.is_empty() && !message.contains('\n'), "{message:?}");
}

#[test]
fn changes_without_the_token() {
    let (weir, _folder) = with_two_pipelines(&[]);
    let module = guest::script(KEEP);
    let wrong = ["Bearer", "Bearer ", "Bearer x", "Basic x", &weir.token.clone(), "bearer"];
    for (method, body) in
        [("PUT", &module[..]), ("PATCH", br#"{"enabled": false}"#), ("DELETE", b"")]
    {
        let path = "/api/v1/scripts/keep";
        check(weir.request(method, path, &[], body), 401, "unauthorized");
        for token in wrong {
            let headers = [("authorization", token), ("content-type", "application/json")];
            check(weir.request(method, path, &headers, body), 401, "unauthorized");
        }
        let shorter = format!("Bearer {}", &weir.token[1..]);
        check(
            weir.request(method, path, &[("authorization", &shorter)], body),
            401,
            "unauthorized",
        );
    }
    check_unharmed(&weir);
    weir.stop();
}

#[test]
fn requests_of_other_sites() {
    let (weir, _folder) = with_two_pipelines(&[]);
    let bearer = format!("Bearer {}", weir.token);
    let module = guest::script(KEEP);
    let path = "/api/v1/scripts/keep";
    let port = weir.url.rsplit_once(':').unwrap().1;
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        "127.0.0.1:1",
        &format!("192.0.2.1:{port}"),
    ] {
        check(weir.request("GET", path, &[("host", host)], &[]), 403, "wrong_host");
        let headers = [("host", host), ("authorization", bearer.as_str())];
        check(weir.request("PUT", path, &headers, &module), 403, "wrong_host");
    }
    for origin in
        ["http://evil.example", "null", &format!("https://127.0.0.1:{port}"), "http://127.0.0.1:1"]
    {
        check(weir.request("GET", path, &[("origin", origin)], &[]), 403, "wrong_origin");
        let headers = [("origin", origin), ("authorization", bearer.as_str())];
        check(weir.request("PUT", path, &headers, &module), 403, "wrong_origin");
        check(weir.request("DELETE", path, &headers, &[]), 403, "wrong_origin");
    }
    for own in [&weir.url, &format!("http://localhost:{port}")] {
        let (status, answer) = weir.request("GET", path, &[("origin", own)], &[]);
        assert_eq!(status, 200, "{answer}");
    }
    check_unharmed(&weir);
    weir.stop();
}

#[test]
fn what_is_not_there() {
    let (weir, _folder) = with_two_pipelines(&[]);
    for path in ["/api/v1/scripts/none", "/api/v1/scripts/none/logs"] {
        check(weir.request("GET", path, &[], &[]), 404, "unknown_script");
    }
    check(weir.change("DELETE", "/api/v1/scripts/none", &[]), 404, "unknown_script");
    let patch = br#"{"enabled": false}"#;
    check(weir.change("PATCH", "/api/v1/scripts/none", patch), 404, "unknown_script");
    for path in ["/api/v1/tables/keep/none", "/api/v1/tables/none/none"] {
        check(weir.request("GET", path, &[], &[]), 404, "unknown_table");
    }
    for path in ["/api/v1/events?pipeline=none", "/api/v1/events/stream?pipeline=none"] {
        check(weir.request("GET", path, &[], &[]), 404, "unknown_pipeline");
    }
    check(weir.request("GET", "/api/v1/none", &[], &[]), 404, "not_found");
    check(weir.change("POST", "/api/v1/scripts", b"x"), 405, "method_not_allowed");
    check(weir.change("DELETE", "/api/v1/ledger", &[]), 405, "method_not_allowed");
    check_unharmed(&weir);
    weir.stop();
}

#[test]
fn parameters_that_make_no_sense() {
    let (weir, _folder) = with_two_pipelines(&[]);
    for query in [
        "events?limit=many",
        "events?limit=-1",
        "events?before=x",
        "events?colour=red",
        "events/stream?limit=1",
        "scripts/keep/logs?limit=x",
        "tables/keep/x?sort=colour",
        "tables/keep/x?order=up",
        "tables/keep/x?limit=x",
    ] {
        check(weir.request("GET", &format!("/api/v1/{query}"), &[], &[]), 400, "bad_parameter");
    }
    let module = guest::script(KEEP);
    for query in ["params=%7B", "params=%5B%5D", "params=%7B%22a%22%3A1%7D", "colour=red"] {
        check(weir.put(&format!("keep?{query}"), &module), 400, "bad_parameter");
    }
    for body in [&b"{"[..], b"[]", b"{}", br#"{"enabled": "yes"}"#, br#"{"colour": "red"}"#] {
        check(weir.change("PATCH", "/api/v1/scripts/keep", body), 400, "bad_parameter");
    }
    for name in
        [".hidden", "a%20b", "a%2Fb", &"x".repeat(65), "keep?pipeline=a%20b", "new?pipeline="]
    {
        check(weir.put(name, &module), 400, "bad_name");
    }
    check(weir.put("keep?pipeline=other", &module), 409, "conflict");
    check_unharmed(&weir);
    weir.stop();
}
