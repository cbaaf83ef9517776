//! The kept events as they come: server-sent events. A client that is too slow, or a stream that
//! is too fast to be read, misses events and is told how many. Nobody waits for a client.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::State,
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    App,
    error::{Error, Params},
    events::kept,
};
use crate::pipeline::KeptBatch;

/// Most events that a client is sent in a second.
const EVENTS_PER_SECOND: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamParams {
    pipeline: Option<String>,
}

pub async fn stream(
    State(app): State<Arc<App>>,
    Params(query): Params<StreamParams>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Error> {
    let (next, live) = kept(&app, query.pipeline.as_deref())?.listen();
    let client = Client { live, next, missed: 0, second: Instant::now(), room: EVENTS_PER_SECOND };
    let messages = stream::unfold(client, |mut client| async {
        let messages = client.messages().await?;
        Some((stream::iter(messages.into_iter().map(Ok)), client))
    });
    Ok(Sse::new(messages.flatten()).keep_alive(KeepAlive::default()))
}

/// One listener.
struct Client {
    live: Receiver<KeptBatch>,
    /// How many events the pipeline had kept when this client last got one.
    next: u64,
    /// Events that it was not sent and not yet told of.
    missed: u64,
    second: Instant,
    /// Events that it may be sent in this second.
    room: usize,
}

impl Client {
    /// The next messages; none at the end.
    async fn messages(&mut self) -> Option<Vec<Event>> {
        loop {
            let kept = match self.live.recv().await {
                Ok(kept) => kept,
                // What was missed is seen from the next batch's number.
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return None,
            };
            if self.second.elapsed() >= Duration::from_secs(1) {
                (self.second, self.room) = (Instant::now(), EVENTS_PER_SECOND);
            }
            let KeptBatch { before, batch } = kept;
            let events = batch.heads.len();
            self.missed += before.saturating_sub(self.next);
            self.next = before + events as u64;
            let sent = events.min(self.room);
            self.room -= sent;
            let mut messages = Vec::with_capacity(sent + 1);
            for index in 0..sent {
                let seq = batch.heads[index].seq.to_string();
                let data = serde_json::to_string(&batch.event(index));
                let data = data.expect("an event is JSON: its keys are texts");
                messages.push(Event::default().event("event").id(seq).data(data));
            }
            self.missed += (events - sent) as u64;
            if self.missed > 0 && (sent > 0 || self.room == 0) {
                let data = json!({ "missed": self.missed }).to_string();
                messages.push(Event::default().event("missed").data(data));
                self.missed = 0;
            }
            if !messages.is_empty() {
                return Some(messages);
            }
        }
    }
}
