//! The kept events as they come: server-sent events. Each stream is a place in what the pipeline keeps, so a
//! client that reads slowly costs no more than the frame that it is being sent: it falls behind, misses what
//! the pipeline keeps no longer, and is told how many. Nobody waits for a client.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;

use super::{
    App,
    error::{Error, Params},
    events::kept,
    feed::Feed,
    filter::Filter,
};
use crate::pipeline::{Kept, KeptBatch};

/// Most events that a client is sent in a second, once it has what it missed while it was away.
const EVENTS_PER_SECOND: u32 = 1000;
/// Events that the filters of all streams of a pipeline are held against in a second, and that each may be in
/// any case. What is beyond that is missed: filters are not to take the processor from what they watch.
const LOOKS_PER_SECOND: u32 = 500_000;
const LEAST_LOOKS: u32 = 2 * EVENTS_PER_SECOND;
/// A frame is sent when it is as long as that. It is what a client that does not read costs.
const FRAME_BYTES: usize = 32 << 10;
/// A stream without events says so often that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StreamParams {
    /// The first one if left out.
    pipeline: Option<String>,
    /// A filter as in docs/expressions.md: `error != null`.
    filter: Option<String>,
    /// Go on behind this event; the header `Last-Event-ID`, of who was here before, comes first.
    after: Option<u64>,
}

