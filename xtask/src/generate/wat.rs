//! WebAssembly text: a load per field, for the conformance guest. There is no SDK in it; docs/scripting.md has
//! the offsets.

use super::{
    layout::{Kind, Layout},
    text::NOTICE,
};

/// Where the names of the fields lie in the guest's memory.
const NAMES_AT: usize = 1024;

/// host/tests/conformance/guests/wat/fields.wat: functions of the module that it is put into.
pub fn fields(layout: &Layout) -> String {
    let mut to = format!(";; {NOTICE}\n");
    let mut names = String::new();
    for (function, of) in [("header", &layout.header), ("event", &layout.head)] {
        to.push_str(&format!("\n(func ${function}_fields (param $it i32)\n"));
        for field in of.used() {
            let name =
                format!("(i32.const {}) (i32.const {})", NAMES_AT + names.len(), field.name.len());
            names.push_str(&field.name);
            let at = field.offset;
            let load = |load: &str| format!("(i64.{load} offset={at} (local.get $it))");
            to.push_str(&match field.kind {
                Kind::Unsigned(64) => format!("  (call $unsigned {name} {})\n", load("load")),
                Kind::Unsigned(bits) => {
                    format!("  (call $unsigned {name} {})\n", load(&format!("load{bits}_u")))
                }
                Kind::Signed(64) => format!("  (call $signed {name} {})\n", load("load")),
                Kind::Signed(bits) => {
                    format!("  (call $signed {name} {})\n", load(&format!("load{bits}_s")))
                }
                Kind::Bytes(bytes) => format!(
                    "  (call $bytes {name} (i32.add (local.get $it) (i32.const {at})) (i32.const {bytes}))\n"
                ),
                Kind::Span => format!(
                    "  (call $part {name} (i32.add (local.get $it) (i32.const {at})))\n"
                ),
            });
        }
        to.push_str(")\n");
    }
    to.push_str(&format!("\n(data (i32.const {NAMES_AT}) \"{names}\")\n"));
    to
}
