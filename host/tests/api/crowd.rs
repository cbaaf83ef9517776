//! Many clients at once.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;

use crate::{
    alone, encode, kept,
    live::{self, PATIENCE, Weir},
    send, send_kept,
    sse::Sse,
};

/// Lets this process open as many files as it may.
fn with_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

#[test]
fn a_thousand_idle_and_fifty_busy_streams() {
    const CALLS: u64 = 600;
    let _alone = alone();
    with_files();
    let weir = Weir::start([] as [&str; 0]);
    let filter = |comm: &str| format!("&filter={}", encode(&format!("process.comm == '{comm}'")));
    let open = |query: &str| Sse::open(&weir, query, &[]);
    let mut idle: Vec<_> = (0..1000).map(|_| open(&filter("api-wake"))).collect();
    let mut busy: Vec<_> = (0..25).map(|_| open("")).collect();
    let mut filtered: Vec<_> = (0..25).map(|_| open(&filter("api-busy"))).collect();
    let before = kept(&weir);
    send("api-busy", CALLS as usize);
    for stream in busy.iter_mut().chain(&mut filtered) {
        let got = stream.account_for(CALLS);
        assert_eq!((got.events.len() as u64, got.missed), (CALLS, 0));
    }
    // The idle ones are there still, and get what is for them, and nothing else.
    send_kept(&weir, "api-wake", 1);
    for stream in &mut idle {
        let got = stream.account_for(1);
        assert_eq!(got.events[0]["process"]["comm"], "api-wake");
    }
    let others = encode("process.comm != 'api-busy' && process.comm != 'api-wake'");
    let others = weir.get(&format!("/api/v1/events?pipeline=own&filter={others}"));
    assert_eq!(kept(&weir) - before, CALLS + 1, "{others}");
    let ledger = weir.stop();
    assert_eq!(ledger["ring_full"], 0, "{ledger}");
    assert_eq!(live::row(live::pipeline(&ledger, "own"), "queue_full"), 0, "{ledger}");
}

#[test]
fn connections_beyond_the_limit_are_told() {
    let weir = Weir::start(["--connections", "3"]);
    let mut held: Vec<_> = (0..3).map(|_| Sse::open(&weir, "", &[])).collect();
    let host = weir.url.strip_prefix("http://").unwrap();
    let ask = || {
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET /healthz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    for _ in 0..5 {
        let answer = ask();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!(body["code"], "too_many_connections");
    }
    held.pop();
    live::wait_for("room", || ask().starts_with("HTTP/1.1 200 ").then_some(()));
    drop(held);
    live::wait_for("room", || ask().starts_with("HTTP/1.1 200 ").then_some(()));
    weir.stop();
}
