//! Kept events as lines of JSON in a file that is rotated.

mod rotated;

use std::{
    io,
    path::PathBuf,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use super::{
    follow::{Chosen, Sink},
    tally::Tally,
};
use crate::decode::Batch;

pub use rotated::Rotated;

/// After something went wrong, so long nothing is tried: what comes meanwhile is dropped.
const PAUSE: Duration = Duration::from_secs(1);
/// Lines are written when there are so many bytes of them, and at the end of a batch.
const BLOCK_BYTES: usize = 256 << 10;

/// What is written where.
#[derive(Clone, Debug)]
pub struct FileSettings {
    /// The file; older ones are `PATH.1`, `PATH.2` and so on.
    pub path: PathBuf,
    /// A file that is larger becomes an older one.
    pub bytes: u64,
    /// Most files, the one that is written to and older ones.
    pub files: u32,
    /// Events of these pipelines.
    pub pipelines: Chosen,
}

/// Writes events to a file.
pub struct EventsFile {
    file: Rotated,
    tally: Arc<Tally>,
    /// Whether payload is written.
    payload: bool,
    lines: Vec<u8>,
    /// Until when nothing is tried.
    until: Option<Instant>,
}

impl EventsFile {
    /// Opens the file.
    pub fn open(settings: &FileSettings, payload: bool, tally: Arc<Tally>) -> io::Result<Self> {
        let file = Rotated::open(&settings.path, settings.bytes, settings.files)?;
        Ok(Self { file, tally, payload, lines: Vec::new(), until: None })
    }

    /// Writes what is gathered.
    fn write(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let (written, error) = self.file.append(&self.lines);
        if written > 0 {
            self.tally.sent(written);
        }
        if let Some(error) = error {
            let all = self.lines.iter().filter(|&&byte| byte == b'\n').count() as u64;
            self.tally.failed.fetch_add(all - written, Relaxed);
            self.fail(&error);
        }
        self.lines.clear();
    }

    fn fail(&mut self, error: &io::Error) {
        self.tally.error(format!("{error}; events are dropped until that is over"));
        self.until = Some(Instant::now() + PAUSE);
    }
}

impl Sink for EventsFile {
    fn take(&mut self, pipeline: &str, batch: &Batch) {
        if self.until.is_some_and(|until| Instant::now() < until) {
            self.tally.failed.fetch_add(batch.heads.len() as u64, Relaxed);
            return;
        }
        self.until = None;
        for index in 0..batch.heads.len() {
            line(&mut self.lines, pipeline, batch, index, self.payload);
            if self.lines.len() >= BLOCK_BYTES {
                self.write();
            }
        }
        self.write();
    }

    /// A file that was moved or removed is made anew, so that nothing is written to nowhere.
    fn tick(&mut self) {
        if self.until.is_none_or(|until| Instant::now() >= until)
            && let Err(error) = self.file.follow_path()
        {
            self.fail(&error);
        }
    }

    fn end(&mut self) {
        self.write();
    }
}

/// An event as in the API, with the pipeline that kept it before the other keys.
fn line(lines: &mut Vec<u8>, pipeline: &str, batch: &Batch, index: usize, payload: bool) {
    const JSON: &str = "an event is JSON: its keys are texts";
    lines.extend_from_slice(b"{\"pipeline\":");
    serde_json::to_writer(&mut *lines, pipeline).expect(JSON);
    let start = lines.len();
    if payload {
        serde_json::to_writer(&mut *lines, &batch.event(index)).expect(JSON);
    } else {
        serde_json::to_writer(&mut *lines, &batch.event(index).without_payload()).expect(JSON);
    }
    // The brace of the event's own.
    lines[start] = b',';
    lines.push(b'\n');
}

#[cfg(test)]
mod tests {
    use weir_sdk::event::CALL_SENDMSG;

    use super::*;
    use crate::decode::sample::Sample;

    #[test]
    fn a_line_is_the_event_and_its_pipeline() {
        let mut sample = Sample::new(CALL_SENDMSG);
        sample.head.payload = sample.part(b"secret");
        let batch = sample.batch();
        for (payload, expected) in
            [(true, serde_json::json!("c2VjcmV0")), (false, serde_json::Value::Null)]
        {
            let mut lines = Vec::new();
            line(&mut lines, "a \"b\"", &batch, 0, payload);
            let text = String::from_utf8(lines).unwrap();
            assert_eq!(text.matches('\n').count(), 1);
            let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["msg"]["payload"], expected);
            assert_eq!(value["msg"]["payload_len"], 6);
            assert_eq!(value["msg"]["payload_hidden"], !payload);
            let pipeline = value.as_object_mut().unwrap().remove("pipeline").unwrap();
            assert_eq!(pipeline, "a \"b\"");
            if payload {
                assert_eq!(value, serde_json::to_value(batch.event(0)).unwrap());
            }
        }
    }
}
