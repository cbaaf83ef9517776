//! The kept events.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    App,
    error::{Error, Params, Path},
    filter::Filter,
    past::Past,
};
use crate::{
    decode::{Batch, Event},
    pipeline::Kept,
    store::Error as StoreError,
};

/// Events in one answer, unless asked for otherwise.
const EVENTS: usize = 100;
/// Most events in one answer.
const MOST_EVENTS: usize = 10_000;
/// Events that a filter is held against between two looks at what is kept.
const LOOK: usize = 16_384;
/// Events that one answer's filter is held against at most, about: the next page goes on from there.
const MOST_LOOKED_AT: usize = 1_000_000;

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventParams {
    /// The first one if left out.
    pipeline: Option<String>,
    /// Most events; 100 if left out.
    #[serde(default = "some_events")]
    #[param(value_type = Option<usize>)]
    limit: usize,
    /// Only events with a number below.
    before: Option<u64>,
    /// Only events with a number above.
    after: Option<u64>,
    /// A filter as in docs/expressions.md: `error != null`.
    filter: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfPipeline {
    /// The first one if left out.
    pipeline: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = EventPage)]
pub struct Page<'a> {
    /// Newest first, each as docs/api.md has it.
    events: Vec<Event<'a>>,
    /// The `before` of the next page, if there is one. A page with a filter may have fewer events than asked
    /// for, or none, and yet a next one.
    next_before: Option<u64>,
}

fn some_events() -> usize {
    EVENTS
}

/// Kept events, newest first.
#[utoipa::path(get, path = "/api/v1/events", params(EventParams),
    responses((status = 200, body = Page)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Params(query): Params<EventParams>,
) -> Result<Response, Error> {
    let past = Past::of(&app, query.pipeline.as_deref())?;
    let mut filter = Filter::new(&app, query.filter.as_deref())?;
    let wanted = Wanted {
        limit: query.limit.min(MOST_EVENTS),
        before: query.before.unwrap_or(u64::MAX),
        after: query.after,
    };
    let show_payload = app.show_payload;
    // Looking through all that is kept may take a while, and is no work for the threads that serve.
    let _one_of_few = app.looks.acquire().await.expect("it is never closed");
    let page = tokio::task::spawn_blocking(move || page(&past, &mut filter, wanted, show_payload));
    match page.await {
        Ok(page) => Ok(json(page?)),
        Err(error) => Err(Error::bug("looking for events", &error)),
    }
}

/// Which of the kept events an answer has.
#[derive(Clone, Copy)]
struct Wanted {
    limit: usize,
    before: u64,
    after: Option<u64>,
}

/// The events, newest first, and where the next page begins, if there may be more.
type Found = (Vec<(Arc<Batch>, usize)>, Option<u64>);

/// The answer, as JSON.
fn page(
    past: &Past,
    filter: &mut Filter,
    wanted: Wanted,
    show_payload: bool,
) -> Result<Vec<u8>, StoreError> {
    let (found, next_before) = find(past, filter, wanted)?;
    let events = found.iter().map(|(batch, index)| shown(batch, *index, show_payload)).collect();
    let page = Page { events, next_before };
    Ok(serde_json::to_vec(&page).expect("an event is JSON: its keys are texts"))
}

/// Looks for the events.
fn find(past: &Past, filter: &mut Filter, wanted: Wanted) -> Result<Found, StoreError> {
    let Wanted { limit, mut before, after } = wanted;
    let at_once = if filter.is_empty() { limit + 1 } else { LOOK };
    let mut found = Vec::new();
    let mut looked = 0;
    loop {
        let batches = match past.some_before(before, at_once) {
            Ok(batches) if batches.is_empty() => return Ok((found, None)),
            Ok(batches) => batches,
            // What was found is shown; the next page says what is wrong.
            Err(_) if !found.is_empty() => return Ok((found, Some(before))),
            Err(error) => return Err(error),
        };
        for batch in batches {
            let end = batch.heads.partition_point(|head| head.seq < before);
            for index in (0..end).rev() {
                let seq = batch.heads[index].seq;
                if after.is_some_and(|after| seq <= after) {
                    return Ok((found, None));
                }
                if !filter.fits(&batch, index) {
                    before = seq;
                    continue;
                }
                if found.len() == limit {
                    // Who goes on from the last one shown need not look at those between once more.
                    return Ok((found, Some(before)));
                }
                before = seq;
                found.push((batch.clone(), index));
            }
            looked += end;
        }
        if looked > MOST_LOOKED_AT {
            return Ok((found, Some(before)));
        }
    }
}

