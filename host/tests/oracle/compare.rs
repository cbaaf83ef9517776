//! The comparison, field by field, and its account.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
};

use serde_json::Value as Json;

use crate::{
    differs::{DIFFERS, Differs},
    expected::{self, Expected, Want},
    names,
    strace::Call,
};

/// Most characters of strace's line that a failure shows.
const LINE_SHOWN: usize = 400;

/// What was compared on one backend.
#[derive(Default)]
pub struct Report {
    calls: usize,
    compared: usize,
    equal: usize,
    /// Differences that have a reason, by their place in the list.
    explained: BTreeMap<usize, usize>,
    /// Differences that have none: a line each.
    pub failures: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let explained: usize = self.explained.values().sum();
        write!(
            f,
            "{} calls, {} fields compared, {} equal, {explained} differ for a reason, {} for none",
            self.calls,
            self.compared,
            self.equal,
            self.failures.len(),
        )?;
        for (&index, count) in &self.explained {
            let Differs { call, field, reason, .. } = &DIFFERS[index];
            write!(f, "\noracle:   {call} {field}, {count} times: {reason}")?;
        }
        Ok(())
    }
}

impl Report {
    /// Compares the calls of a program with its events, thread by thread: both are in the order of
    /// the thread's calls.
    pub fn program(&mut self, program: &str, calls: &[&Call], events: &[Json]) {
        self.calls += calls.len();
        let threads: BTreeSet<_> = calls.iter().map(|call| call.tid).collect();
        for tid in threads {
            let calls = calls.iter().filter(|call| call.tid == tid);
            let expected: Vec<_> = calls.flat_map(|call| expected::events(call)).collect();
            let of_thread = events.iter().filter(|event| event["process"]["tid"] == tid);
            self.thread(program, expected, of_thread.collect());
        }
        let known = |event: &&Json| calls.iter().any(|call| event["process"]["tid"] == call.tid);
        for event in events.iter().filter(|event| !known(event)) {
            self.failures.push(format!("{program}: a thread that strace did not see: {event}"));
        }
    }

    fn thread(&mut self, program: &str, expected: Vec<Expected>, mut events: VecDeque<&Json>) {
        for (number, expected) in expected.iter().enumerate() {
            let place = || {
                let index = expected.index.map_or(String::new(), |index| format!("[{index}]"));
                format!("{program}: call {number}, {}{index}", expected.call)
            };
            let fits = |event: &&Json| {
                event["call"] == expected.call.as_str()
                    && expected
                        .index
                        .is_none_or(|index| event["index"].as_u64().is_none_or(|is| is == index))
                    && wanted(expected, "fd").is_none_or(|fd| event["fd"] == *fd)
            };
            if expected.optional {
                // Only the message after those that were sent may be between.
                if events.front().is_some_and(|event| fits(event) && event["error"].is_string()) {
                    events.pop_front();
                }
                continue;
            }
            // An event too many, or one that is missing, must not move all that follow.
            let result = |event: &&Json| {
                fits(event)
                    && wanted(expected, "ret").is_none_or(|ret| event["ret"] == *ret)
                    && wanted(expected, "error").is_none_or(|error| event["error"] == *error)
            };
            let at = if events.front().is_some_and(fits) {
                Some(0)
            } else {
                events.iter().take(8).position(result)
            };
            let Some(at) = at else {
                let line = shown(&expected.line);
                self.compared += 1;
                self.failures.push(format!("{}: no event; strace: {line}", place()));
                continue;
            };
            for event in events.drain(..at) {
                self.failures.push(format!("{}: an event too many before it: {event}", place()));
            }
            let Some(event) = events.pop_front() else { continue };
            let before = self.failures.len();
            for (path, want) in &expected.fields.0 {
                self.field(program, &place, &expected.call, path, want, event);
            }
            if self.failures.len() > before {
                self.failures.push(format!("    strace: {}", shown(&expected.line)));
            }
        }
        for event in events {
            self.failures.push(format!("{program}: an event that strace has no call for: {event}"));
        }
    }

    fn field(
        &mut self,
        program: &str,
        place: &impl Fn() -> String,
        call: &str,
        path: &str,
        want: &Want,
        event: &Json,
    ) {
        self.compared += 1;
        let Err(difference) = check(want, at(event, path), event) else {
            self.equal += 1;
            return;
        };
        let general = general(path);
        let one_of = |pattern: &str, value: &str| pattern == "*" || pattern == value;
        let explained = DIFFERS.iter().position(|differs| {
            one_of(differs.call, call)
                && one_of(differs.program, program)
                && differs.field == general
                && difference.contains(differs.says)
        });
        match explained {
            Some(index) => *self.explained.entry(index).or_default() += 1,
            None => self.failures.push(format!("{} {path}: {difference}", place())),
        }
    }
}

