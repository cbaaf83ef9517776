//! Kept events to a collector: gathered on one thread, delivered on another, with a bounded queue between.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, unbounded};
use opentelemetry_proto::tonic::{
    collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
};
use prost::Message;

use super::{
    message,
    post::{Ended, Post},
    record::record,
};
use crate::{
    decode::Batch,
    export::{follow::Sink, tally::Tally},
};

/// Records of one request.
const RECORDS: usize = 512;
/// Most bytes of requests that wait.
const QUEUE_BYTES: u64 = 16 << 20;
/// How long a request is tried.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same at the end of the process.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// A request that waits.
struct Waiting {
    bytes: Vec<u8>,
    records: u64,
}

/// Makes records of events.
pub struct Gather {
    records: Vec<LogRecord>,
    payload: bool,
    queue: Sender<Waiting>,
    queued_bytes: Arc<std::sync::atomic::AtomicU64>,
    tally: Arc<Tally>,
}

/// Starts the thread that delivers. It ends when what gathers is gone and the queue is empty.
pub fn start(
    post: Post,
    stop: Receiver<()>,
    payload: bool,
    tally: Arc<Tally>,
) -> std::io::Result<(Gather, thread::JoinHandle<()>)> {
    let (queue, waiting) = unbounded();
    let queued_bytes = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let gather = Gather {
        records: Vec::new(),
        payload,
        queue,
        queued_bytes: queued_bytes.clone(),
        tally: tally.clone(),
    };
    let thread = thread::Builder::new().name("weir-otlp-logs".to_owned()).spawn(move || {
        let mut last = None;
        for Waiting { bytes, records } in waiting {
            let stopping = stop.try_recv() != Err(crossbeam_channel::TryRecvError::Empty);
            let deadline = if stopping {
                *last.get_or_insert_with(|| Instant::now() + LAST_PATIENCE)
            } else {
                Instant::now() + PATIENCE
            };
            let ended = if Instant::now() < deadline {
                post.deliver(&bytes, deadline, &tally)
            } else {
                Ended::Failed
            };
            queued_bytes.fetch_sub(bytes.len() as u64, Relaxed);
            tally.queued.fetch_sub(records, Relaxed);
            match ended {
                Ended::Taken(answer) => taken(&answer, records, &tally),
                Ended::Refused => _ = tally.refused.fetch_add(records, Relaxed),
                Ended::Failed => _ = tally.failed.fetch_add(records, Relaxed),
            }
        }
    })?;
    Ok((gather, thread))
}

/// A collector may refuse a part of what it takes.
fn taken(answer: &[u8], records: u64, tally: &Tally) {
    let partial =
        ExportLogsServiceResponse::decode(answer).ok().and_then(|answer| answer.partial_success);
    let (rejected, why) = partial.map_or((0, String::new()), |partial| {
        (u64::try_from(partial.rejected_log_records).unwrap_or(0), partial.error_message)
    });
    let rejected = rejected.min(records);
    tally.sent(records - rejected);
    if rejected > 0 {
        tally.refused.fetch_add(rejected, Relaxed);
        tally.error(format!("the collector rejects {rejected} records: {why}"));
    }
}

impl Gather {
    fn flush(&mut self) {
        if self.records.is_empty() {
            return;
        }
        let records = self.records.len() as u64;
        let scope_logs = ScopeLogs {
            scope: Some(message::scope()),
            log_records: std::mem::take(&mut self.records),
            ..ScopeLogs::default()
        };
        let resource_logs = ResourceLogs {
            resource: Some(message::resource()),
            scope_logs: vec![scope_logs],
            ..ResourceLogs::default()
        };
        let request = ExportLogsServiceRequest { resource_logs: vec![resource_logs] };
        let bytes = request.encode_to_vec();
        let len = bytes.len() as u64;
        // Nobody else adds to it.
        if self.queued_bytes.load(Relaxed) + len > QUEUE_BYTES {
            self.tally.queue_full.fetch_add(records, Relaxed);
            return;
        }
        self.queued_bytes.fetch_add(len, Relaxed);
        self.tally.queued.fetch_add(records, Relaxed);
        if self.queue.send(Waiting { bytes, records }).is_err() {
            self.tally.failed.fetch_add(records, Relaxed);
        }
    }
}

impl Sink for Gather {
    fn take(&mut self, pipeline: &str, batch: &Batch) {
        for index in 0..batch.heads.len() {
            self.records.push(record(pipeline, batch, index, self.payload));
            if self.records.len() == RECORDS {
                self.flush();
            }
        }
    }

    fn tick(&mut self) {
        self.flush();
    }

    fn end(&mut self) {
        self.flush();
    }
}