/// One kept event.
#[utoipa::path(get, path = "/api/v1/events/{seq}", params(("seq" = u64, Path), OfPipeline),
    responses((status = 200, description = "the event", body = Event)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Path(seq): Path<String>,
    Params(query): Params<OfPipeline>,
) -> Result<Response, Error> {
    let past = Past::of(&app, query.pipeline.as_deref())?;
    let number: u64 = seq.parse().map_err(|_| {
        Error::bad_parameter(format!("`{seq}` is no number of an event: write its `seq`"))
    })?;
    let room = past.room();
    let found = tokio::task::spawn_blocking(move || past.event(number)).await;
    let found = found.map_err(|error| Error::bug("looking for an event", &error))??;
    let (batch, index) = found.ok_or_else(|| {
        let message = format!(
            "event {number} is not among those that the pipeline keeps: it was dropped, has not come yet, or \
             is older than the last {room}"
        );
        Error::not_found("unknown_event", message)
    })?;
    let event = serde_json::to_vec(&shown(&batch, index, app.show_payload));
    Ok(json(event.expect("an event is JSON: its keys are texts")))
}

/// An event as this host shows it.
pub fn shown(batch: &Batch, index: usize, show_payload: bool) -> Event<'_> {
    let event = batch.event(index);
    if show_payload { event } else { event.without_payload() }
}

fn json(body: Vec<u8>) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // What others said to each other is not to lie in a browser's cache.
    let kept = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (StatusCode::OK, [kind, kept], Bytes::from(body)).into_response()
}

/// The kept events of a pipeline.
pub fn kept(app: &App, pipeline: Option<&str>) -> Result<Arc<Kept>, Error> {
    app.pipelines.kept(pipeline).ok_or_else(|| {
        let message = match pipeline {
            Some(name) => format!("there is no pipeline `{name}`"),
            None => "there is no pipeline: load a script".to_owned(),
        };
        Error::not_found("unknown_pipeline", message)
    })
}

#[cfg(test)]
mod tests {
    use weir_sdk::event::{CALL_SENDMSG, Head};

    use super::*;

    /// Events 1 to 20 in batches of five, the even ones with another name.
    fn kept_events() -> Kept {
        let kept = Kept::new(100);
        for first in [1, 6, 11, 16] {
            let mut batch = Batch::default();
            for seq in first..first + 5 {
                let mut head = Head { seq, call: CALL_SENDMSG, ..Head::default() };
                let comm: &[u8] = if seq % 2 == 0 { b"even" } else { b"odd" };
                head.comm[..comm.len()].copy_from_slice(comm);
                batch.push(head);
            }
            kept.push(Arc::new(batch));
        }
        kept
    }

    #[track_caller]
    fn check(
        filter: &str,
        limit: usize,
        before: u64,
        after: Option<u64>,
        seqs: &[u64],
        more: bool,
    ) {
        let program =
            (!filter.is_empty()).then(|| crate::expression::compile_filter(filter).unwrap());
        let mut filter = Filter::of(program);
        let wanted = Wanted { limit, before, after };
        let past = Past::in_memory(kept_events());
        let (found, next) = find(&past, &mut filter, wanted).unwrap();
        let found: Vec<_> = found.iter().map(|(batch, index)| batch.heads[*index].seq).collect();
        assert_eq!((&found[..], next.is_some()), (seqs, more));
        // The next page has what comes behind.
        let last = found.last().copied().unwrap_or(before);
        assert!(next.is_none_or(|next| next <= last));
    }

    #[test]
    fn pages() {
        check("", 3, u64::MAX, None, &[20, 19, 18], true);
        check("", 3, 17, None, &[16, 15, 14], true);
        check("", 3, 3, None, &[2, 1], false);
        check("", 2, 3, None, &[2, 1], false);
        check("", 0, 3, None, &[], true);
        check("", 100, 9, Some(6), &[8, 7], false);
        check("", 2, 9, Some(6), &[8, 7], false);
        check("", 1, 9, Some(6), &[8], true);
        check("", 5, 9, Some(30), &[], false);
        check("process.comm == 'even'", 3, 17, None, &[16, 14, 12], true);
        check("process.comm == 'even'", 3, 7, None, &[6, 4, 2], false);
        check("process.comm == 'even' && seq > 8", 9, 14, Some(9), &[12, 10], false);
        check("process.comm == 'none'", 3, u64::MAX, None, &[], false);
    }
}
