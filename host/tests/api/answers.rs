//! How answers come: tagged, compressed, described.

use std::fs;

use serde_json::Value;

use crate::{
    live::Weir,
    raw::{ask, host},
};

fn get(weir: &Weir, path: &str, headers: &str) -> String {
    let host = host(weir);
    ask(weir, format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{headers}connection: close\r\n\r\n"))
}

/// A header of an answer.
fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next().unwrap();
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[test]
fn what_is_known_is_not_sent_again() {
    let weir = Weir::start([] as [&str; 0]);
    for path in ["/api/v1/loads", "/api/v1/tables", "/api/v1/openapi.json"] {
        let first = get(&weir, path, "");
        assert!(first.starts_with("HTTP/1.1 200 "), "{first}");
        let tag = header(&first, "etag").unwrap();
        assert!(tag.starts_with("W/\""), "{tag}");
        for known in [tag, &format!("\"other\", {tag}"), "*"] {
            let again = get(&weir, path, &format!("if-none-match: {known}\r\n"));
            assert!(again.starts_with("HTTP/1.1 304 ") && again.ends_with("\r\n\r\n"), "{again}");
            assert_eq!(header(&again, "etag"), Some(tag));
        }
        let again = get(&weir, path, "if-none-match: W/\"other\"\r\n");
        assert!(again.starts_with("HTTP/1.1 200 "), "{again}");
    }
    let events = get(&weir, "/api/v1/events", "");
    assert_eq!(header(&events, "cache-control"), Some("no-store"), "{events}");
    weir.stop();
}

#[test]
fn answers_are_compressed_and_streams_are_not() {
    let _alone = crate::alone();
    let weir = Weir::start([] as [&str; 0]);
    for encoding in ["gzip", "zstd"] {
        let accept = format!("accept-encoding: {encoding}\r\n");
        let plain = get(&weir, "/api/v1/openapi.json", "");
        let short = get(&weir, "/api/v1/openapi.json", &accept);
        assert_eq!(header(&short, "content-encoding"), Some(encoding));
        assert_eq!(header(&short, "etag"), header(&plain, "etag"));
        // Bytes that are no text count threefold here.
        assert!(short.len() < plain.len(), "{} of {}", short.len(), plain.len());
    }
    let accept = [("accept-encoding", "gzip")];
    // It reads lines, so they must be readable.
    let mut stream = crate::sse::Sse::open(&weir, "", &accept);
    crate::send("api-one", 1);
    assert_eq!(stream.account_for(1).events.len(), 1);
    weir.stop();
}

#[test]
fn the_description_is_that_of_the_documents() {
    let weir = Weir::start([] as [&str; 0]);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(weir.get("/api/v1/openapi.json"), file);
    weir.stop();
}