/// What a field of an event must be exactly.
fn wanted<'a>(expected: &'a Expected, name: &str) -> Option<&'a Json> {
    expected.fields.0.iter().find_map(|(path, want)| match want {
        Want::Exactly(value) if path == name => Some(value),
        _ => None,
    })
}

fn shown(line: &str) -> String {
    if line.len() <= LINE_SHOWN {
        return line.to_owned();
    }
    let (start, end) = (LINE_SHOWN - 100, line.len() - 100);
    format!(
        "{}…{}",
        &line[..line.floor_char_boundary(start)],
        &line[line.ceil_char_boundary(end)..]
    )
}

/// `msg.control[0].fds[1].fd` → `msg.control[].fds[].fd`.
fn general(path: &str) -> String {
    path.split('[')
        .map(|part| {
            part.split_once(']').map_or_else(|| part.to_owned(), |(_, rest)| format!("]{rest}"))
        })
        .collect::<Vec<_>>()
        .join("[")
}

/// What stands at a path, if there is such a place.
fn at<'a>(event: &'a Json, path: &str) -> Option<&'a Json> {
    if let Some(status) = path.strip_prefix("fields.") {
        let (field, key) = status.rsplit_once('.')?;
        return event["fields"].get(field)?.get(key);
    }
    path.split('.').try_fold(event, |value, part| {
        let mut steps = part.split('[');
        let value = value.get(steps.next()?)?;
        steps.try_fold(value, |value, step| {
            value.get(step.strip_suffix(']')?.parse::<usize>().ok()?)
        })
    })
}

/// Says how a field differs from what it must be.
fn check(want: &Want, is: Option<&Json>, event: &Json) -> Result<(), String> {
    let found = is.unwrap_or(&Json::Null);
    let same = |same: bool, strace: &dyn fmt::Display| {
        let weir = is.map_or_else(|| "no such field".to_owned(), Json::to_string);
        if same { Ok(()) } else { Err(format!("strace {strace}, weir {weir}")) }
    };
    match want {
        Want::Exactly(value) => same(is.is_some() && value == found, value),
        Want::Constant(constant) => {
            same(names::of_weir(found).as_ref() == Some(constant), &format!("{constant:?}"))
        }
        Want::Flags(names) => {
            let set: BTreeSet<_> = names.iter().map(String::as_str).collect();
            let is_set = found
                .as_array()
                .map(|names| names.iter().filter_map(Json::as_str).collect::<BTreeSet<_>>());
            same(is_set.as_ref() == Some(&set), &names.join("|"))
        }
        Want::AtMost(most) => {
            same(found.as_u64().is_some_and(|is| is <= *most), &format!("at most {most}"))
        }
        Want::Len(len) => {
            // Nothing may be no list.
            let is_len = if found.is_null() { Some(0) } else { found.as_array().map(Vec::len) };
            same(is.is_some() && is_len == Some(*len), &format!("a list of {len}"))
        }
        Want::Times(times) => {
            let texts = match found {
                Json::Array(texts) => &texts[..],
                text => std::slice::from_ref(text),
            };
            let is_times: Option<Vec<_>> =
                texts.iter().map(|text| seconds(text.as_str()?)).collect();
            let some = is_times.map(|mut times| {
                times.retain(|time| *time != (0, 0));
                times
            });
            same(some.as_ref() == Some(times), &format!("{times:?}"))
        }
        Want::Bytes { shown, whole, in_table } => {
            let Some(bytes) =
                (if found.is_null() { Some(Vec::new()) } else { found.as_str().and_then(base64) })
            else {
                return same(false, &"bytes in base64");
            };
            let status = event["fields"]["msg.payload"]["status"].as_str();
            let most = weir_sdk::event::PAYLOAD_BYTES.min(*in_table);
            let cut = !whole || most < shown.len();
            let right = if bytes.len() <= shown.len() {
                // The beginning, if all that fits is there, and if it is known to be the beginning.
                shown.starts_with(&bytes)
                    && (bytes.len() == shown.len()
                        || status == Some("fault")
                        || bytes.len() >= most && status == Some("truncated"))
            } else {
                !whole && bytes.starts_with(shown)
            };
            let beginning: String = shown.escape_ascii().take(80).map(char::from).collect();
            let weir: String = bytes.escape_ascii().take(80).map(char::from).collect();
            if is.is_some() && right {
                return Ok(());
            }
            Err(format!(
                "strace {} bytes{} \"{beginning}\", weir {} bytes ({status:?}) \"{weir}\"",
                shown.len(),
                if cut { " and more" } else { "" },
                bytes.len(),
            ))
        }
    }
}

/// `1795468521.004893805` in seconds and nanoseconds.
fn seconds(text: &str) -> Option<(i128, i128)> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let nanos = format!("{fraction:0<9}");
    Some((seconds.parse().ok()?, nanos.get(..9)?.parse().ok()?))
}

