//! The kept events of pipelines, as they come, on a thread of their own. Nobody waits for it: what it does
//! not take in time it misses, and counts.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Weak, atomic::Ordering::Relaxed},
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, bounded};
use tokio::sync::oneshot;
use tokio_stream::{StreamExt, StreamMap, wrappers::BroadcastStream};

use super::tally::Tally;
use crate::{
    decode::Batch,
    pipeline::{Kept, KeptBatch, Pipelines},
};

/// How often pipelines are looked for that were not there before.
const LOOK: Duration = Duration::from_secs(1);

/// What takes events.
pub trait Sink: Send + 'static {
    /// Takes the events of a batch.
    fn take(&mut self, pipeline: &str, batch: &Batch);
    /// Does what is to be done from time to time: every second.
    fn tick(&mut self);
    /// Does what is to be done at the end.
    fn end(&mut self);
}

/// Which pipelines are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// All there are, now and later.
    All,
    /// Those of these names, when there are any.
    Named(Vec<String>),
}

impl Chosen {
    /// As on the command line, where `*` is all.
    pub fn parse(names: &[String]) -> Self {
        if names.is_empty() || names.iter().any(|name| name == "*") {
            return Self::All;
        }
        Self::Named(names.to_vec())
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|chosen| chosen == name),
        }
    }
}

/// A thread that follows.
pub struct Following {
    stop: oneshot::Sender<()>,
    ended: Receiver<()>,
}

/// Starts to follow.
pub fn follow(
    name: &'static str,
    pipelines: Arc<Pipelines>,
    chosen: Chosen,
    tally: Arc<Tally>,
    mut sink: impl Sink,
) -> std::io::Result<Following> {
    let (stop, stopped) = oneshot::channel();
    let (end, ended) = bounded::<()>(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let mut follower = Follower {
        pipelines,
        chosen,
        tally,
        followed: HashMap::new(),
        streams: StreamMap::new(),
        next_id: 0,
    };
    // What is there before the first event is followed from its first one.
    follower.look(&mut sink);
    for missing in follower.missing() {
        tracing::warn!(
            "{name}: there is no pipeline `{missing}` yet: it is followed once there is"
        );
    }
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        // It is dropped at the end, which is what is waited for.
        let _end = end;
        runtime.block_on(follower.run(&mut sink, stopped));
        sink.end();
    })?;
    Ok(Following { stop, ended })
}

impl Following {
    /// Takes what is there, and ends, within that time.
    pub fn finish(self, patience: Duration) -> bool {
        // An error means that it ended by itself.
        _ = self.stop.send(());
        // Nothing is ever sent.
        let waited = self.ended.recv_timeout(patience);
        !matches!(waited, Err(crossbeam_channel::RecvTimeoutError::Timeout))
    }
}

struct Follower {
    pipelines: Arc<Pipelines>,
    chosen: Chosen,
    tally: Arc<Tally>,
    /// By number: names can be those of a later pipeline.
    followed: HashMap<u64, Followed>,
    streams: StreamMap<u64, BroadcastStream<KeptBatch>>,
    next_id: u64,
}

struct Followed {
    name: Arc<str>,
    kept: Weak<Kept>,
    /// How many events it had kept when it was last seen.
    next: u64,
}

