//! Scripts written for tests, as WebAssembly text.
#![allow(dead_code, unused_imports, reason = "each test binary uses another part")]

mod component;

use std::{mem::offset_of, process};

use weir_sdk::event::Head;

pub use component::{Component, data, error, returned};

/// What every script has: memory, its ABI, and a buffer at 64 KiB that grows as it must.
pub const FRAME: &str = r#"
    (memory (export "memory") 4)
    (func (export "weir_abi") (result i32) (i32.const 1))
    (func (export "weir_alloc") (param $bytes i32) (result i32)
        (local $pages i32)
        (local.set $pages (i32.div_u
            (i32.add (local.get $bytes) (i32.const 131071))
            (i32.const 65536)))
        (local.set $pages (i32.sub (local.get $pages) (memory.size)))
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

/// Traps when the number of an event is not the one after that of the event before.
pub const GAPLESS: &str = r#"
    (global $seq (mut i64) (i64.const 0))
    (func (export "weir_batch") (param $at i32) (param i32)
        (local $event i32) (local $head i32)
        (local.set $head (i32.add (local.get $at) (i32.load offset=12 (local.get $at))))
        (loop $next
            (global.set $seq (i64.add (global.get $seq) (i64.const 1)))
            (if (i64.ne (i64.load (local.get $head)) (global.get $seq)) (then unreachable))
            (local.set $head (i32.add (local.get $head) (i32.load offset=8 (local.get $at))))
            (local.set $event (i32.add (local.get $event) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $event) (i32.load offset=4 (local.get $at))))))
"#;

/// Never comes to an end.
pub const LOOP: &str = r#"(func (export "weir_batch") (param i32 i32) (loop $again (br $again)))"#;

/// Takes as much memory as there is, then traps.
pub const GREEDY: &str = r#"
    (loop $again
        (br_if $again (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0))))
    unreachable
"#;

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
                    (call $attr (local.get $event)
                        (i32.const 16) (i32.const 7) (i32.const 23) (i32.const 1))
                    (local.set $event (i32.add (local.get $event) (i32.const 1)))
                    (br_if $next
                        (i32.lt_u (local.get $event) (i32.load offset=4 (local.get $at)))))))"#
    ))
}

/// Name of a thread while it asks weir something: [`own`] drops what it calls.
const ASKING: [u8; 8] = *b"askweir\0";

/// While it lives, the calls of this thread are those of asking.
pub struct Asking([u8; 16]);

impl Asking {
    pub fn new() -> Self {
        let mut name = [0; 16];
        // SAFETY: there is room for a name; the new one ends with NUL.
        unsafe {
            libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr());
            libc::prctl(libc::PR_SET_NAME, ASKING.as_ptr());
        }
        Self(name)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        // SAFETY: the kernel ended the name with NUL.
        unsafe { libc::prctl(libc::PR_SET_NAME, self.0.as_ptr()) };
    }
}

/// Keeps the events of this process and of its children: among those of a busy machine they would
/// not be kept for long.
pub fn own() -> Vec<u8> {
    own_wanting(&["sendmsg"], 0)
}

/// The same of these calls, with so much payload.
pub fn own_wanting(calls: &[&str], payload: usize) -> Vec<u8> {
    let wants = wants(calls, payload);
    script(&format!(
        r#"{wants} (func (export "weir_batch") (param $at i32) (param i32)
            (local $event i32) (local $head i32) (local $verdict i32)
            (local.set $head (i32.add (local.get $at) (i32.load offset=12 (local.get $at))))
            (local.set $verdict (i32.add (local.get $at) (i32.load offset=16 (local.get $at))))
            (loop $next
                (i32.store8 (local.get $verdict) (i32.or
                    (i64.eq (i64.load offset={} (local.get $head)) (i64.const {asking}))
                    (i32.and
                        (i32.ne (i32.load offset={} (local.get $head)) (i32.const {own}))
                        (i32.ne (i32.load offset={} (local.get $head)) (i32.const {own})))))
                (local.set $verdict (i32.add (local.get $verdict) (i32.const 1)))
                (local.set $head (i32.add (local.get $head) (i32.load offset=8 (local.get $at))))
                (local.set $event (i32.add (local.get $event) (i32.const 1)))
                (br_if $next
                    (i32.lt_u (local.get $event) (i32.load offset=4 (local.get $at))))))"#,
        offset_of!(Head, comm),
        offset_of!(Head, pid),
        offset_of!(Head, ppid),
        asking = i64::from_le_bytes(ASKING),
        own = process::id(),
    ))
}

/// The description of a script that wants these calls and so much payload.
pub fn wants(calls: &[&str], payload: usize) -> String {
    wanting(&format!(r#"{{"calls":{calls:?},"payload":{payload}}}"#))
}

/// The description of a script that says this of its wants.
pub fn wanting(wants: &str) -> String {
    let describe = format!(r#"{{"wants":{wants}}}"#);
    format!(
        r#"(data (i32.const 1024) "{}")
        (func (export "weir_describe") (result i64) (i64.const {}))"#,
        describe.replace('"', r"\22"),
        1024u64 << 32 | describe.len() as u64,
    )
}

/// A module from its whole text.
pub fn text(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
