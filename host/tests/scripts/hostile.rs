//! Scripts that attack their host. Each has an outcome, and none costs another script one event.

use std::time::Duration;

use weir::{
    pipeline::{ScriptInfo, ScriptState},
    script::{FaultKind, Limits},
    table::Query,
};

use crate::{
    guest::{self, Component, DROP, FRAME, GREEDY, KEEP, LOOP, TRAP_ON_TENTH, data, returned},
    inside::{EVENTS, Inside},
};

const LIMITS: Limits = Limits {
    batch_time: Duration::from_millis(20),
    memory_bytes: 8 << 20,
    module_bytes: 1 << 20,
    output_bytes: 100_000,
    log_lines: 50,
    table_keys: 100,
};

const BATCHES: u32 = 25;
/// Never comes to an end.
const ENDLESS: &str = "(loop $again (br $again))";

/// A core module whose batches do this.
fn core(body: &str) -> Vec<u8> {
    guest::script(&format!(
        r#"(func $batch (export "weir_batch") (param $at i32) (param i32) {body})"#
    ))
}

/// A core module that makes one host call with every batch.
fn calling(name: &str, types: &str, args: &str) -> Vec<u8> {
    let drops = if types.contains("result") { "drop" } else { "" };
    guest::text(&format!(
        r#"(module (import "weir" "{name}" (func $call {types})) {FRAME}
            (data (i32.const 16) "name{{}}\ff")
            (func (export "weir_batch") (param $at i32) (param i32) (call $call {args}) {drops}))"#
    ))
}

/// A component whose batches do this.
fn component(batch: &str) -> Vec<u8> {
    Component { batch, ..Component::default() }.build()
}

/// Lets each script have some batches beside others that must not be harmed.
fn attack(cases: &[(&str, Vec<u8>)]) -> (Inside, Vec<ScriptInfo>) {
    let mut inside = Inside::new(LIMITS);
    // A second witness, of the other form.
    let strict = Component {
        more: "(global $next (mut i64) (i64.const 1))",
        batch: "(if (i64.ne (i64.load offset=32 (local.get $at)) (global.get $next))
                    (then unreachable))
                (global.set $next (i64.add (global.get $next) (i64.const 64)))
                (i32.const 512)",
        ..Component::default()
    };
    inside.put("strict", &strict.build());
    for (name, module) in cases {
        inside.put(name, module);
    }
    inside.flood(BATCHES);
    inside.finish();
    let strict = inside.script("strict");
    assert_eq!(strict.kept, u64::from(BATCHES) * EVENTS, "{:?}", strict.faults);
    let infos = cases.iter().map(|(name, _)| inside.script(name)).collect();
    (inside, infos)
}

/// Asserts that each of these ends with such a fault.
fn check_faults(kind: FaultKind, cases: Vec<(&str, Vec<u8>, &str)>) {
    let modules: Vec<_> = cases.iter().map(|(name, module, _)| (*name, module.clone())).collect();
    let (inside, infos) = attack(&modules);
    for ((name, _, text), info) in cases.iter().zip(infos) {
        let Some(fault) = &info.faults.last else { panic!("{name}: no fault: {info:?}") };
        assert_eq!(fault.kind, kind, "{name}: {fault:?}");
        assert!(fault.message.contains(text), "{name}: {text:?} is not in {fault:?}");
        assert_eq!(info.kept, 0, "{name}: {info:?}");
        let rows = inside.pipelines.rows();
        let row = rows.iter().find(|row| row.name == *name).unwrap();
        let lost = row.trapped + row.timed_out + row.quarantined + row.queue_full;
        assert_eq!(lost, row.delivered, "{name}: {row:?}");
    }
}

#[test]
fn loops_for_ever() {
    check_faults(
        FaultKind::Timeout,
        vec![
            ("core", guest::script(LOOP), "20ms"),
            ("component", component(&format!("{ENDLESS} unreachable")), "20ms"),
            (
                "alloc",
                guest::text(
                    &format!("(module {FRAME} {KEEP})")
                        .replace("(local $pages i32)", &format!("(local $pages i32) {ENDLESS}")),
                ),
                "20ms",
            ),
        ],
    );
}

