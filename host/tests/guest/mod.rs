//! Scripts written for tests, as WebAssembly text.
#![allow(dead_code, reason = "each test binary uses another part")]

/// What every script has: memory, its ABI, and a buffer at 64 KiB that grows as it must.
pub const FRAME: &str = r#"
    (memory (export "memory") 4)
    (func (export "weir_abi") (result i32) (i32.const 1))
    (func (export "weir_alloc") (param $bytes i32) (result i32)
        (local $pages i32)
        (local.set $pages (i32.sub
            (i32.add (i32.const 1) (i32.div_u (i32.add (local.get $bytes) (i32.const 65535)) (i32.const 65536)))
            (memory.size)))
        (if (i32.gt_s (local.get $pages) (i32.const 0))
            (then (drop (memory.grow (local.get $pages)))))
        (i32.const 65536))
"#;

/// Keeps every event.
pub const KEEP: &str = r#"(func (export "weir_batch") (param i32 i32))"#;

/// Drops every event: fills the verdicts, as many as there are events, with 1.
pub const DROP: &str = r#"
    (func (export "weir_batch") (param $at i32) (param i32)
        (memory.fill
            (i32.add (local.get $at) (i32.load offset=16 (local.get $at)))
            (i32.const 1)
            (i32.load offset=4 (local.get $at))))
"#;

/// Traps on every tenth batch of an instance.
pub const TRAP_ON_TENTH: &str = r#"
    (global $batches (mut i32) (i32.const 0))
    (func $tenth unreachable)
    (func (export "weir_batch") (param i32 i32)
        (global.set $batches (i32.add (global.get $batches) (i32.const 1)))
        (if (i32.eqz (i32.rem_u (global.get $batches) (i32.const 10)))
            (then (call $tenth))))
"#;

/// Never comes to an end.
pub const LOOP: &str = r#"(func (export "weir_batch") (param i32 i32) (loop $again (br $again)))"#;

/// A script of the frame and these parts.
pub fn script(parts: &str) -> Vec<u8> {
    text(&format!("(module {FRAME} {parts})"))
}

/// Keeps every event and gives each the attribute `version`, which is one character.
pub fn label(version: char) -> Vec<u8> {
    text(&format!(
        r#"(module
            (import "weir" "attr" (func $attr (param i32 i32 i32 i32 i32)))
            {FRAME}
            (data (i32.const 16) "version{version}")
            (func (export "weir_batch") (param $at i32) (param i32)
                (local $event i32)
                (loop $next
                    (call $attr (local.get $event) (i32.const 16) (i32.const 7) (i32.const 23) (i32.const 1))
                    (local.set $event (i32.add (local.get $event) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $event) (i32.load offset=4 (local.get $at))))))
        )"#
    ))
}

/// A module from its whole text.
pub fn text(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
