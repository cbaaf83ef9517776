//! Requests byte by byte, right or wrong.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::Value;

use crate::live::{PATIENCE, Weir};

/// What stands in a `Host` header.
pub fn host(weir: &Weir) -> &str {
    weir.url.strip_prefix("http://").unwrap()
}

/// A connection.
pub fn connect(weir: &Weir) -> TcpStream {
    let stream = TcpStream::connect(host(weir)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// All that comes back until the connection is closed.
pub fn ask(weir: &Weir, request: impl AsRef<[u8]>) -> String {
    let mut stream = connect(weir);
    // What is refused may be closed before all of it is sent.
    _ = stream.write_all(request.as_ref());
    let mut answer = Vec::new();
    // The rest of a refused request makes a reset of the end.
    _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of an answer, and the code in its body, if there is one.
pub fn outcome(answer: &str) -> (u16, Option<String>) {
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    (status.unwrap_or(0), body["code"].as_str().map(str::to_owned))
}
