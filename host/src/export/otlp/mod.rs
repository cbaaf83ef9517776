//! Metrics and log records to a collector, by OTLP over HTTP with Protobuf.

mod endpoint;
mod logs;
mod message;
mod points;
mod post;
mod record;

use std::{
    io,
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
    time::{Duration, Instant, SystemTime},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use prost::Message;

use self::{
    points::Starts,
    post::{Ended, Post},
};
use super::{
    follow::{Chosen, Following, follow},
    source::{Source, unix_ns},
    tally::Tally,
};
use crate::trust::NoRoots;

pub use endpoint::{Endpoint, EndpointError, Header, HeaderError};

/// How long the last metrics and records may take at the end of the process.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// What goes to which collector.
#[derive(Clone, Debug)]
pub struct OtlpSettings {
    /// Where it is.
    pub endpoint: Endpoint,
    /// What it is told with each request.
    pub headers: Vec<Header>,
    /// How often metrics are sent.
    pub interval: Duration,
    /// Whose kept events are sent as log records, if any.
    pub logs: Option<Chosen>,
}

/// The threads that send.
pub struct Otlp {
    /// Dropped to stop them.
    stop: Option<Sender<()>>,
    metrics: Receiver<()>,
    logs: Option<(Following, thread::JoinHandle<()>)>,
}

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// No encryption.
    #[error("--otlp: {0}")]
    Tls(#[from] NoRoots),
    /// No thread.
    #[error("cannot start the threads that send to a collector: {0}")]
    Thread(#[from] io::Error),
}

impl Otlp {
    /// Starts to send. `logs` is the account of log records, if any are sent.
    pub fn start(
        settings: &OtlpSettings,
        source: Arc<Source>,
        payload: bool,
        metrics: Arc<Tally>,
        logs: Option<Arc<Tally>>,
    ) -> Result<Self, OtlpError> {
        let OtlpSettings { endpoint, headers, interval, logs: chosen } = settings;
        let (stop, stopped) = bounded::<()>(0);
        let post = |url| Post::new(url, endpoint.is_secure(), headers.clone(), stopped.clone());
        let logs = match (chosen, logs) {
            (Some(chosen), Some(tally)) => {
                let (gather, thread) =
                    logs::start(post(endpoint.logs())?, stopped.clone(), payload, tally.clone())?;
                let pipelines = source.pipelines.clone();
                let following =
                    follow("weir-otlp-gather", pipelines, chosen.clone(), tally, gather)?;
                Some((following, thread))
            }
            _ => None,
        };
        let post = post(endpoint.metrics())?;
        let interval = *interval;
        let (end, ended) = bounded::<()>(0);
        thread::Builder::new().name("weir-otlp".to_owned()).spawn(move || {
            // It is dropped at the end, which is what is waited for.
            let _end = end;
            send_metrics(&source, &post, interval, &stopped, &metrics);
        })?;
        Ok(Self { stop: Some(stop), metrics: ended, logs })
    }

    /// Sends what there is, and ends; whether within the time for that.
    pub fn finish(mut self) -> bool {
        let deadline = Instant::now() + 2 * LAST_PATIENCE;
        // A request under way is not tried again from here on.
        self.stop = None;
        let mut in_time = true;
        if let Some((following, thread)) = self.logs {
            in_time &= following.finish(LAST_PATIENCE);
            while in_time && !thread.is_finished() {
                if Instant::now() >= deadline {
                    in_time = false;
                }
                thread::sleep(Duration::from_millis(5));
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let waited = self.metrics.recv_timeout(left);
        in_time && !matches!(waited, Err(RecvTimeoutError::Timeout))
    }
}

fn send_metrics(
    source: &Source,
    post: &Post,
    interval: Duration,
    stopped: &Receiver<()>,
    tally: &Tally,
) {
    let mut starts = Starts::new(unix_ns(source.started));
    let mut next = Instant::now() + interval;
    loop {
        let left = next.saturating_duration_since(Instant::now());
        let last = !matches!(stopped.recv_timeout(left), Err(RecvTimeoutError::Timeout));
        next = Instant::now() + interval;
        let deadline = if last { Instant::now() + LAST_PATIENCE } else { next };
        match source.read() {
            Ok(metrics) => {
                let now_ns = unix_ns(SystemTime::now());
                let requests = points::requests(&metrics, now_ns, &mut starts);
                drop(metrics);
                send(post, requests, deadline, tally);
            }
            Err(error) => tally.error(error.to_string()),
        }
        if last {
            return;
        }
    }
}

fn send(post: &Post, requests: Vec<(impl Message, u64)>, deadline: Instant, tally: &Tally) {
    let mut reachable = true;
    for (request, points) in requests {
        // What one request did not reach, the next would not either: with the next reading, which has all
        // of it, things may be better.
        let ended = if reachable {
            post.deliver(&request.encode_to_vec(), deadline, tally)
        } else {
            Ended::Failed
        };
        match ended {
            Ended::Taken(answer) => taken(&answer, points, tally),
            Ended::Refused => _ = tally.refused.fetch_add(points, Relaxed),
            Ended::Failed => {
                reachable = false;
                tally.failed.fetch_add(points, Relaxed);
            }
        }
    }
}

/// A collector may refuse a part of what it takes.
fn taken(answer: &[u8], points: u64, tally: &Tally) {
    let partial =
        ExportMetricsServiceResponse::decode(answer).ok().and_then(|answer| answer.partial_success);
    let (rejected, why) = partial.map_or((0, String::new()), |partial| {
        (u64::try_from(partial.rejected_data_points).unwrap_or(0), partial.error_message)
    });
    let rejected = rejected.min(points);
    tally.sent(points - rejected);
    if rejected > 0 {
        tally.refused.fetch_add(rejected, Relaxed);
        tally.error(format!("the collector rejects {rejected} points: {why}"));
    }
}
