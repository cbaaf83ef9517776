//! Components and core modules: the same events, the same calls, the same results.

use weir::{
    script::{Engine, Form, Limits, Processes},
    table::{Query, Sort, Values},
};

use crate::{
    guest::{self, Component, FRAME, data, error, returned},
    inside::{EVENTS, Inside},
};

/// Drops every second event, in a component: 64 verdicts lie behind 600.
fn every_second() -> Vec<u8> {
    let verdicts: Vec<u8> = (0..EVENTS).map(|event| (event % 2) as u8).collect();
    let data = returned(600, &verdicts);
    Component { data: &data, batch: "(i32.const 600)", ..Component::default() }.build()
}

#[test]
fn a_component_gets_every_event_and_drops_what_it_likes() {
    let mut inside = Inside::new(Limits::default());
    let info = inside.put("half", &every_second());
    assert_eq!(info.form, Form::Component);
    assert_eq!(inside.script("witness").form, Form::Core);
    // Traps unless the batch has a number of events, and its first is the one that comes next.
    let checks = r#"
        (if (i32.ne (i32.load offset=4 (local.get $at)) (i32.const 64)) (then unreachable))
        (if (i64.ne (i64.load offset=32 (local.get $at)) (global.get $next)) (then unreachable))
        (if (i64.ne (global.get $next) (i64.load
                (i32.add (local.get $at) (i32.load offset=12 (local.get $at)))))
            (then unreachable))
        (global.set $next (i64.add (global.get $next) (i64.const 64)))
        (i32.const 512)"#;
    let more = "(global $next (mut i64) (i64.const 1))";
    let strict = Component { more, batch: checks, ..Component::default() };
    inside.put("strict", &strict.build());
    inside.flood(300);
    inside.finish();
    let half = inside.script("half");
    assert_eq!((half.events_in, half.dropped), (300 * EVENTS, 150 * EVENTS));
    let strict = inside.script("strict");
    assert_eq!((strict.kept, strict.faults.last.map(|fault| fault.message)), (300 * EVENTS, None));
}

