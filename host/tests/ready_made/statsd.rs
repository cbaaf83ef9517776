//! scripts/statsd, in JavaScript.

use serde_json::json;
use weir_sdk::{
    event::{GROUP_PAYLOAD, STATUS_TRUNCATED},
    testing::Call,
};

use crate::script::Script;

fn to(payload: &str) -> Call {
    Call::new().comm("app").to("127.0.0.1:8125").payload(payload.as_bytes())
}

#[test]
fn metrics_of_each_type() {
    let mut script = Script::start("statsd", &[]);
    let did = script.batch(&[
        to("hits:1|c\nhits:2|c|@0.5\nerrors:1|c|#tag:x,y:z|@0.25\n"),
        to("temperature:21.6|g\ntemperature:3|g"),
        to("latency:320|ms\nlatency:0.4|ms\nsize:7|h\nsize:9|d"),
        to("users:alice|s\nusers:bob|s\nusers:|s"),
        Call::new().comm("app").to("[::1]:8125").payload(b"hits:10|c"),
        Call::new().comm("app").peer("127.0.0.1:8125").payload("größe:1|c\r\n".as_bytes()),
    ]);
    assert_eq!(did.kept(), [true; 6]);
    script.check("counters", &[("app / errors", 4), ("app / größe", 1), ("app / hits", 15)]);
    script.check("gauges", &[("app / temperature", 3)]);
    script.check("sets", &[("app / users", 2)]);
    let counts = [("app / latency".to_owned(), json!(2)), ("app / size".to_owned(), json!(2))];
    assert_eq!(script.rows("timings", "count"), counts);
    assert_eq!(script.rows("timings", "max")[0].1, json!(320));
}

#[test]
fn what_is_no_metric_is_left_out() {
    let lines = [
        "",
        ":",
        "hits",
        "hits:",
        ":1|c",
        "hits:1",
        "hits:1|",
        "hits:1|x",
        "hits:|c",
        "hits:one|c",
        "hits:-1|c",
        "hits:NaN|c",
        "hits:Infinity|c",
        "hits:0x10|c",
        "hits: |c",
        // No table can take so much.
        "hits:1e300|c",
        "hits:1e400|c",
        "hits:1|c|@1e-300",
        "hits:9007199254740993|c|@0.5",
        "hits:1|c|@0",
        "hits:1|c|@2",
        "hits:1|c|@x",
        "temperature:+5|g",
        "temperature:-5|g",
        "temperature:1e300|g",
        "latency:1e300|ms",
        "_e{5,4}:title|text",
    ];
    let mut script = Script::start("statsd", &[]);
    let mut calls: Vec<_> = lines.iter().map(|line| to(line)).collect();
    calls.push(to(&lines.join("\n")));
    calls.push(Call::new().to("127.0.0.1:8125"));
    calls.push(Call::new().to("127.0.0.1:8125").payload(&[0xff, b':', b'1', b'|']));
    calls.push(Call::new().to("127.0.0.1:8126").payload(b"hits:1|c"));
    calls.push(Call::new().to_unix("/run/x").payload(b"hits:1|c"));
    let did = script.batch(&calls);
    assert!(did.kept().iter().all(|kept| *kept));
    for table in ["counters", "gauges", "sets"] {
        script.check(table, &[]);
    }
    assert_eq!(script.rows("timings", "count"), []);
}

/// Of a line that is cut, what stands there may be another number.
#[test]
fn the_last_line_of_a_payload_that_was_cut_is_left_out() {
    let mut script = Script::start("statsd", &[]);
    let cut = |call: Call| call.head(|head| head.status[GROUP_PAYLOAD] = STATUS_TRUNCATED);
    script.batch(&[cut(to("a:1|c\nb:1|c|@0.1")), cut(to("c:1|c")), cut(to("d:1|c\n"))]);
    script.check("counters", &[("app / a", 1), ("app / d", 1)]);
}

/// What one batch adds may be more than a component can hand over as one number.
#[test]
fn sums_beyond_what_a_number_holds() {
    let mut script = Script::start("statsd", &[]);
    let most = 9_007_199_254_740_991_i64;
    let lines = vec![format!("a\0b:{most}|c"); 5].join("\n");
    script.batch(&[to(&lines), to("x:1|c")]);
    script.check("counters", &[("app / a@b", 5 * most), ("app / x", 1)]);
}

#[test]
fn ports_are_those_that_are_given() {
    let mut script = Script::start("statsd", &[("ports", "8126, 9125")]);
    let at = |port: u16| Call::new().to(&format!("127.0.0.1:{port}")).payload(b"a:1|c");
    script.batch(&[at(8125), at(8126), at(9125)]);
    script.check("counters", &[("test / a", 2)]);
    for ports in ["", "x", "70000", "1,,2", "-1"] {
        let refused = Script::try_start("statsd", &[("ports", ports)]).err();
        let refused = refused.unwrap_or_else(|| panic!("{ports:?} is taken"));
        assert!(refused.contains("is no port: write numbers between commas"), "{refused}");
    }
}
