//! Scripts that make a host call for each event of a batch.

use crate::guest::{self, Component, FRAME};

/// Adds 1 to the row of an 8-byte key.
pub const TABLE_ADD: &str =
    "(call $add (local.get $table) (i32.const 64) (i32.const 8) (i64.const 1))";
/// Gives the event at hand an attribute.
pub const ATTR: &str =
    "(call $attr (local.get $i) (i32.const 64) (i32.const 4) (i32.const 68) (i32.const 4))";

const IMPORTS: &str = r#"
    (import "weir" "table_open" (func $open (param i32 i32 i32 i32 i32) (result i32)))
    (import "weir" "table_add" (func $add (param i32 i32 i32 i64)))
    (import "weir" "table_add_many" (func $many (param i32 i32 i32)))
    (import "weir" "attr" (func $attr (param i32 i32 i32 i32 i32)))"#;
const TABLE: &str = "(local.set $table (call $open (i32.const 0) (i32.const 16) (i32.const 6)
        (i32.const 22) (i32.const 16)))";
const DATA: &str = r#"(data (i32.const 16) "events{\22labels\22:[\22x\22]}")
    (data (i32.const 64) "12345678")"#;

/// A core module that does this for each event, `$i`.
pub fn core(call: &str) -> Vec<u8> {
    guest::text(&format!(
        r#"(module {IMPORTS} {FRAME} {DATA}
            (func (export "weir_batch") (param $at i32) (param i32)
                (local $i i32) (local $table i32)
                {TABLE}
                (loop $next
                    {call}
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $i) (i32.load offset=4 (local.get $at)))))))"#
    ))
}

/// A core module that gathers a row for each event, and hands them over in one call.
pub fn core_many() -> Vec<u8> {
    guest::text(&format!(
        r#"(module {IMPORTS} {FRAME} {DATA}
            (func (export "weir_batch") (param $at i32) (param i32)
                (local $i i32) (local $table i32) (local $to i32)
                {TABLE}
                (local.set $to (i32.const 1024))
                (loop $next
                    (i64.store (local.get $to) (i64.const 8))
                    (i64.store offset=8 (local.get $to) (i64.const 1))
                    (i64.store offset=16 (local.get $to) (i64.load (i32.const 64)))
                    (local.set $to (i32.add (local.get $to) (i32.const 24)))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $i) (i32.load offset=4 (local.get $at)))))
                (call $many (local.get $table) (i32.const 1024)
                    (i32.sub (local.get $to) (i32.const 1024)))))"#
    ))
}

/// As [`TABLE_ADD`]; one update lies at 1024.
pub const COMPONENT_TABLE_ADD: &str = "(call $add (i32.const 1024) (i32.const 1))";
/// As [`ATTR`]; one attribute lies at 1064.
pub const COMPONENT_ATTR: &str = "(i32.store (i32.const 1064) (local.get $i))
    (call $attr (i32.const 1064) (i32.const 1))";

/// A component that does this for each event, `$i`.
pub fn component(call: &str) -> Vec<u8> {
    let words =
        |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    // The table that is opened at start has the handle 0.
    let update = [words(&[0, 64, 8, 0]), 1.0f64.to_le_bytes().to_vec()].concat();
    let data = [
        DATA.to_owned(),
        guest::data(1024, &update),
        guest::data(1064, &words(&[0, 64, 4, 68, 4])),
    ]
    .concat();
    let batch = format!(
        "(loop $next
            {call}
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (i32.load offset=4 (local.get $at)))))
         (i32.const 512)"
    );
    let start =
        "(call $open (i32.const 0) (i32.const 16) (i32.const 6) (i32.const 22) (i32.const 16)
            (i32.const 900))
        (i32.const 512)";
    Component { data: &data, start, batch: &batch, ..Component::default() }.build()
}
