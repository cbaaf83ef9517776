//! AssemblyScript: getters that load from the batch.

use super::{
    layout::{Kind, Layout, Struct},
    text::{ERRORS_NOTICE, NOTICE, comment},
};

/// sdk/assemblyscript/layout.ts.
pub fn layout(layout: &Layout) -> String {
    let mut to = format!("// {NOTICE}\n\nimport {{ Bytes }} from \"./bytes\";\n\n");
    for known in &layout.consts {
        comment(&mut to, "// ", &known.docs);
        to.push_str(&format!("export const {}: i32 = {};\n", known.name, known.value));
    }
    to.push_str(
        "// Names of the calls: that of call 1 first.\nexport const CALL_NAMES: string[] = [",
    );
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
        "export class {name} {{\n  // Where it stands, and the heap that its parts lie in.\n  \
         at: usize = 0;\n  heap_at: usize = 0;\n  heap_bytes: u32 = 0;\n\n  \
         // Bytes of the fields that are known here.\n  static readonly BYTES: u32 = {};\n",
        of.bytes
    ));
    for field in of.used() {
        to.push('\n');
        comment(to, "  // ", &field.docs);
        let (name, at) = (&field.name, field.offset);
        let (kind, value) = match field.kind {
            Kind::Unsigned(bits) => (format!("u{bits}"), format!("load<u{bits}>(this.at, {at})")),
            Kind::Signed(bits) => (format!("i{bits}"), format!("load<i{bits}>(this.at, {at})")),
            Kind::Bytes(bytes) => ("Bytes".into(), format!("new Bytes(this.at + {at}, {bytes})")),
            Kind::Span => (
                "Bytes".into(),
                format!("Bytes.part(this.heap_at, this.heap_bytes, this.at + {at})"),
            ),
        };
        to.push_str(&format!("  @inline get {name}(): {kind} {{ return {value}; }}\n"));
    }
    to.push_str("}\n");
}

/// sdk/assemblyscript/errno.ts.
pub fn errors(layout: &Layout) -> String {
    let mut to = format!(
        "// {ERRORS_NOTICE}\n\n// Name of an error as in the kernel's headers, EAGAIN of 11: \"unknown\" where a \
         number has none, \"\" for 0.\nexport function error_name(number: i32): string {{\n  \
         switch (number) {{\n    case 0: return \"\";\n"
    );
    for (number, name) in &layout.errors {
        to.push_str(&format!("    case {number}: return \"{name}\";\n"));
    }
    to.push_str("    default: return \"unknown\";\n  }\n}\n");
    to
}

/// The conformance guest's list of fields.
pub fn fields(layout: &Layout) -> String {
    let mut to = format!(
        "// {NOTICE}\n\nimport {{ BatchHeader, Head }} from \"../../../../../sdk/assemblyscript/layout\";\nimport {{ Text }} from \"./text\";\n"
    );
    for (function, of, kind) in
        [("header", &layout.header, "BatchHeader"), ("event", &layout.head, "Head")]
    {
        to.push_str(&format!("\nexport function {function}(out: Text, it: {kind}): void {{\n"));
        for field in of.used() {
            let name = &field.name;
            to.push_str(&match field.kind {
                Kind::Unsigned(_) => format!("  out.unsigned(\"{name}\", <u64>it.{name});\n"),
                Kind::Signed(_) => format!("  out.signed(\"{name}\", <i64>it.{name});\n"),
                Kind::Bytes(_) | Kind::Span => format!("  out.bytes(\"{name}\", it.{name});\n"),
            });
        }
        to.push_str("}\n");
    }
    to
}