/// Kept events as they come, as server-sent events: `event` and `missed`.
#[utoipa::path(get, path = "/api/v1/events/stream",
    params(StreamParams, ("last-event-id" = Option<u64>, Header, description = "Go on behind this event.")),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub async fn stream(
    State(app): State<Arc<App>>,
    Params(query): Params<StreamParams>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let kept = kept(&app, query.pipeline.as_deref())?;
    let filter = Filter::new(&app, query.filter.as_deref())?;
    let after = last_event_id(&headers)?.or(query.after);
    let client = Client::new(&app, &kept, filter, after);
    let frames = stream::unfold(client, |mut client| async {
        let frame = client.frame().await?;
        Some((Ok::<_, std::convert::Infallible>(frame), client))
    });
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(([kind], Body::from_stream(frames)).into_response())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Error> {
    let Some(id) = headers.get("last-event-id").filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    let number = id.to_str().ok().and_then(|id| id.parse().ok());
    number.map(Some).ok_or_else(|| {
        Error::bad_parameter("the header Last-Event-ID is no `id` that a stream of this host sent")
    })
}

/// One listener.
struct Client {
    feed: Arc<Feed>,
    beat: watch::Receiver<u64>,
    filter: Filter,
    show_payload: bool,
    /// The place of the next event.
    next: u64,
    /// Up to here there is no limit on how many are sent: it is what was missed while away.
    catch_up: u64,
    /// Number of the last event that was looked at.
    last_seq: Option<u64>,
    missed: Missed,
    /// Events that it may be sent, and that its filter may be held against.
    room: Allowance,
    looks: Allowance,
}

/// Events that a client was not sent and not yet told of.
#[derive(Default)]
struct Missed {
    /// All of them.
    events: u64,
    /// Those of them that no filter was held against.
    unseen: u64,
}

/// What may be done by now of what may be done in a second.
struct Allowance {
    left: u32,
    since: Instant,
}

impl Allowance {
    fn new(per_second: u32) -> Self {
        Self { left: per_second, since: Instant::now() }
    }

    /// Adds what came with the time, up to a second's worth.
    fn refill(&mut self, per_second: u32) {
        let rate = f64::from(per_second);
        let more = (self.since.elapsed().as_secs_f64() * rate) as u32;
        self.since += Duration::from_secs_f64(f64::from(more) / rate);
        self.left = self.left.saturating_add(more).min(per_second);
    }
}

impl Client {
    fn new(app: &App, kept: &Arc<Kept>, filter: Filter, after: Option<u64>) -> Self {
        let feed = app.feeds.of(kept);
        let (beat, end) = (feed.listen(), kept.end());
        if !filter.is_empty() {
            feed.filtered.fetch_add(1, Relaxed);
        }
        Self {
            beat,
            filter,
            show_payload: app.show_payload,
            next: after.map_or(end, |seq| kept.behind(seq)),
            catch_up: end,
            last_seq: None,
            missed: Missed::default(),
            room: Allowance::new(EVENTS_PER_SECOND),
            looks: Allowance::new(LOOKS_PER_SECOND),
            feed,
        }
    }

    /// The next part of the stream; none at its end.
    async fn frame(&mut self) -> Option<Bytes> {
        let mut frame = Vec::new();
        loop {
            let end = (*self.beat.borrow_and_update()).max(self.catch_up);
            while self.next < end && frame.len() < FRAME_BYTES {
                let Some(batch) = self.feed.kept.upgrade()?.at(self.next) else { break };
                self.read(&batch, &mut frame);
                // Others are to be served while a filter looks for something to fit.
                tokio::task::yield_now().await;
            }
            self.missed.tell(&mut frame);
            if !frame.is_empty() {
                return Some(frame.into());
            }
            match tokio::time::timeout(KEEP_ALIVE, self.beat.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some(self.alive()),
            }
        }
    }

    /// What is sent for want of events; who comes back need not have again what did not fit.
    fn alive(&self) -> Bytes {
        match self.last_seq {
            Some(seq) => format!("id: {seq}\n: \n\n").into(),
            None => Bytes::from_static(b": \n\n"),
        }
    }

    /// Reads on in a batch, as far as one frame goes.
    fn read(&mut self, batch: &KeptBatch, frame: &mut Vec<u8>) {
        let gone = batch.before.saturating_sub(self.next);
        self.missed.add_unseen(gone, &self.filter);
        self.next += gone;
        self.room.refill(EVENTS_PER_SECOND);
        let sharing = self.feed.filtered.load(Relaxed).max(1) as u32;
        self.looks.refill((LOOKS_PER_SECOND / sharing).max(LEAST_LOOKS));
        while self.next < batch.end() && frame.len() < FRAME_BYTES {
            self.step(batch, frame);
        }
    }

    /// Sees to the next event of a batch, or to all that are left of it.
    fn step(&mut self, kept: &KeptBatch, frame: &mut Vec<u8>) {
        let KeptBatch { before, batch } = kept;
        let index = (self.next - before) as usize;
        let left = kept.end() - self.next;
        let free = self.next < self.catch_up;
        let has_filter = !self.filter.is_empty();
        if has_filter && self.looks.left == 0 || !has_filter && !free && self.room.left == 0 {
            self.missed.add_unseen(left, &self.filter);
            self.next += left;
            return;
        }
        self.next += 1;
        self.last_seq = Some(batch.heads[index].seq);
        if has_filter {
            self.looks.left -= 1;
            if !self.filter.fits(batch, index) {
                return;
            }
        }
        if free {
            frame.extend_from_slice(&self.feed.write(batch, index, self.show_payload));
        } else if self.room.left > 0 {
            self.room.left -= 1;
            frame.extend_from_slice(&self.feed.write(batch, index, self.show_payload));
        } else {
            self.missed.events += 1;
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if !self.filter.is_empty() {
            self.feed.filtered.fetch_sub(1, Relaxed);
        }
    }
}

impl Missed {
    /// Adds events that nobody looked at.
    fn add_unseen(&mut self, events: u64, filter: &Filter) {
        self.events += events;
        if !filter.is_empty() {
            self.unseen += events;
        }
    }

    /// Tells of them, if there are any.
    fn tell(&mut self, frame: &mut Vec<u8>) {
        let Self { events, unseen } = std::mem::take(self);
        if events > 0 {
            let data = json!({ "missed": events, "unseen": unseen });
            frame.extend_from_slice(format!("event: missed\ndata: {data}\n\n").as_bytes());
        }
    }
}