impl Follower {
    async fn run(mut self, sink: &mut impl Sink, mut stopped: oneshot::Receiver<()>) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                // An error means that nobody can stop it any more.
                _ = &mut stopped => break,
                _ = ticks.tick() => {
                    self.look(sink);
                    sink.tick();
                }
                Some((id, kept)) = self.streams.next(), if !self.streams.is_empty() => {
                    // What was missed is seen from the next batch's number.
                    if let Ok(kept) = kept {
                        self.take(id, &kept, sink);
                    }
                }
            }
        }
        self.look(sink);
        loop {
            // A task that was busy for long is told that nothing is there, unless it is unconstrained.
            let next = std::pin::pin!(tokio::task::unconstrained(self.streams.next()));
            match next.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Some((id, Ok(kept)))) => self.take(id, &kept, sink),
                Poll::Ready(Some((_, Err(_)))) => {}
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
    }

    /// Follows pipelines that are new, from the oldest event that they keep.
    fn look(&mut self, sink: &mut impl Sink) {
        self.followed.retain(|id, _| self.streams.contains_key(id));
        for (name, kept) in self.pipelines.all_kept() {
            let known = |followed: &Followed| followed.kept.as_ptr() == Arc::as_ptr(&kept);
            if !self.chosen.has(&name) || self.followed.values().any(known) {
                continue;
            }
            let (batches, live) = kept.follow();
            let id = self.next_id;
            self.next_id += 1;
            self.followed.insert(id, Followed { name, kept: Arc::downgrade(&kept), next: 0 });
            self.streams.insert(id, BroadcastStream::new(live));
            for batch in &batches {
                self.take(id, batch, sink);
            }
        }
    }

    /// Names that no pipeline has.
    fn missing(&self) -> Vec<&str> {
        let Chosen::Named(names) = &self.chosen else { return Vec::new() };
        let is_followed = |name: &&str| self.followed.values().any(|of| *of.name == **name);
        names.iter().map(String::as_str).filter(|name| !is_followed(name)).collect()
    }

    fn take(&mut self, id: u64, kept: &KeptBatch, sink: &mut impl Sink) {
        let Some(followed) = self.followed.get_mut(&id) else { return };
        let KeptBatch { before, batch } = kept;
        if *before < followed.next {
            return;
        }
        let missed = before - followed.next;
        followed.next = before + batch.heads.len() as u64;
        self.tally.too_slow.fetch_add(missed, Relaxed);
        sink.take(&followed.name, batch);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use weir_sdk::event::Head;

    use super::*;
    use crate::{
        pipeline::{Spec, Wanted},
        script::{Engine, Limits},
    };

    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<(String, u64)>>>);

    impl Sink for Seen {
        fn take(&mut self, pipeline: &str, batch: &Batch) {
            let seqs = batch.heads.iter().map(|head| (pipeline.to_owned(), head.seq));
            self.0.lock().unwrap().extend(seqs);
        }
        fn tick(&mut self) {}
        fn end(&mut self) {
            self.0.lock().unwrap().push(("end".to_owned(), 0));
        }
    }

    fn pipelines(names: &[&str]) -> Arc<Pipelines> {
        let pipelines = Pipelines::new(
            Engine::new(),
            Limits::default(),
            4,
            Wanted::default(),
            Box::new(|_| {}),
        );
        for name in names {
            pipelines.add(Spec { name: (*name).to_owned(), scripts: Vec::new() }).unwrap();
        }
        Arc::new(pipelines)
    }

    fn push(pipelines: &Pipelines, name: &str, seqs: std::ops::Range<u64>) {
        let heads = seqs.map(|seq| Head { seq, ..Head::default() }).collect();
        pipelines.kept(Some(name)).unwrap().push(Arc::new(Batch { heads, ..Batch::default() }));
    }

    #[test]
    fn everything_once_from_the_oldest_that_is_kept() {
        let pipelines = pipelines(&["a", "b", "not"]);
        // Of ten events the last four are kept.
        push(&pipelines, "a", 0..6);
        push(&pipelines, "a", 6..10);
        let seen = Seen::default();
        let tally = Tally::new("test", "", "events");
        let chosen = Chosen::Named(vec!["a".to_owned(), "b".to_owned()]);
        let following =
            follow("test", pipelines.clone(), chosen, tally.clone(), seen.clone()).unwrap();
        for seq in 10..20 {
            push(&pipelines, "a", seq..seq + 1);
            push(&pipelines, "b", seq..seq + 1);
            push(&pipelines, "not", seq..seq + 1);
        }
        assert!(following.finish(Duration::from_secs(30)));
        let seen = seen.0.lock().unwrap();
        let of =
            |name| seen.iter().filter(move |(pipeline, _)| pipeline == name).map(|seen| seen.1);
        assert_eq!(of("a").collect::<Vec<_>>(), Vec::from_iter(6..20));
        assert_eq!(of("b").collect::<Vec<_>>(), Vec::from_iter(10..20));
        assert_eq!(of("not").count(), 0);
        assert_eq!(seen.last().unwrap().0, "end");
        assert_eq!(tally.info().dropped_by.too_slow, 6);
    }
}
