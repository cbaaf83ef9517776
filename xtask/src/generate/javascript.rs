//! JavaScript: getters that read from a view of the batch. A field of 64 bits is a Number, exact up to 2^53,
//! and beside it two of 32 bits: a BigInt per event would be slow.

use super::{
    layout::{Field, Kind, Layout, Struct},
    text::{ERRORS_NOTICE, NOTICE, comment},
};

/// sdk/js/layout.js.
pub fn layout(layout: &Layout) -> String {
    let mut to = format!("// {NOTICE}\n\n");
    for known in &layout.consts {
        comment(&mut to, "// ", &known.docs);
        to.push_str(&format!("export const {} = {};\n", known.name, known.value));
    }
    to.push_str("// Names of the calls: that of call 1 first.\nexport const CALL_NAMES = [");
    let names: Vec<_> = layout.call_names.iter().map(|name| format!("{name:?}")).collect();
    to.push_str(&format!("{}];\n", names.join(", ")));
    declare(&mut to, "BatchHeader", &layout.header);
    declare(&mut to, "Head", &layout.head);
    to
}

fn declare(to: &mut String, name: &str, of: &Struct) {
    to.push('\n');
    comment(to, "// ", &of.docs);
    to.push_str(&format!(
        "export class {name} {{\n  // Bytes of the fields that are known here.\n  static BYTES = {};\n\n  \
         // The batch, as bytes and as a view of them; where this stands; the heap that its parts lie in.\n  \
         constructor(bytes, view, heap_at, heap_bytes) {{\n    this.all = bytes;\n    this.view = view;\n    \
         this.at = 0;\n    this.heap_at = heap_at;\n    this.heap_bytes = heap_bytes;\n  }}\n\n  \
         // A variable part: empty when there is nothing, or when it would lie outside of the heap.\n  \
         part(at) {{\n    const offset = this.view.getUint32(this.at + at, true);\n    \
         const len = this.view.getUint32(this.at + at + 4, true);\n    \
         if (offset + len > this.heap_bytes) return this.all.subarray(0, 0);\n    \
         return this.all.subarray(this.heap_at + offset, this.heap_at + offset + len);\n  }}\n",
        of.bytes
    ));
    for field in of.used() {
        to.push('\n');
        let wide = if is_wide(field) { " A Number: exact up to 2^53." } else { "" };
        comment(to, "  // ", &format!("{}{wide}", field.docs));
        let (name, at) = (&field.name, field.offset);
        let getter = |name: &str, value: &str| format!("  get {name}() {{ return {value}; }}\n");
        let load = |kind: &str, at: usize| format!("this.view.get{kind}(this.at + {at}, true)");
        to.push_str(&match field.kind {
            Kind::Unsigned(8) => getter(name, &format!("this.view.getUint8(this.at + {at})")),
            Kind::Unsigned(64) | Kind::Signed(64) => {
                let high = if field.kind == Kind::Signed(64) { "Int32" } else { "Uint32" };
                let (low, high) = (load("Uint32", at), load(high, at + 4));
                [
                    getter(name, &format!("{high} * 4294967296 + {low}")),
                    getter(&format!("{name}_low"), &low),
                    getter(&format!("{name}_high"), &high),
                ]
                .concat()
            }
            Kind::Unsigned(bits) => getter(name, &load(&format!("Uint{bits}"), at)),
            Kind::Signed(bits) => getter(name, &load(&format!("Int{bits}"), at)),
            Kind::Bytes(bytes) => getter(
                name,
                &format!("this.all.subarray(this.at + {at}, this.at + {})", at + bytes),
            ),
            Kind::Span => getter(name, &format!("this.part({at})")),
        });
    }
    to.push_str("}\n");
}

fn is_wide(field: &Field) -> bool {
    matches!(field.kind, Kind::Unsigned(64) | Kind::Signed(64))
}

/// sdk/js/errno.js.
pub fn errors(layout: &Layout) -> String {
    let mut to = format!("// {ERRORS_NOTICE}\n\nconst NAMES = {{\n");
    for (number, name) in &layout.errors {
        to.push_str(&format!("  {number}: \"{name}\",\n"));
    }
    to.push_str(
        "};\n\n// Name of an error as in the kernel's headers, EAGAIN of 11: \"unknown\" where a number has none, null for 0.\n\
         export const errorName = (number) => (number === 0 ? null : NAMES[number] ?? \"unknown\");\n",
    );
    to
}

/// The conformance guest's list of fields.
pub fn fields(layout: &Layout) -> String {
    let mut to = format!("// {NOTICE}\n");
    for (function, of) in [("header", &layout.header), ("event", &layout.head)] {
        to.push_str(&format!("\nexport function {function}(out, it) {{\n"));
        for field in of.used() {
            let name = &field.name;
            to.push_str(&match field.kind {
                _ if is_wide(field) => {
                    format!("  out.wide(\"{name}\", it.{name}, it.{name}_low, it.{name}_high);\n")
                }
                Kind::Unsigned(_) | Kind::Signed(_) => {
                    format!("  out.number(\"{name}\", it.{name});\n")
                }
                Kind::Bytes(_) | Kind::Span => format!("  out.bytes(\"{name}\", it.{name});\n"),
            });
        }
        to.push_str("}\n");
    }
    to
}