fn base64(text: &str) -> Option<Vec<u8>> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::new();
    for four in text.chunks(4) {
        let mut bits = 0;
        for &digit in four {
            bits = bits << 6 | DIGITS.iter().position(|&known| known == digit)? as u32;
        }
        bits <<= 6 * (4 - four.len());
        bytes.extend(&bits.to_be_bytes()[1..four.len()]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::strace::Trace;

    fn report(line: &str, events: &[Json]) -> Report {
        let trace = Trace::parse(7, line).unwrap();
        let calls: Vec<_> = trace.calls(&expected::CALLS).collect();
        let mut report = Report::default();
        report.program("p", &calls, events);
        report
    }

    const SENDTO: &str =
        r#"7 sendto(3<\x2f\x78>, "\x79\x6f", 2, MSG_DONTWAIT, NULL, 0) = 2 <0.000051>"#;

    fn sendto() -> Json {
        json!({
            "call": "sendto", "index": null, "vlen": null, "duration_ns": 51_000, "ret": 2,
            "error": null, "process": {"tid": 7}, "fd": 3, "flags": ["MSG_DONTWAIT"],
            "socket": null,
            "msg": {"name": null, "namelen": 0, "bytes": 2, "iov": [{"base": "0x1", "len": 2}],
                "payload": "eW8="},
            "fields": {"msg.payload": {"status": "ok"}},
        })
    }

    #[test]
    fn an_event_that_says_the_same() {
        let report = report(SENDTO, &[sendto()]);
        assert!(report.failures.is_empty(), "{:#?}", report.failures);
        assert_eq!((report.calls, report.compared), (1, report.equal));
        assert!(report.compared > 10, "{report}");
    }

    #[test]
    fn each_field_that_differs_is_a_line() {
        let changes = [
            ("/ret", json!(3), "ret: strace 2, weir 3"),
            ("/duration_ns", json!(51_001), "duration_ns: strace at most 51000, weir 51001"),
            ("/flags", json!([]), "flags: strace MSG_DONTWAIT, weir []"),
            ("/msg/iov/0/len", json!(9), "msg.iov[0].len: strace 2, weir 9"),
            ("/msg/payload", json!("eQ=="), "msg.payload: strace 2 bytes"),
            ("/msg/payload", json!("eXk="), "msg.payload: strace 2 bytes"),
            ("/msg/payload", json!("eW95"), "msg.payload: strace 2 bytes"),
        ];
        for (path, value, text) in changes {
            let mut event = sendto();
            *event.pointer_mut(path).unwrap() = value;
            let failures = report(SENDTO, &[event]).failures;
            let [failure, line] = &failures[..] else { panic!("{failures:#?}") };
            assert!(failure.contains(text) && line.contains("sendto("), "{failures:#?}");
        }
        let mut event = sendto();
        event["msg"].as_object_mut().unwrap().remove("namelen");
        let failures = report(SENDTO, &[event]).failures;
        assert!(failures[0].contains("msg.namelen: strace 0, weir no such field"), "{failures:#?}");
    }

    #[test]
    fn an_event_too_many_or_too_few() {
        assert!(report(SENDTO, &[]).failures[0].contains("no event"));
        let failures = report(SENDTO, &[sendto(), sendto()]).failures;
        assert!(failures[0].contains("no call for"), "{failures:#?}");
        let mut other = sendto();
        other["fd"] = json!(4);
        let failures = report(SENDTO, &[other, sendto()]).failures;
        assert!(failures.len() == 1 && failures[0].contains("too many before"), "{failures:#?}");
    }

    #[test]
    fn paths() {
        assert_eq!(general("msg.control[0].fds[12].fd"), "msg.control[].fds[].fd");
        assert_eq!(general("ret"), "ret");
        let event = json!({"a": [{"b": [1, 2]}], "fields": {"msg.iov": {"status": "ok"}}});
        assert_eq!(at(&event, "a[0].b[1]"), Some(&json!(2)));
        assert_eq!(at(&event, "fields.msg.iov.status"), Some(&json!("ok")));
        assert_eq!(at(&event, "a[1].b"), None);
    }

    #[test]
    fn encoded_bytes_and_times() {
        assert_eq!(base64("aGk="), Some(b"hi".to_vec()));
        assert_eq!(base64("aGk"), Some(b"hi".to_vec()));
        assert_eq!(base64("aGV5"), Some(b"hey".to_vec()));
        assert_eq!(base64(""), Some(Vec::new()));
        assert_eq!(base64("?"), None);
        assert_eq!(seconds("17.004893805"), Some((17, 4_893_805)));
        assert_eq!(seconds("17.5"), Some((17, 500_000_000)));
    }
}
