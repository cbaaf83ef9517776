//! Attacks by the host calls themselves.

use weir::script::FaultKind;

use super::{calling, check_faults, component};
use crate::guest::{self, Component, FRAME, KEEP, data};

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
