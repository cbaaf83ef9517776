//! Results that a script hands out beside its tables.

use std::{collections::VecDeque, sync::Mutex, time::SystemTime};

use serde::Serialize;
use serde_json::Value;

use super::output::Texts;

/// Results that are kept.
const RESULTS: usize = 1000;
/// Most bytes of all that are kept.
const BYTES: usize = 8 << 20;

/// The last results of a script, which outlive a swap.
#[derive(Debug, Default)]
pub struct Emitted(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    results: VecDeque<(SystemTime, Box<[u8]>)>,
    bytes: usize,
    total: u64,
}

/// One result.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct EmittedResult {
    /// When the batch or tick ended that it came with.
    #[serde(serialize_with = "super::rfc3339")]
    #[schema(value_type = String)]
    pub time: SystemTime,
    /// The JSON object.
    pub value: Value,
}

impl Emitted {
    pub(super) fn add(&self, texts: &Texts) {
        if texts.is_empty() {
            return;
        }
        let now = SystemTime::now();
        let mut inner = self.0.lock().expect("no panic while locked");
        for text in texts.iter() {
            inner.total += 1;
            inner.bytes += text.len();
            inner.results.push_back((now, text.into()));
            while inner.results.len() > RESULTS || inner.bytes > BYTES {
                let Some((_, oldest)) = inner.results.pop_front() else { break };
                inner.bytes -= oldest.len();
            }
        }
    }

    /// The last results, oldest first, and how many there were ever.
    pub fn last(&self, limit: usize) -> (Vec<EmittedResult>, u64) {
        let inner = self.0.lock().expect("no panic while locked");
        let skip = inner.results.len().saturating_sub(limit);
        let texts: Vec<_> = inner.results.iter().skip(skip).cloned().collect();
        let total = inner.total;
        drop(inner);
        let parse = |(time, text): (SystemTime, Box<[u8]>)| EmittedResult {
            time,
            // It was checked when it came; the parser's depth is less than the checker's.
            value: serde_json::from_slice(&text)
                .unwrap_or_else(|_| String::from_utf8_lossy(&text).into_owned().into()),
        };
        (texts.into_iter().map(parse).collect(), total)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::script::{Limits, output::Output};

    #[test]
    fn keeps_the_last() {
        let limits = Limits::default();
        let (emitted, mut output) = (Emitted::default(), Output::new(&limits));
        for batch in 0..12 {
            output.begin(0, Instant::now(), &limits);
            for index in 0..100 {
                output.emit(format!(r#"{{"n":{}}}"#, batch * 100 + index).as_bytes()).unwrap();
            }
            emitted.add(&output.emitted);
        }
        let (results, total) = emitted.last(usize::MAX);
        assert_eq!((results.len(), total), (RESULTS, 1200));
        assert_eq!((&results[0].value["n"], &results[999].value["n"]), (&200.into(), &1199.into()));
        assert_eq!(emitted.last(1).0[0].value["n"], 1199);
    }
}