#[test]
fn traps_and_takes_what_there_is() {
    let trap = core;
    check_faults(
        FaultKind::Trap,
        vec![
            ("traps", trap("unreachable"), "unreachable"),
            ("component", component("unreachable"), "unreachable"),
            ("divides", trap("(drop (i32.div_u (i32.const 1) (i32.const 0)))"), "divide"),
            ("reads", trap("(drop (i32.load (i32.const -4)))"), "out of bounds"),
            ("stack", trap("(call $batch (local.get 0) (local.get 1))"), "stack"),
            ("component-stack", component("(call $batch (local.get 0) (local.get 1))"), "stack"),
            ("memory", trap(GREEDY), "of memory (limit 8388608)"),
            ("component-memory", component(GREEDY), "of memory (limit 8388608)"),
            (
                "verdict",
                guest::script(&DROP.replace("(i32.const 1)", "(i32.const 2)")),
                "verdict 2",
            ),
            (
                "component-verdict",
                Component {
                    data: &returned(600, &[3; EVENTS as usize]),
                    batch: "(i32.const 600)",
                    ..Component::default()
                }
                .build(),
                "verdict 3",
            ),
            (
                "verdicts-few",
                Component {
                    data: &returned(600, &[0; 3]),
                    batch: "(i32.const 600)",
                    ..Component::default()
                }
                .build(),
                "3 verdicts for 64 events",
            ),
            (
                "verdicts-far",
                Component {
                    data: &data(600, &[0xff; 8]),
                    batch: "(i32.const 600)",
                    ..Component::default()
                }
                .build(),
                "out of bounds",
            ),
            ("verdicts-odd", component("(i32.const -2)"), ""),
        ],
    );
}

#[test]
fn traps_every_tenth_batch() {
    let (inside, infos) = attack(&[("tenth", guest::script(TRAP_ON_TENTH))]);
    let rows = inside.pipelines.rows();
    let row = rows.iter().find(|row| row.name == "tenth").unwrap();
    assert!(row.trapped >= EVENTS && row.kept >= 9 * EVENTS, "{row:?}");
    assert_eq!(row.kept + row.trapped + row.quarantined, row.delivered, "{row:?}");
    assert_eq!(infos[0].faults.last.as_ref().unwrap().backtrace[0], "tenth");
}

#[test]
fn bad_pointers_and_numbers_in_every_call() {
    let far = "(i32.const 16) (i32.const -1)";
    let name = "(i32.const 16) (i32.const 4)";
    let three = "(param i32 i32 i32)";
    let five = "(param i32 i32 i32 i32 i32)";
    let args = |parts: &[&str]| parts.join(" ");
    let zero = "(i32.const 0)";
    check_faults(
        FaultKind::Trap,
        vec![
            ("log-text", calling("log", three, &args(&[zero, far])), "log: the text"),
            ("log-level", calling("log", three, &args(&["(i32.const 4)", name])), "log: level 4"),
            (
                "param-name",
                calling("param", "(param i32 i32 i32 i32) (result i32)", &args(&[far, name])),
                "param: the name",
            ),
            (
                "process-room",
                calling("process", "(param i32 i32 i32) (result i32)", &args(&[zero, far])),
                "process: the room",
            ),
            (
                "open-name",
                calling(
                    "table_open",
                    "(param i32 i32 i32 i32 i32) (result i32)",
                    &args(&[zero, far, name]),
                ),
                "table_open: the name",
            ),
            (
                "open-options",
                calling(
                    "table_open",
                    "(param i32 i32 i32 i32 i32) (result i32)",
                    &args(&[zero, name, far]),
                ),
                "table_open: the options",
            ),
            (
                "open-kind",
                calling(
                    "table_open",
                    "(param i32 i32 i32 i32 i32) (result i32)",
                    &args(&["(i32.const 99)", name, "(i32.const 20) (i32.const 2)"]),
                ),
                "kind 99",
            ),
            (
                "open-utf8",
                calling(
                    "table_open",
                    "(param i32 i32 i32 i32 i32) (result i32)",
                    &args(&[zero, "(i32.const 22) (i32.const 1)", "(i32.const 20) (i32.const 2)"]),
                ),
                "not UTF-8",
            ),
            (
                "add-key",
                calling(
                    "table_add",
                    "(param i32 i32 i32 i64)",
                    &args(&[zero, far, "(i64.const 1)"]),
                ),
                "table_add: the key",
            ),
            (
                "add-table",
                calling(
                    "table_add",
                    "(param i32 i32 i32 i64)",
                    &args(&["(i32.const 7)", name, "(i64.const 1)"]),
                ),
                "table 7 was not opened",
            ),
            (
                "many-rows",
                calling("table_add_many", three, &args(&[zero, far])),
                "table_add_many: the rows",
            ),
            (
                "many-row",
                calling("table_add_many", three, &args(&[zero, "(i32.const 16) (i32.const 24)"])),
                "the row at 0",
            ),
            ("attr-name", calling("attr", five, &args(&[zero, far, name])), "attr: the name"),
            ("attr-value", calling("attr", five, &args(&[zero, name, far])), "attr: the value"),
            (
                "attr-event",
                calling("attr", five, &args(&["(i32.const 64)", name, name])),
                "attr: event 64 of a batch of 64",
            ),
            ("emit-text", calling("emit", "(param i32 i32)", far), "emit: the text"),
            ("emit-json", calling("emit", "(param i32 i32)", name), "not JSON"),
            (
                "c-log",
                component("(call $log (i32.const 0) (i32.const 16) (i32.const -1)) unreachable"),
                "out of bounds",
            ),
            (
                "c-level",
                component("(call $log (i32.const 9) (i32.const 16) (i32.const 1)) unreachable"),
                "discriminant",
            ),
            (
                "c-open",
                component(
                    "(call $open (i32.const 0) (i32.const 16) (i32.const -1)
                (i32.const 16) (i32.const 1) (i32.const 600)) unreachable",
                ),
                "out of bounds",
            ),
            (
                "c-result",
                component(
                    "(call $open (i32.const 0) (i32.const 16) (i32.const 1)
                (i32.const 16) (i32.const 1) (i32.const -4)) unreachable",
                ),
                "out of bounds",
            ),
            (
                "c-add",
                component("(call $add (i32.const 16) (i32.const 100000000)) unreachable"),
                "",
            ),
            ("c-attr", component("(call $attr (i32.const -16) (i32.const 1)) unreachable"), ""),
            ("c-emit", component("(call $emit (i32.const 16) (i32.const -1)) unreachable"), ""),
            (
                "c-event",
                Component {
                    data: &data(600, &[64, 0, 0, 0]),
                    batch: "(call $attr (i32.const 600) (i32.const 1)) unreachable",
                    ..Component::default()
                }
                .build(),
                "attr: event 64 of a batch of 64",
            ),
        ],
    );
}