/// What both forms of the script below do with a batch, as the API tells it.
fn check_calls(module: &[u8]) {
    let processes = Processes::new(|pid| (pid == 42).then(|| r#"{"pid":42}"#.to_owned()));
    let mut inside = Inside::with(Engine::with(None, processes), Limits::default());
    inside.put("calls", module);
    inside.deliver_and_wait();
    inside.deliver_and_wait();
    let script = inside.script("calls");
    assert_eq!(script.faults.last.map(|fault| fault.message), None);
    assert_eq!(inside.log("calls"), ["warn {\"pid\":42}", "warn {\"pid\":42}"]);
    let (results, total) = inside.pipelines.emitted("calls").unwrap().last(10);
    assert_eq!((results.len(), total), (2, 2));
    assert_eq!(results[0].value, serde_json::json!({"a": [1]}));
    let table = &inside.pipelines.tables()[&("calls".to_owned(), "sizes".to_owned())];
    let query = Query { sort: Some(Sort::Key), descending: false, limit: 10, now_ns: 0 };
    let rows: Vec<_> = table
        .rows(&query)
        .unwrap()
        .0
        .into_iter()
        .map(|row| {
            let Values::Counter { value } = row.values else { panic!("not a counter") };
            (row.key.join("/"), value)
        })
        .collect();
    assert_eq!(rows, [("x".to_owned(), 10), ("yz".to_owned(), 14)]);
    let kept = inside.pipelines.kept(Some("calls")).unwrap().before(u64::MAX);
    let event = |index| serde_json::to_value(kept[0].event(index)).unwrap();
    assert_eq!(event(3)["attrs"], serde_json::json!({"name": "value"}));
    assert_eq!(event(4)["attrs"], serde_json::json!({}));
    inside.finish();
}

const OPTIONS: &str = r#"{"labels":["key"]}"#;
const EMITTED: &str = r#"{"a":[1]}"#;

#[test]
fn every_call_of_a_core_module() {
    let row = |key: &[u8], value: u64| {
        let mut row = (key.len() as u64).to_le_bytes().to_vec();
        row.extend(value.to_le_bytes());
        row.extend(key);
        row.resize(row.len().next_multiple_of(8), 0);
        row
    };
    let rows = [row(b"x", 4), row(b"yz", 7)].concat();
    let parts = [
        data(1000, OPTIONS.as_bytes()),
        data(1100, EMITTED.as_bytes()),
        data(1200, b"sizesnamevaluex"),
        data(1304, &rows),
    ];
    check_calls(&guest::text(&format!(
        r#"(module
            (import "weir" "log" (func $log (param i32 i32 i32)))
            (import "weir" "table_open" (func $open (param i32 i32 i32 i32 i32) (result i32)))
            (import "weir" "table_add" (func $add (param i32 i32 i32 i64)))
            (import "weir" "table_add_many" (func $many (param i32 i32 i32)))
            (import "weir" "attr" (func $attr (param i32 i32 i32 i32 i32)))
            (import "weir" "emit" (func $emit (param i32 i32)))
            (import "weir" "process" (func $process (param i32 i32 i32) (result i32)))
            {FRAME} {}
            (func (export "weir_batch") (param $at i32) (param i32)
                (local $table i32)
                (local.set $table (call $open (i32.const 0) (i32.const 1200) (i32.const 5)
                    (i32.const 1000) (i32.const {})))
                (call $many (local.get $table) (i32.const 1304) (i32.const {}))
                (call $add (local.get $table) (i32.const 1214) (i32.const 1) (i64.const 1))
                (call $attr (i32.const 3) (i32.const 1205) (i32.const 4) (i32.const 1209) (i32.const 5))
                (call $emit (i32.const 1100) (i32.const {}))
                (if (i32.ne (call $process (i32.const 43) (i32.const 2000) (i32.const 100))
                        (i32.const -1))
                    (then unreachable))
                (call $log (i32.const 2) (i32.const 2000)
                    (call $process (i32.const 42) (i32.const 2000) (i32.const 100)))))"#,
        parts.concat(),
        OPTIONS.len(),
        rows.len(),
        EMITTED.len(),
    )));
}

#[test]
fn every_call_of_a_component() {
    let update = |key: u32, len: u32, value: f64| {
        let mut bytes = [0, key, len, 0].map(u32::to_le_bytes).concat();
        bytes.extend(value.to_le_bytes());
        bytes
    };
    let updates = [update(1214, 1, 4.0), update(1215, 2, 7.0), update(1214, 1, 1.0)].concat();
    let words =
        |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let parts = [
        data(1000, OPTIONS.as_bytes()),
        data(1100, EMITTED.as_bytes()),
        data(1200, b"sizesnamevaluexyz"),
        data(1304, &updates),
        data(1400, &words(&[3, 1205, 4, 1209, 5])),
        data(1500, &words(&[1100, EMITTED.len() as u32])),
    ]
    .concat();
    // Results lie at 1600: of open a case, handle or error; of process a case, address, length.
    let batch = format!(
        r#"
        (call $open (i32.const 0) (i32.const 1200) (i32.const 5)
            (i32.const 1000) (i32.const {}) (i32.const 1600))
        (if (i32.load (i32.const 1600)) (then unreachable))
        (if (i32.load (i32.const 1604)) (then unreachable))
        (call $open (i32.const 0) (i32.const 1200) (i32.const 5)
            (i32.const 1100) (i32.const 1) (i32.const 1600))
        (if (i32.eqz (i32.load (i32.const 1600))) (then unreachable))
        (call $add (i32.const 1304) (i32.const 3))
        (call $attr (i32.const 1400) (i32.const 1))
        (call $emit (i32.const 1500) (i32.const 1))
        (call $process (i32.const 43) (i32.const 1600))
        (if (i32.load (i32.const 1600)) (then unreachable))
        (call $process (i32.const 42) (i32.const 1600))
        (call $log (i32.const 2) (i32.load (i32.const 1604)) (i32.load (i32.const 1608)))
        (i32.const 512)"#,
        OPTIONS.len()
    );
    check_calls(&Component { data: &parts, batch: &batch, ..Component::default() }.build());
}

#[test]
fn a_component_describes_itself_and_is_given_its_parameters() {
    let inside = Inside::new(Limits::default());
    let describe = r#"{"name":"x","params":[{"name":"min","default":"7"}],"state_version":3}"#;
    let parts = [returned(600, describe.as_bytes()), error(900, "too low")].concat();
    let start = "(call $log (i32.const 1) (local.get $at) (local.get $len)) (i32.const 512)";
    let component =
        Component { data: &parts, describe: "(i32.const 600)", start, ..Component::default() };
    let info = inside.put("described", &component.build());
    assert_eq!((info.describe.state_version, info.params["min"].as_str()), (3, "7"));
    assert_eq!(inside.log("described"), [r#"info {"min":"7"}"#]);
    let refuses = Component { data: &parts, start: "(i32.const 900)", ..Component::default() };
    let why = inside.refused("refuses", &refuses.build());
    assert!(why.contains("refuses to start: too low"), "{why}");
    inside.finish();
}

#[test]
fn what_a_component_lacks_is_said() {
    let inside = Inside::new(Limits::default());
    for (text, expected) in [
        ("(component)", "weir:script/guest@1.0.0"),
        (
            r#"(component (import "a:b/c@1.0.0" (instance (export "f" (func)))))"#,
            "`a:b/c@1.0.0`: it does not exist",
        ),
        (
            r#"(component (import "weir:script/host@1.0.0" (instance (export "log" (func)))))"#,
            "`weir:script/host@1.0.0`",
        ),
        (
            r#"(component (import "wasi:http/types@0.2.0" (instance (export "x" (func)))))"#,
            "`wasi:http/types@0.2.0`",
        ),
        (r#"(component (import "f" (func)))"#, "`f`"),
    ] {
        let why = inside.refused("x", &guest::text(text));
        assert!(why.contains(expected), "{text}: {why}");
    }
    let whole = String::from_utf8(Component::default().build()).is_ok();
    assert!(!whole, "a component is no text");
    inside.finish();
}

#[test]
fn wasi_grants_nothing_and_prints_into_the_log() {
    let mut inside = Inside::new(Limits::default());
    let wasi = |body: &str, import: &str| {
        let data = data(1000, &[1040u32.to_le_bytes(), 12u32.to_le_bytes()].concat());
        let text = guest::data(1040, b"one\ntwo\nthre");
        guest::text(&format!(
            r#"(module
                (import "wasi_snapshot_preview1" {import})
                {FRAME} {data} {text}
                (func $fail (param i32) (if (local.get 0) (then unreachable)))
                (func (export "weir_batch") (param i32 i32) {body}))"#
        ))
    };
    inside.put(
        "prints",
        &wasi(
            "(call $fail (call $w (i32.const 1) (i32.const 1000) (i32.const 1) (i32.const 1008)))
             (if (i32.ne (i32.load (i32.const 1008)) (i32.const 12)) (then unreachable))",
            r#""fd_write" (func $w (param i32 i32 i32 i32) (result i32))"#,
        ),
    );
    // No folder is open, and there are no arguments.
    inside.put(
        "looks",
        &wasi(
            "(if (i32.ne (call $p (i32.const 3) (i32.const 1008)) (i32.const 8)) (then unreachable))",
            r#""fd_prestat_get" (func $p (param i32 i32) (result i32))"#,
        ),
    );
    inside.put("exits", &wasi("(call $e (i32.const 7))", r#""proc_exit" (func $e (param i32))"#));
    // A subscription of an hour, at 0.
    let sleeps = format!(
        "(i64.store (i32.const 24) (i64.const {}))
         (call $fail (call $s (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))
         (if (i32.ne (i32.load (i32.const 200)) (i32.const 1)) (then unreachable))",
        3_600_000_000_000u64
    );
    inside.put(
        "sleeps",
        &wasi(&sleeps, r#""poll_oneoff" (func $s (param i32 i32 i32 i32) (result i32))"#),
    );
    let why = inside.refused("x", &wasi("", r#""sock_fly" (func (param i32))"#));
    assert!(why.contains("`wasi_snapshot_preview1`.`sock_fly` does not exist"), "{why}");
    let why = inside.refused("x", &wasi("", r#""fd_write" (func (param f32))"#));
    assert!(why.contains("`wasi_snapshot_preview1`.`fd_write` has another type"), "{why}");
    inside.deliver_and_wait();
    inside.deliver_and_wait();
    inside.finish();
    let lines = ["info one", "info two", "info threone", "info two", "info thre"];
    assert_eq!(inside.log("prints"), lines);
    for name in ["prints", "looks", "sleeps"] {
        let script = inside.script(name);
        assert_eq!(script.faults.last.map(|fault| fault.message), None, "{name}");
    }
    let fault = inside.script("exits").faults.last.unwrap();
    assert!(fault.message.contains("exited with code 7"), "{fault:?}");
}
