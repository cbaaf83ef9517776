//! Go: structs of the same layout, which the compiler checks.

use super::{
    layout::{Kind, Layout, Struct},
    text::{ERRORS_NOTICE, NOTICE, camel, comment},
};

/// sdk/go/layout.go, as gofmt writes it.
pub fn layout(layout: &Layout) -> String {
    let mut to = format!("// {NOTICE}\n\npackage weir\n\nimport \"unsafe\"\n\n");
    for known in &layout.consts {
        let name = camel(&known.name);
        comment(&mut to, "// ", &format!("{name}: {}", known.docs));
        to.push_str(&format!("const {name} = {}\n\n", known.value));
    }
    to.push_str("// CallNames has the names of the calls: that of call 1 first.\nvar CallNames = [...]string{");
    let names: Vec<_> = layout.call_names.iter().map(|name| format!("{name:?}")).collect();
    to.push_str(&format!("{}}}\n\n", names.join(", ")));
    to.push_str(
        "// Span is a variable part of an event: a range of the batch's heap.\ntype Span struct {\n\
         \t// First byte, counted from the start of the heap.\n\tOffset uint32\n\
         \t// Length in bytes; 0 when there is nothing.\n\tLen uint32\n}\n",
    );
    declare(&mut to, "BatchHeader", &layout.header);
    declare(&mut to, "Head", &layout.head);
    to
}

fn field_name(name: &str) -> String {
    // What is not exported is reserved.
    if name.starts_with("reserved") { name.to_owned() } else { camel(name) }
}

fn declare(to: &mut String, name: &str, of: &Struct) {
    to.push('\n');
    comment(to, "// ", &format!("{name}: {}", of.docs));
    to.push_str(&format!("type {name} struct {{\n"));
    for field in &of.fields {
        comment(to, "\t// ", &field.docs);
        let kind = match field.kind {
            Kind::Unsigned(bits) => format!("uint{bits}"),
            Kind::Signed(bits) => format!("int{bits}"),
            Kind::Bytes(bytes) => format!("[{bytes}]byte"),
            Kind::Span => "Span".to_owned(),
        };
        to.push_str(&format!("\t{} {kind}\n", field_name(&field.name)));
    }
    to.push_str("}\n\n// Offsets that differ do not compile: the index would be out of range.\n");
    to.push_str(&format!("var _ = [1]struct{{}}{{}}[unsafe.Sizeof({name}{{}})-{}]\n", of.bytes));
    for field in &of.fields {
        to.push_str(&format!(
            "var _ = [1]struct{{}}{{}}[unsafe.Offsetof({name}{{}}.{})-{}]\n",
            field_name(&field.name),
            field.offset
        ));
    }
}

/// sdk/go/errno.go, as gofmt writes it.
pub fn errors(layout: &Layout) -> String {
    let mut to = format!(
        "// {ERRORS_NOTICE}\n\npackage weir\n\n// ErrorName returns the name of an error as in the kernel's headers, \
         EAGAIN of 11: \"unknown\" where a number has\n// none, \"\" for 0.\n\
         func ErrorName(number uint32) string {{\n\tswitch number {{\n\tcase 0:\n\t\treturn \"\"\n"
    );
    for (number, name) in &layout.errors {
        to.push_str(&format!("\tcase {number}:\n\t\treturn \"{name}\"\n"));
    }
    to.push_str("\t}\n\treturn \"unknown\"\n}\n");
    to
}

/// The conformance guest's list of fields.
pub fn fields(layout: &Layout) -> String {
    let mut to = format!("// {NOTICE}\n\npackage main\n\nimport \"weir\"\n");
    for (function, of, from) in [
        ("headerFields", &layout.header, "it *weir.BatchHeader"),
        ("eventFields", &layout.head, "it *weir.Event"),
    ] {
        to.push_str(&format!("\nfunc (out *text) {function}({from}) {{\n"));
        for field in of.used() {
            let (name, own) = (&field.name, camel(&field.name));
            to.push_str(&match field.kind {
                Kind::Unsigned(_) => format!("\tout.unsigned(\"{name}\", uint64(it.{own}))\n"),
                Kind::Signed(_) => format!("\tout.signed(\"{name}\", int64(it.{own}))\n"),
                Kind::Bytes(_) => format!("\tout.bytes(\"{name}\", it.{own}[:])\n"),
                Kind::Span => format!("\tout.bytes(\"{name}\", it.Part(it.{own}))\n"),
            });
        }
        to.push_str("}\n");
    }
    to
}
