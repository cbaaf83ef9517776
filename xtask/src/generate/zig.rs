//! Zig: structs of the same layout, which the compiler checks.

use super::{
    layout::{Kind, Layout, Struct},
    text::{ERRORS_NOTICE, NOTICE, comment},
};

/// sdk/zig/layout.zig.
pub fn layout(layout: &Layout) -> String {
    let mut to = format!("//! {NOTICE}\n\nconst std = @import(\"std\");\n\n");
    for known in &layout.consts {
        comment(&mut to, "/// ", &known.docs);
        to.push_str(&format!("pub const {} = {};\n", known.name, known.value));
    }
    to.push_str("/// Names of the calls: that of call 1 first.\n");
    to.push_str(&format!(
        "pub const CALL_NAMES = [_][]const u8{{ {} }};\n\n",
        layout.call_names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
    ));
    to.push_str(
        "/// A variable part of an event: a range of the batch's heap.\n\
         pub const Span = extern struct {\n    \
         /// First byte, counted from the start of the heap.\n    offset: u32,\n    \
         /// Length in bytes; 0 when there is nothing.\n    len: u32,\n};\n",
    );
    declare(&mut to, "BatchHeader", &layout.header);
    declare(&mut to, "Head", &layout.head);
    to
}

fn declare(to: &mut String, name: &str, of: &Struct) {
    to.push('\n');
    comment(to, "/// ", &of.docs);
    to.push_str(&format!("pub const {name} = extern struct {{\n"));
    for field in &of.fields {
        comment(to, "    /// ", &field.docs);
        let kind = match field.kind {
            Kind::Unsigned(bits) => format!("u{bits}"),
            Kind::Signed(bits) => format!("i{bits}"),
            Kind::Bytes(bytes) => format!("[{bytes}]u8"),
            Kind::Span => "Span".to_owned(),
        };
        to.push_str(&format!("    {}: {kind},\n", field.name));
    }
    to.push_str(&format!(
        "\n    comptime {{\n        std.debug.assert(@sizeOf({name}) == {});\n",
        of.bytes
    ));
    for field in &of.fields {
        let (field, at) = (&field.name, field.offset);
        to.push_str(&format!(
            "        std.debug.assert(@offsetOf({name}, \"{field}\") == {at});\n"
        ));
    }
    to.push_str("    }\n};\n");
}

/// sdk/zig/errno.zig.
pub fn errors(layout: &Layout) -> String {
    let mut to = format!(
        "//! {ERRORS_NOTICE}\n\n/// Name of an error as in the kernel's headers, EAGAIN of 11. \"unknown\" where a \
         number has none; null for 0.\npub fn errorName(number: u32) ?[]const u8 {{\n    \
         return switch (number) {{\n        0 => null,\n"
    );
    for (number, name) in &layout.errors {
        to.push_str(&format!("        {number} => \"{name}\",\n"));
    }
    to.push_str("        else => \"unknown\",\n    };\n}\n");
    to
}

/// The conformance guest's list of fields.
pub fn fields(layout: &Layout) -> String {
    let mut to = format!("//! {NOTICE}\n\nconst weir = @import(\"weir\");\n");
    for (function, of, from, at) in [
        ("header", &layout.header, "batch: weir.Batch", "batch.header"),
        ("event", &layout.head, "it: weir.Event", "it.head"),
    ] {
        to.push_str(&format!("\npub fn {function}(out: anytype, {from}) void {{\n"));
        for field in of.used() {
            let name = &field.name;
            to.push_str(&match field.kind {
                Kind::Unsigned(_) | Kind::Signed(_) => {
                    format!("    out.number(\"{name}\", {at}.{name});\n")
                }
                Kind::Bytes(_) => format!("    out.bytes(\"{name}\", &{at}.{name});\n"),
                Kind::Span => format!("    out.bytes(\"{name}\", it.part({at}.{name}));\n"),
            });
        }
        to.push_str("}\n");
    }
    to
}
