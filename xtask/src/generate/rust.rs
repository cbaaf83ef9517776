//! Rust: what the conformance suite expects of the other languages, field by field.

use super::{
    layout::{Kind, Layout},
    text::NOTICE,
};

/// host/tests/conformance/fields.rs.
pub fn fields(layout: &Layout) -> String {
    let mut to = format!(
        "//! {NOTICE}\n\nuse weir::decode::Batch;\nuse weir_sdk::event::{{BatchHeader, Head}};\n\n\
         use super::text::Text;\n"
    );
    for (function, of, from) in [
        ("header", &layout.header, "it: &BatchHeader"),
        ("event", &layout.head, "batch: &Batch, it: &Head"),
    ] {
        to.push_str(&format!("\npub fn {function}(out: &mut Text, {from}) {{\n"));
        for field in of.used() {
            let name = &field.name;
            to.push_str(&match field.kind {
                Kind::Unsigned(_) | Kind::Signed(_) => {
                    format!("    out.number(\"{name}\", it.{name}.into());\n")
                }
                Kind::Bytes(_) => format!("    out.bytes(\"{name}\", &it.{name});\n"),
                Kind::Span => format!("    out.bytes(\"{name}\", batch.part(it.{name}));\n"),
            });
        }
        to.push_str("}\n");
    }
    to
}
