//! A client of server-sent events that sees every byte.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

use serde_json::Value;

use crate::live::{PATIENCE, Weir};

/// A stream.
pub struct Sse(BufReader<TcpStream>);

/// What it said.
#[derive(Debug)]
pub enum Said {
    Event(Value),
    Missed { missed: u64, unseen: u64 },
    Alive,
}

/// What came up to a moment.
#[derive(Debug, Default)]
pub struct Got {
    pub events: Vec<Value>,
    pub missed: u64,
    pub unseen: u64,
}

impl Sse {
    /// Asks for a stream, and reads the head of the answer, which must be 200.
    pub fn open(weir: &Weir, query: &str, headers: &[(&str, &str)]) -> Self {
        let host = weir.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // Version 1.0 has no chunks.
        let mut request =
            format!("GET /api/v1/events/stream?pipeline=own{query} HTTP/1.0\r\nhost: {host}\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{request}\r\n").as_bytes()).unwrap();
        let mut sse = Self(BufReader::new(stream));
        let status = sse.line();
        assert!(status.starts_with("HTTP/1.0 200 "), "{status}");
        let mut kind = String::new();
        loop {
            let line = sse.line();
            if line.is_empty() {
                break;
            }
            if let Some(found) = line.strip_prefix("content-type: ") {
                kind = found.to_owned();
            }
        }
        assert_eq!(kind, "text/event-stream");
        sse
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream ended");
        line.trim_end().to_owned()
    }

    /// The next thing that it says.
    pub fn next(&mut self) -> Said {
        let (mut id, mut kind, mut data) = (None, String::new(), String::new());
        loop {
            let line = self.line();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").unwrap_or((&line, ""));
            match name {
                "id" => id = Some(value.parse().unwrap()),
                "event" => kind = value.to_owned(),
                "data" => data = value.to_owned(),
                _ => assert!(name.starts_with(':'), "{line}"),
            }
        }
        let data = || serde_json::from_str::<Value>(&data).unwrap();
        match kind.as_str() {
            "event" => {
                let event = data();
                assert_eq!(id, event["seq"].as_u64());
                Said::Event(event)
            }
            "missed" => {
                let data = data();
                let number = |name: &str| data[name].as_u64().unwrap();
                Said::Missed { missed: number("missed"), unseen: number("unseen") }
            }
            kind => {
                assert_eq!(kind, "");
                Said::Alive
            }
        }
    }

    /// Reads until so many events were sent or missed.
    pub fn account_for(&mut self, events: u64) -> Got {
        let mut got = Got::default();
        while got.events.len() as u64 + got.missed < events {
            match self.next() {
                Said::Event(event) => got.events.push(event),
                Said::Missed { missed, unseen } => {
                    got.missed += missed;
                    got.unseen += unseen;
                }
                Said::Alive => {}
            }
        }
        assert_eq!(got.events.len() as u64 + got.missed, events, "more than there were");
        got
    }
}
