//! Scripts that fail with the events they are given.

use serde_json::json;

use crate::{
    calls::settle,
    check_unharmed,
    guest::{self, FRAME, GREEDY, KEEP, LOOP},
    live::{Weir, pipeline, row, wait_for},
    script, with_two_pipelines,
};

/// Loads a script under a name that is also its pipeline's.
fn load(weir: &Weir, name: &str, module: &[u8]) {
    let (status, answer) = weir.put(name, module);
    assert!(matches!(status, 200 | 201), "{answer}");
    assert_eq!(answer["pipelines"], json!([name]), "{answer}");
}

#[test]
fn one_that_never_ends_is_stopped_and_then_quarantined() {
    let (weir, _folder) = with_two_pipelines(&["--batch-time", "50ms"]);
    load(&weir, "endless", &guest::script(LOOP));
    let quarantined = wait_for("quarantine", || {
        check_unharmed(&weir);
        Some(script(&weir, "endless")).filter(|script| script["state"] == "quarantined")
    });
    let faults = &quarantined["faults"];
    assert!(faults["timed_out"].as_u64().unwrap() > 5, "{quarantined}");
    assert_eq!(faults["last"]["kind"], "timeout", "{quarantined}");
    assert!(faults["last"]["message"].as_str().unwrap().contains("50ms"), "{quarantined}");
    check_unharmed(&weir);
    let ledger = weir.ledger();
    let rows = pipeline(&ledger, "endless");
    assert!(row(rows, "timed_out") > 0 && row(rows, "quarantined") > 0, "{ledger}");
    assert_eq!((row(rows, "kept"), row(rows, "trapped")), (0, 0), "{ledger}");

    // Someone acts: turns it off, so that events pass it by; on; and puts one that ends in its place.
    let path = "/api/v1/scripts/endless";
    let (status, answer) = weir.change("PATCH", path, br#"{"enabled": false}"#);
    assert_eq!((status, &answer["state"]), (200, &json!("disabled")), "{answer}");
    settle(&weir);
    wait_for("kept event", || (row(pipeline(&weir.ledger(), "endless"), "kept") > 0).then_some(()));
    let (status, answer) = weir.change("PATCH", path, br#"{"enabled": true}"#);
    assert_eq!(status, 200, "{answer}");
    // By now it may have failed again.
    assert!(["running", "paused"].map(|state| json!(state)).contains(&answer["state"]), "{answer}");
    let (status, answer) = weir.put("endless", &guest::script(KEEP));
    assert_eq!((status, &answer["state"]), (200, &json!("running")), "{answer}");

    let (status, _) = weir.change("DELETE", path, &[]);
    assert_eq!(status, 204);
    let (status, answer) = weir.request("GET", path, &[], &[]);
    assert_eq!((status, &answer["code"]), (404, &json!("unknown_script")));
    check_unharmed(&weir);
    weir.stop();
}

/// Each fails in another way; the first fault's message says in which.
#[test]
fn each_fault_says_what_was_wrong() {
    let (weir, _folder) = with_two_pipelines(&["--batch-time", "50ms"]);
    const OF_EVENTS: &str = "(i32.load offset=4 (local.get $at))";
    let alloc = |at| guest::text(&format!("(module {FRAME} {KEEP})").replace(BUFFER, at));
    let cases = [
        ("attr-event", calling("attr", &[OF_EVENTS, "16", "4", "16", "4"]), "attr: event"),
        ("attr-name", calling("attr", &["0", "-4", "8", "16", "4"]), "attr: the name"),
        ("attr-value", calling("attr", &["0", "16", "4", "16", "-1"]), "attr: the value"),
        ("log-level", calling("log", &["4", "16", "4"]), "log: level 4"),
        ("log-text", calling("log", &["1", "0x7fffffff", "4"]), "log: the text"),
        ("param-name", calling("param", &["-1", "-1", "0", "0"]), "param: the name"),
        ("handle", calling("table_add", &["0", "16", "4", "(i64.const 1)"]), "was not opened"),
        ("kind", calling("table_open", &["9", "16", "4", "20", "2"]), "kind 9"),
        ("options", calling("table_open", &["0", "16", "4", "16", "4"]), "options"),
        ("alloc-null", alloc("(i32.const 0))"), "weir_alloc"),
        ("alloc-odd", alloc("(i32.const 65540))"), "weir_alloc"),
        ("alloc-far", alloc("(i32.const 0xfffffff8))"), "weir_alloc"),
        (
            "verdict",
            guest::script(&guest::DROP.replace("(i32.const 1)", "(i32.const 7)")),
            "verdict 7",
        ),
        ("stack", guest::script(&batch("(call $batch (local.get 0) (local.get 1))")), "stack"),
        ("memory", guest::script(&batch(GREEDY)), "of memory (limit"),
    ];
    for (name, module, _) in &cases {
        load(&weir, name, module);
    }
    settle(&weir);
    for (name, _, text) in &cases {
        let script = wait_for("fault", || {
            Some(script(&weir, name)).filter(|script| !script["faults"]["last"].is_null())
        });
        let last = &script["faults"]["last"];
        assert_eq!(last["kind"], "trap", "{name}: {last}");
        let message = last["message"].as_str().unwrap();
        assert!(message.contains(text), "{name}: {text:?} is not in {message:?}");
    }
    check_unharmed(&weir);
    let ledger = weir.stop();
    for (name, ..) in &cases {
        let rows = pipeline(&ledger, name);
        assert!(row(rows, "trapped") > 0, "{rows}");
        assert_eq!(row(rows, "kept") + row(rows, "timed_out"), 0, "{rows}");
    }
}

/// What the frame's `weir_alloc` ends with.
const BUFFER: &str = "(i32.const 65536))\n";

/// A `weir_batch` that does this.
fn batch(body: &str) -> String {
    format!(r#"(func $batch (export "weir_batch") (param $at i32) (param i32) {body})"#)
}

/// A script that makes one host call with every batch. Arguments are 32-bit numbers, or expressions
/// in parentheses.
fn calling(name: &str, args: &[&str]) -> Vec<u8> {
    let kind = |arg: &&str| if arg.starts_with("(i64") { "i64" } else { "i32" };
    let params: Vec<_> = args.iter().map(kind).collect();
    let value = |arg: &&str| match arg.strip_prefix('(') {
        Some(_) => arg.to_string(),
        None => format!("(i32.const {arg})"),
    };
    let values: Vec<_> = args.iter().map(value).collect();
    let (params, values) = (params.join(" "), values.join(" "));
    let (result, body) = match name {
        "param" | "table_open" => ("(result i32)", format!("(drop (call $call {values}))")),
        _ => ("", format!("(call $call {values})")),
    };
    guest::text(&format!(
        r#"(module
            (import "weir" "{name}" (func $call (param {params}) {result}))
            {FRAME}
            (data (i32.const 16) "name{{}}")
            {})"#,
        batch(&body)
    ))
}
