//! One request to a collector, tried again where that may help.

use std::{
    fmt,
    io::Read,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use ureq::http::Request;

use super::endpoint::Header;
use crate::{
    export::tally::Tally,
    trust::{NoRoots, Trust},
};

/// How long one attempt may take, with all it consists of.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(5);
/// The pause after the first failure; it doubles up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(500);
/// See [`PAUSE`]. A collector may ask for a longer one, up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Most bytes of an answer that are read.
const ANSWER_BYTES: u64 = 64 << 10;

/// The way to one address of a collector.
pub struct Post {
    agent: ureq::Agent,
    url: String,
    headers: Vec<Header>,
    /// Closed when the process ends: nothing is waited for then.
    stop: Receiver<()>,
}

/// How a request ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was taken; the answer is in Protobuf.
    Taken(Vec<u8>),
    /// It was refused for good.
    Refused,
    /// It could not be delivered in time.
    Failed,
}

/// How one attempt ended.
enum Attempt {
    Ended(Ended),
    /// It may help to try again, after as long as the collector says.
    Again {
        why: String,
        after: Option<Duration>,
    },
}

impl Post {
    /// A way, which is not tried yet.
    pub fn new(
        url: String,
        secure: bool,
        headers: Vec<Header>,
        stop: Receiver<()>,
    ) -> Result<Self, NoRoots> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ATTEMPT))
            .timeout_connect(Some(CONNECT))
            // Headers with secrets are for this host alone.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = if secure { Trust::of_system().agent(config)? } else { config.into() };
        Ok(Self { agent, url, headers, stop })
    }

    /// Delivers a message before `deadline`, or gives up.
    pub fn deliver(&self, message: &[u8], deadline: Instant, tally: &Tally) -> Ended {
        let mut pause = PAUSE;
        loop {
            let (why, after) = match self.attempt(message, tally) {
                Attempt::Ended(ended) => return ended,
                Attempt::Again { why, after } => (why, after),
            };
            tally.error(why);
            // Those who wait for a collector that is back do not all come at once.
            let wait = after.unwrap_or(pause + pause.mul_f64(jitter())).min(LONGEST_PAUSE);
            if Instant::now() + wait >= deadline || self.stopped_within(wait) {
                return Ended::Failed;
            }
            pause = (pause * 2).min(LONGEST_PAUSE / 2);
            tally.retries.fetch_add(1, Relaxed);
        }
    }

    fn stopped_within(&self, wait: Duration) -> bool {
        !matches!(self.stop.recv_timeout(wait), Err(RecvTimeoutError::Timeout))
    }

    fn attempt(&self, message: &[u8], tally: &Tally) -> Attempt {
        let mut request = Request::post(&self.url).header("content-type", "application/x-protobuf");
        for Header { name, value } in &self.headers {
            request = request.header(name, value);
        }
        let again = |why: &dyn fmt::Display| Attempt::Again { why: why.to_string(), after: None };
        let request = match request.body(message) {
            Ok(request) => request,
            Err(error) => return again(&error),
        };
        let mut response = match self.agent.run(request) {
            Ok(response) => response,
            Err(error) => return again(&error),
        };
        let status = response.status();
        let after = response.headers().get("retry-after");
        let after = after.and_then(|after| after.to_str().ok()?.trim().parse().ok());
        let mut answer = Vec::new();
        let read = response.body_mut().as_reader().take(ANSWER_BYTES).read_to_end(&mut answer);
        match status.as_u16() {
            // Whatever it goes on to say, it has taken the message.
            200..=299 => Attempt::Ended(Ended::Taken(answer)),
            429 | 502 | 503 | 504 => Attempt::Again {
                why: format!("the collector answers {status}"),
                after: after.map(Duration::from_secs),
            },
            _ => {
                let said = if read.is_ok() { said(&answer) } else { String::new() };
                tally.error(format!("the collector answers {status}{said}"));
                Attempt::Ended(Ended::Refused)
            }
        }
    }
}

/// The beginning of an answer that is text.
fn said(answer: &[u8]) -> String {
    match std::str::from_utf8(answer) {
        Ok(text) if !text.trim().is_empty() => {
            let plain = |c: char| if c.is_control() { ' ' } else { c };
            let text: String = text.trim().chars().take(200).map(plain).collect();
            format!(": {text}")
        }
        _ => String::new(),
    }
}

/// Some number from 0 to 1.
fn jitter() -> f64 {
    f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX)
}
