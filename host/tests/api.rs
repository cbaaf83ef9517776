//! The API over real connections: events by filter and place, streams, and who may ask what. Needs root.

mod calls;
mod guest;
mod live;

#[path = "api/answers.rs"]
mod answers;
#[path = "api/crowd.rs"]
mod crowd;
#[path = "api/events.rs"]
mod events;
#[path = "api/hostile.rs"]
mod hostile;
#[path = "api/raw.rs"]
mod raw;
#[path = "api/security.rs"]
mod security;
#[path = "api/sse.rs"]
mod sse;
#[path = "api/stream.rs"]
mod stream;

use std::{
    os::{fd::AsRawFd, unix::net::UnixDatagram},
    thread,
};

use calls::Message;
use live::{Weir, alone};
use serde_json::Value;

/// Makes so many sendmsg calls, in a thread of that name.
fn send(comm: &str, calls: usize) {
    let sending = move || {
        let (from, to) = UnixDatagram::pair().unwrap();
        let message = Message::of_parts(&[b"secret payload"]);
        for _ in 0..calls {
            assert_eq!(calls::sendmsg(from.as_raw_fd(), message.ptr(), 0).unwrap(), 14);
            to.recv(&mut [0; 16]).unwrap();
        }
    };
    thread::Builder::new().name(comm.to_owned()).spawn(sending).unwrap().join().unwrap();
}

/// The same, and waits until they are kept.
fn send_kept(weir: &Weir, comm: &str, calls: usize) {
    let before = kept(weir);
    send(comm, calls);
    live::wait_for("kept events", || (kept(weir) >= before + calls as u64).then_some(()));
}

/// Events that the pipeline `own` ever kept.
fn kept(weir: &Weir) -> u64 {
    live::row(live::pipeline(&weir.ledger(), "own"), "kept")
}

/// A part of an address's query.
fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Numbers of events.
fn seqs(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

#[track_caller]
fn check_refused((status, answer): (u16, Value), expected: u16, code: &str) -> String {
    assert_eq!((status, answer["code"].as_str()), (expected, Some(code)), "{answer}");
    answer["message"].as_str().unwrap().to_owned()
}
