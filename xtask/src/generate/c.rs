//! C: structs of the same layout, which the compiler checks.

use super::{
    layout::{Kind, Layout, Struct},
    text::{ERRORS_NOTICE, NOTICE, comment},
};

/// The enums, and the consts that are theirs.
const ENUMS: [(&str, &str); 5] = [
    ("call", "CALL_"),
    ("toctou", "TOCTOU_"),
    ("process", "PROCESS_"),
    ("group", "GROUP_"),
    ("status", "STATUS_"),
];

/// sdk/c/weir_layout.h.
pub fn layout(layout: &Layout) -> String {
    let mut to = format!(
        "/* {NOTICE} */\n#ifndef WEIR_LAYOUT_H\n#define WEIR_LAYOUT_H\n\n\
         #include <stddef.h>\n#include <stdint.h>\n\n"
    );
    let in_enum = |name: &str| ENUMS.iter().any(|(_, prefix)| name.starts_with(prefix));
    for known in layout.consts.iter().filter(|known| !in_enum(&known.name)) {
        remark(&mut to, "", &known.docs);
        // The least number of a type is none that C has a literal for.
        let value = match known.value {
            value if value == i64::from(i32::MIN) => "(-2147483647 - 1)".to_owned(),
            value => format!("{value}u"),
        };
        to.push_str(&format!("#define WEIR_{} {value}\n", known.name));
    }
    for (name, prefix) in ENUMS {
        to.push_str(&format!("\nenum weir_{name} {{\n"));
        for known in layout.consts(prefix).filter(|known| known.name != "CALL_NAMES") {
            remark(&mut to, "    ", &known.docs);
            to.push_str(&format!("    WEIR_{} = {},\n", known.name, known.value));
        }
        to.push_str("};\n");
    }
    to.push_str(
        "\n/* A variable part of an event: a range of the batch's heap. */\nstruct weir_span {\n    \
         /* First byte, counted from the start of the heap. */\n    uint32_t offset;\n    \
         /* Length in bytes; 0 when there is nothing. */\n    uint32_t len;\n};\n",
    );
    declare(&mut to, "weir_batch_header", &layout.header);
    declare(&mut to, "weir_head", &layout.head);
    to.push_str("\n#endif\n");
    to
}

fn remark(to: &mut String, before: &str, docs: &str) {
    let mut lines = String::new();
    comment(&mut lines, &format!("{before} * "), docs);
    to.push_str(&format!(
        "{before}/*{} */\n",
        lines.trim_start().trim_start_matches('*').trim_end()
    ));
}

fn declare(to: &mut String, name: &str, of: &Struct) {
    to.push('\n');
    remark(to, "", &of.docs);
    to.push_str(&format!("struct {name} {{\n"));
    for field in &of.fields {
        remark(to, "    ", &field.docs);
        let name = &field.name;
        to.push_str(&match field.kind {
            Kind::Unsigned(bits) => format!("    uint{bits}_t {name};\n"),
            Kind::Signed(bits) => format!("    int{bits}_t {name};\n"),
            Kind::Bytes(bytes) if name == "comm" => format!("    char {name}[{bytes}];\n"),
            Kind::Bytes(bytes) => format!("    uint8_t {name}[{bytes}];\n"),
            Kind::Span => format!("    struct weir_span {name};\n"),
        });
    }
    let bytes = of.bytes;
    to.push_str(&format!("}};\n_Static_assert(sizeof(struct {name}) == {bytes}, \"{name}\");\n"));
    for field in &of.fields {
        let (field, at) = (&field.name, field.offset);
        to.push_str(&format!(
            "_Static_assert(offsetof(struct {name}, {field}) == {at}, \"{name}.{field}\");\n"
        ));
    }
}

/// sdk/c/weir_errno.h.
pub fn errors(layout: &Layout) -> String {
    let mut to = format!(
        "/* {ERRORS_NOTICE} */\n#ifndef WEIR_ERRNO_H\n#define WEIR_ERRNO_H\n\n#include \"weir.h\"\n\n\
         /* Name of an error as in the kernel's headers, EAGAIN of 11: of weir_errno(event). \"unknown\" where a number\n \
         * has none; empty for 0. */\n\
         static inline struct weir_bytes weir_error_name(uint32_t number) {{\n    switch (number) {{\n    \
         case 0: return (struct weir_bytes){{\"\", 0}};\n"
    );
    for (number, name) in &layout.errors {
        let len = name.len();
        to.push_str(&format!(
            "    case {number}: return (struct weir_bytes){{\"{name}\", {len}}};\n"
        ));
    }
    to.push_str("    default: return (struct weir_bytes){\"unknown\", 7};\n    }\n}\n\n#endif\n");
    to
}

/// The conformance guest's list of fields.
pub fn fields(layout: &Layout) -> String {
    let mut to = format!("/* {NOTICE} */\n");
    for (function, of, from) in [
        ("header_fields", &layout.header, "const struct weir_batch_header *it"),
        (
            "event_fields",
            &layout.head,
            "const struct weir_batch *batch, const struct weir_head *it",
        ),
    ] {
        to.push_str(&format!("\nstatic void {function}({from}) {{\n"));
        for field in of.used() {
            let name = &field.name;
            to.push_str(&match field.kind {
                Kind::Unsigned(_) => format!("    put_unsigned(\"{name}\", it->{name});\n"),
                Kind::Signed(_) => format!("    put_signed(\"{name}\", it->{name});\n"),
                Kind::Bytes(bytes) => format!(
                    "    put_bytes(\"{name}\", (struct weir_bytes){{(const char *)it->{name}, {bytes}}});\n"
                ),
                Kind::Span => format!("    put_bytes(\"{name}\", weir_part(batch, it->{name}));\n"),
            });
        }
        to.push_str("}\n");
    }
    to
}
