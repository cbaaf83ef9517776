//! Scripts that attack their host. Each has an outcome, and none costs another script one event.

#[path = "hostile/calls.rs"]
mod calls;
#[path = "hostile/floods.rs"]
mod floods;

use std::time::Duration;

use weir::{
    pipeline::ScriptInfo,
    script::{FaultKind, Limits},
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