#[test]
fn calls_back_when_it_may_not() {
    // The host asks for a buffer, and is asked for something meanwhile.
    let alloc = |import: &str, body: &str| {
        guest::text(
            &format!("(module {import} {FRAME} {KEEP})")
                .replace("(local $pages i32)", &format!("(local $pages i32) {body}")),
        )
    };
    check_faults(
        FaultKind::Trap,
        vec![
            (
                "attr-in-alloc",
                alloc(
                    r#"(import "weir" "attr" (func $attr (param i32 i32 i32 i32 i32)))"#,
                    "(call $attr (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))",
                ),
                "attr: event 0 of a batch of 0",
            ),
            (
                "log-in-after",
                Component {
                    more: "(global $batch (mut i32) (i32.const 0))",
                    batch: "(global.set $batch (i32.const 1)) (i32.const 512)",
                    after: "(if (global.get $batch)
                        (then (call $log (i32.const 0) (i32.const 16) (i32.const 1))))",
                    ..Component::default()
                }
                .build(),
                "cannot leave component instance",
            ),
        ],
    );
}

#[test]
fn floods() {
    let flood = |call: &str, count: u32| {
        format!(
            "(loop $again
                {call}
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get $n) (i32.const {count}))))"
        )
    };
    let module = |import: &str, body: &str| {
        guest::text(&format!(
            r#"(module {import}
                (import "weir" "table_open" (func $open (param i32 i32 i32 i32 i32) (result i32)))
                {FRAME}
                (data (i32.const 16) "name{{\22labels\22:[\22x\22]}}{{}}")
                (global $key (mut i64) (i64.const 0))
                (func (export "weir_batch") (param $at i32) (param i32) (local $n i32) {body}))"#
        ))
    };
    let four = "(i32.const 16) (i32.const 4)";
    let cases = [
        (
            "log",
            module(
                r#"(import "weir" "log" (func $log (param i32 i32 i32)))"#,
                &flood(&format!("(call $log (i32.const 1) {four})"), 1000),
            ),
        ),
        (
            "attr",
            module(
                r#"(import "weir" "attr" (func $attr (param i32 i32 i32 i32 i32)))"#,
                &flood(&format!("(call $attr (i32.const 0) {four} {four})"), 1000),
            ),
        ),
        (
            "emit",
            module(
                r#"(import "weir" "emit" (func $emit (param i32 i32)))"#,
                &flood("(call $emit (i32.const 36) (i32.const 2))", 10_000),
            ),
        ),
        (
            "keys",
            module(
                r#"(import "weir" "table_add" (func $add (param i32 i32 i32 i64)))"#,
                &format!(
                    "(drop (call $open (i32.const 0) {four} (i32.const 20) (i32.const 16))) {}",
                    flood(
                        "(global.set $key (i64.add (global.get $key) (i64.const 1)))
                         (i64.store (i32.const 64) (i64.or (global.get $key)
                            (i64.const 0x4040404040404040)))
                         (call $add (i32.const 0) (i32.const 64) (i32.const 8) (i64.const 1))",
                        400,
                    )
                ),
            ),
        ),
        (
            "component",
            Component {
                data: &data(1000, b"{}"),
                batch: "(i32.store (i32.const 600) (i32.const 1000))
                        (i32.store (i32.const 604) (i32.const 2))
                        (loop $again
                            (call $emit (i32.const 600) (i32.const 1))
                            (local.set $i (i32.add (local.get $i) (i32.const 1)))
                            (br_if $again (i32.lt_u (local.get $i) (i32.const 5000))))
                        (i32.const 512)",
                ..Component::default()
            }
            .build(),
        ),
    ];
    let (inside, infos) = attack(&cases);
    for info in &infos {
        assert_eq!(info.faults.last.as_ref().map(|fault| &fault.message), None, "{}", info.name);
        assert_eq!(info.state, ScriptState::Running, "{}", info.name);
    }
    let (lines, dropped) = inside.pipelines.log("log").unwrap().last(10_000);
    assert!(lines.len() <= 500 && dropped > 0, "{} lines, {dropped} dropped", lines.len());
    for name in ["attr", "emit", "component"] {
        let info = inside.script(name);
        assert!(info.output_refused > 0, "{info:?}");
    }
    for name in ["emit", "component"] {
        let (results, total) = inside.pipelines.emitted(name).unwrap().last(10_000);
        assert!(results.len() <= 1000 && total >= 1000, "{} of {total}", results.len());
    }
    let table = &inside.pipelines.tables()[&("keys".to_owned(), "name".to_owned())];
    let query = Query { sort: None, descending: true, limit: 10_000, now_ns: 0 };
    let (rows, other) = table.rows(&query).unwrap();
    assert_eq!((rows.len(), other.is_some()), (100, true));
}

