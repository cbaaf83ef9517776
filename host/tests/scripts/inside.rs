//! Pipelines inside of the test's own process: as many events as it can make, and no kernel.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use weir::{
    decode::Batch,
    pipeline::{Pipelines, Put, ScriptInfo, Wanted},
    script::{Engine, Limits},
};
use weir_sdk::event::{CALL_SENDMSG, Head};

use crate::guest;

/// Events in a batch.
pub const EVENTS: u64 = 64;

/// Pipelines, and one among them that must not be harmed: `witness`, whose script traps if an event
/// is missing or comes twice.
pub struct Inside {
    pub pipelines: Arc<Pipelines>,
    next_seq: u64,
}

impl Inside {
    pub fn new(limits: Limits) -> Self {
        Self::with(Engine::new(), limits)
    }

    pub fn with(engine: Engine, limits: Limits) -> Self {
        let on_wanted = Box::new(|_| {});
        let pipelines = Pipelines::new(engine, limits, 1 << 20, Wanted::default(), on_wanted);
        let inside = Self { pipelines: Arc::new(pipelines), next_seq: 1 };
        inside.put("witness", &guest::script(guest::GAPLESS));
        inside
    }

    /// Loads or swaps a script, which must be taken.
    pub fn put(&self, name: &str, bytes: &[u8]) -> ScriptInfo {
        let put = Put { name, bytes, pipeline: None, params: None };
        self.pipelines.put(put).unwrap_or_else(|error| panic!("{error}")).0
    }

    /// Loads a script, which must be refused, and says why.
    pub fn refused(&self, name: &str, bytes: &[u8]) -> String {
        let put = Put { name, bytes, pipeline: None, params: None };
        match self.pipelines.put(put) {
            Ok((info, _)) => panic!("it is taken: {info:?}"),
            Err(error) => error.to_string(),
        }
    }

    pub fn script(&self, name: &str) -> ScriptInfo {
        self.pipelines.script(name).unwrap()
    }

    /// The log's lines.
    pub fn log(&self, name: &str) -> Vec<String> {
        let (lines, _) = self.pipelines.log(name).unwrap().last(1000);
        lines.into_iter().map(|line| format!("{} {}", line.level, line.text)).collect()
    }

    /// Delivers one batch, of events that come one after the other.
    pub fn deliver(&mut self) {
        let mut batch = Batch::default();
        for seq in self.next_seq..self.next_seq + EVENTS {
            let comm = *b"inside\0\0\0\0\0\0\0\0\0\0";
            batch.push(Head {
                seq,
                call: CALL_SENDMSG,
                pid: 42,
                bytes: 7,
                comm,
                ..Head::default()
            });
        }
        self.next_seq += EVENTS;
        self.pipelines.deliver(&Arc::new(batch));
    }

    /// Delivers a batch and waits until the pipelines are done with it.
    pub fn deliver_and_wait(&mut self) {
        self.deliver();
        self.wait(0);
    }

    /// Waits until at most so many events wait in each pipeline.
    pub fn wait(&self, queued: u64) {
        let began = Instant::now();
        let busy = || self.pipelines.rows().iter().any(|row| row.queued > queued);
        while busy() {
            assert!(began.elapsed() < Duration::from_secs(60), "a pipeline does not go on");
            thread::sleep(Duration::from_micros(200));
        }
    }

    /// Delivers batches as fast as all pipelines take them, within what their queues hold.
    pub fn flood(&mut self, batches: u32) {
        for _ in 0..batches {
            self.deliver();
            self.wait(64 * EVENTS);
        }
    }

    /// Ends all pipelines, and asserts that the witness got every event, once and in order.
    pub fn finish(&self) {
        self.pipelines.finish();
        let delivered = self.next_seq - 1;
        let rows = self.pipelines.rows();
        for row in &rows {
            assert_eq!((row.delivered, row.queued), (delivered, 0), "{row:?}");
        }
        let witness = rows.iter().find(|row| row.name == "witness").unwrap();
        assert_eq!(witness.kept, delivered, "{witness:?}");
        let script = self.script("witness");
        assert_eq!((script.faults.trapped, script.faults.timed_out), (0, 0), "{script:?}");
    }
}
