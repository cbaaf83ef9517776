//! More of everything than a script may have.

use weir::{pipeline::ScriptState, table::Query};

use super::attack;
use crate::guest::{self, Component, FRAME, data};

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