#[test]
fn is_not_even_taken() {
    let inside = Inside::new(LIMITS);
    let returning = |function: &str, packed: u64| {
        guest::script(&format!(
            r#"{KEEP} (data (i32.const 16) "not JSON")
               (func (export "weir_{function}") (result i64) (i64.const {packed}))"#
        ))
    };
    let ten_megabytes = 10 << 20;
    let padded = |bytes: usize| {
        guest::script(&format!(r#"{KEEP} (data (i32.const 16) "{}")"#, "x".repeat(bytes)))
    };
    let c = |part: &str, body: &str, data: &str| {
        let mut component = Component { data, ..Component::default() };
        match part {
            "describe" => component.describe = body,
            _ => component.start = body,
        }
        component.build()
    };
    let endless = format!("{ENDLESS} unreachable");
    let other_abi = format!("(module {FRAME} {KEEP})").replace("(i32.const 1))", "(i32.const 2))");
    let long = [600u32.to_le_bytes(), (ten_megabytes as u32).to_le_bytes()].concat();
    for (module, text) in [
        (guest::text(&other_abi), "ABI 2"),
        (padded(2 << 20), "more than the limit of 1048576"),
        (returning("describe", 16 << 32 | 8), "is not a description"),
        (returning("describe", 16 << 32 | ten_megabytes), "a text of 10485760 bytes"),
        (returning("describe", u64::MAX), "a text of"),
        (returning("start", 16 << 32 | ten_megabytes), "a text of 10485760 bytes"),
        (
            guest::script(&format!(
                r#"{KEEP} (func (export "weir_start") (result i64) {endless})"#
            )),
            "weir_start failed: ran longer than its limit of 20ms",
        ),
        (
            guest::script(&format!("{KEEP} (func $begin {ENDLESS}) (start $begin)")),
            "instantiation failed: ran longer",
        ),
        (
            guest::script(&format!(r#"{KEEP} (func (export "_initialize") {ENDLESS})"#)),
            "_initialize failed: ran longer",
        ),
        (
            guest::text(
                &format!("(module {FRAME} {KEEP})").replace("\"memory\") 4", "\"memory\") 4000"),
            ),
            "memory",
        ),
        (guest::script(&format!("{KEEP} (table 10000000 funcref)")), "table"),
        (c("describe", "(i32.const 600)", &returned(600, b"not JSON")), "is not a description"),
        (c("describe", "(i32.const 600)", &data(600, &long)), "describe failed"),
        (c("start", &endless, ""), "start failed: ran longer than its limit of 20ms"),
        (c("start", "(i32.const 600)", &data(600, &[9])), "start failed"),
    ] {
        let why = inside.refused("hostile", &module);
        assert!(why.contains(text), "{text:?} is not in {why:?}");
        assert!(inside.pipelines.script("hostile").is_none());
    }
    inside.finish();
}
