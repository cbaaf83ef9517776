//! What the streams of one pipeline share: a beat, so that a batch wakes one task and not each stream, and
//! the text of events, so that each is written once however many streams show it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, Weak, atomic::AtomicUsize},
    time::Duration,
};

use axum::body::Bytes;
use tokio::sync::{broadcast::error::RecvError, watch};

use super::events::shown;
use crate::{decode::Batch, pipeline::Kept};

/// Between two beats. Streams are woken no more often, however many batches come.
const BEAT: Duration = Duration::from_millis(20);
/// Most bytes of written events that a pipeline's streams share. It is more than they send in a second.
const WRITTEN_BYTES: usize = 4 << 20;

/// The feeds of all pipelines that somebody listens to.
#[derive(Default)]
pub struct Feeds(Mutex<Vec<(Weak<Kept>, Weak<Feed>)>>);

/// What the streams of one pipeline share. It lives as long as one of them.
pub struct Feed {
    /// The events; gone when the pipeline is.
    pub kept: Weak<Kept>,
    /// The place behind the newest event.
    beat: watch::Receiver<u64>,
    /// How many of the streams have a filter.
    pub filtered: AtomicUsize,
    written: Mutex<Written>,
}

/// Events as the stream sends them, the oldest going first.
#[derive(Default)]
struct Written {
    by_seq: HashMap<u64, Bytes>,
    order: VecDeque<u64>,
    bytes: usize,
    /// How many were ever written.
    #[cfg(test)]
    ever: usize,
}

impl Feeds {
    /// The feed of a pipeline's events.
    pub fn of(&self, kept: &Arc<Kept>) -> Arc<Feed> {
        let mut feeds = self.0.lock().expect("no panic while locked");
        feeds.retain(|(_, feed)| feed.strong_count() > 0);
        let known = feeds.iter().find(|(of, _)| std::ptr::eq(of.as_ptr(), Arc::as_ptr(kept)));
        if let Some(feed) = known.and_then(|(_, feed)| feed.upgrade()) {
            return feed;
        }
        let feed = Feed::start(kept);
        feeds.push((Arc::downgrade(kept), Arc::downgrade(&feed)));
        feed
    }
}

impl Feed {
    fn start(kept: &Arc<Kept>) -> Arc<Self> {
        let (end, mut live) = kept.listen();
        let (beats, beat) = watch::channel(end);
        let kept = Arc::downgrade(kept);
        let feed = Arc::new(Self {
            kept: kept.clone(),
            beat,
            filtered: AtomicUsize::new(0),
            written: Mutex::default(),
        });
        let weak = Arc::downgrade(&feed);
        tokio::spawn(async move {
            // What comes is read from the kept events; here it only says that there is something.
            while !matches!(live.recv().await, Err(RecvError::Closed)) {
                live = live.resubscribe();
                let Some(end) = kept.upgrade().map(|kept| kept.end()) else { return };
                if weak.strong_count() == 0 {
                    return;
                }
                beats.send_replace(end);
                tokio::time::sleep(BEAT).await;
            }
        });
        feed
    }

    /// Tells of new events: the place behind the newest. It ends with the pipeline.
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.beat.clone()
    }

    /// An event as the stream sends it.
    pub fn write(&self, batch: &Batch, index: usize, show_payload: bool) -> Bytes {
        let seq = batch.heads[index].seq;
        // Who else wants it would otherwise write it as well: all wake at the same beat.
        let mut written = self.written.lock().expect("no panic while locked");
        if let Some(known) = written.by_seq.get(&seq) {
            return known.clone();
        }
        let mut text = format!("id: {seq}\nevent: event\ndata: ").into_bytes();
        serde_json::to_writer(&mut text, &shown(batch, index, show_payload))
            .expect("an event is JSON: its keys are texts");
        text.extend_from_slice(b"\n\n");
        let text = Bytes::from(text);
        written.add(seq, text.clone());
        text
    }
}

impl Written {
    fn add(&mut self, seq: u64, text: Bytes) {
        #[cfg(test)]
        {
            self.ever += 1;
        }
        self.bytes += text.len();
        self.by_seq.insert(seq, text);
        self.order.push_back(seq);
        while self.bytes > WRITTEN_BYTES
            && let Some(oldest) = self.order.pop_front()
        {
            self.bytes -= self.by_seq.remove(&oldest).map_or(0, |text| text.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_sdk::event::{CALL_SENDMSG, Head};

    use super::*;

    fn batch(seqs: std::ops::Range<u64>) -> Arc<Batch> {
        let mut batch = Batch::default();
        seqs.for_each(|seq| batch.push(Head { seq, call: CALL_SENDMSG, ..Head::default() }));
        Arc::new(batch)
    }

    #[tokio::test]
    async fn an_event_is_written_once_for_all() {
        let (feeds, kept) = (Feeds::default(), Arc::new(Kept::new(10)));
        let feed = feeds.of(&kept);
        let batch = batch(1..4);
        for _ in 0..50 {
            for index in 0..3 {
                let text = feeds.of(&kept).write(&batch, index, false);
                let begins = format!("id: {}\nevent: event\ndata: {{", index + 1);
                assert!(text.starts_with(begins.as_bytes()) && text.ends_with(b"}\n\n"));
            }
        }
        assert_eq!(feed.written.lock().unwrap().ever, 3);
        assert!(!Arc::ptr_eq(&feed, &feeds.of(&Arc::new(Kept::new(10)))));
    }

    #[tokio::test]
    async fn what_is_shared_is_bounded() {
        let kept = Arc::new(Kept::new(10));
        let feed = Feeds::default().of(&kept);
        let batch = batch(1..10_001);
        for index in 0..10_000 {
            feed.write(&batch, index, false);
        }
        let written = feed.written.lock().unwrap();
        assert!(written.bytes <= WRITTEN_BYTES && written.bytes > WRITTEN_BYTES / 2);
        assert_eq!(written.by_seq.len(), written.order.len());
    }

    #[tokio::test]
    async fn a_beat_tells_of_events_and_of_the_end() {
        let (feeds, kept) = (Feeds::default(), Arc::new(Kept::new(10)));
        let feed = feeds.of(&kept);
        let mut beat = feed.listen();
        assert_eq!(*beat.borrow(), 0);
        kept.push(batch(1..4));
        while *beat.borrow_and_update() < 3 {
            beat.changed().await.unwrap();
        }
        drop((kept, feed));
        assert!(beat.changed().await.is_err());
    }
}
