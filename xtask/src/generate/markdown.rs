//! Markdown: docs/layout.md, for whoever writes an SDK.

use super::{
    layout::{Const, Kind, Layout, Struct},
    text::NOTICE,
};

/// Lists of numbers: what their names begin with, the heading, and what is to be known of all of them.
const LISTS: [(&str, &str, &str); 5] = [
    ("CALL_", "Calls", "sendmmsg and recvmmsg have an event for each message."),
    ("STATUS_", "Statuses", "How a group of fields was read."),
    (
        "GROUP_",
        "Groups",
        "Fields that are read together: the index of a byte in `status`, and of a bit in `late`.",
    ),
    ("TOCTOU_", "Verdicts on what was changed", "Whether caller and kernel saw the same message."),
    ("PROCESS_", "Parts of a process", "The kinds of what lies in `process`."),
];

/// docs/layout.md.
pub fn layout(layout: &Layout) -> String {
    let mut to = format!(
        "# The layout of a batch\n\n<!-- {NOTICE} -->\n\n\
         What a script is given, byte by byte; [scripting.md](scripting.md#a-batch) says how it is read. Little-endian, \
         integers only, every\nfield at its natural alignment. `At` and `Size` are in bytes. A `part` is \
         `offset: u32, len: u32`: a range of the heap, from its start on,\nin which nothing is aligned; `len` is 0 when \
         there is nothing.\n"
    );
    let bytes = layout.header.bytes;
    to.push_str(&format!(
        "\n## The header\n\nAt the start of the batch, {bytes} bytes. Offsets are counted from there.\n\n"
    ));
    fields(&mut to, &layout.header);
    let bytes = layout.head.bytes;
    to.push_str(&format!(
        "\n## A head\n\nFrom `heads` on, one each `stride` bytes. In this version it has {bytes} bytes; later ones append \
         fields.\nIds are those of the initial namespaces.\n\n"
    ));
    fields(&mut to, &layout.head);
    for (prefix, heading, about) in LISTS {
        to.push_str(&format!("\n## {heading}\n\n{about}\n\n| Number | Name | |\n|---|---|---|\n"));
        for known in layout.consts(prefix).filter(|known| known.name != "CALL_NAMES") {
            let Const { name, docs, value } = known;
            let name =
                match usize::try_from(value - 1).ok().and_then(|at| layout.call_names.get(at)) {
                    Some(call) if prefix == "CALL_" => call,
                    _ => name,
                };
            // What field they are of is said above.
            let of_field = |(before, _): &(&str, &str)| {
                before.starts_with('`') || before.starts_with("Part of `")
            };
            let docs = docs.split_once("`: ").filter(of_field).map_or(&**docs, |(_, docs)| docs);
            to.push_str(&format!("| {value} | `{name}` | {} |\n", cell(docs)));
        }
    }
    to.push_str("\n## Other numbers\n\n| Name | Value | |\n|---|---|---|\n");
    let listed = |name: &str| LISTS.iter().any(|(prefix, ..)| name.starts_with(prefix));
    for Const { name, docs, value } in layout.consts.iter().filter(|known| !listed(&known.name)) {
        to.push_str(&format!("| `{name}` | {value} | {} |\n", cell(docs)));
    }
    to.push_str(
        "\n## Errors\n\nWhat a negative `ret`, down to -4095, is called; other numbers have no name.\n\n\
         | Number | Name |\n|---|---|\n",
    );
    for (number, name) in &layout.errors {
        to.push_str(&format!("| {number} | `{name}` |\n"));
    }
    to
}

fn fields(to: &mut String, of: &Struct) {
    to.push_str("| At | Size | Type | Name | |\n|---|---|---|---|---|\n");
    for field in &of.fields {
        let kind = match field.kind {
            Kind::Unsigned(bits) => format!("u{bits}"),
            Kind::Signed(bits) => format!("i{bits}"),
            Kind::Bytes(bytes) => format!("[u8; {bytes}]"),
            Kind::Span => "part".to_owned(),
        };
        let name = if field.is_reserved() { "–".to_owned() } else { format!("`{}`", field.name) };
        let (at, bytes, docs) = (field.offset, field.kind.bytes(), cell(&field.docs));
        to.push_str(&format!("| {at} | {bytes} | `{kind}` | {name} | {docs} |\n"));
    }
}

/// A text that ends no cell.
fn cell(text: &str) -> String {
    text.trim_end_matches('.').replace('|', "\\|")
}
