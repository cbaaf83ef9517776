//! Python: properties that unpack from the batch.

use super::{
    layout::{Kind, Layout, Struct},
    text::{ERRORS_NOTICE, NOTICE, comment},
};

/// sdk/python/weir_layout.py.
pub fn layout(layout: &Layout) -> String {
    let mut to = format!("# {NOTICE}\n\nfrom struct import Struct\n\n");
    for known in &layout.consts {
        comment(&mut to, "# ", &known.docs);
        to.push_str(&format!("{} = {}\n", known.name, known.value));
    }
    to.push_str("# Names of the calls: that of call 1 first.\nCALL_NAMES = (");
    let names: Vec<_> = layout.call_names.iter().map(|name| format!("{name:?}")).collect();
    to.push_str(&format!("{})\n\n", names.join(", ")));
    for (name, format) in [
        ("u8", "<B"),
        ("u16", "<H"),
        ("u32", "<I"),
        ("u64", "<Q"),
        ("i32", "<i"),
        ("i64", "<q"),
        ("span", "<II"),
    ] {
        to.push_str(&format!("_{name} = Struct(\"{format}\").unpack_from\n"));
    }
    declare(&mut to, "BatchHeader", &layout.header);
    declare(&mut to, "Head", &layout.head);
    to
}

fn declare(to: &mut String, name: &str, of: &Struct) {
    to.push_str(&format!("\n\nclass {name}:\n"));
    let mut docs = String::new();
    comment(&mut docs, "    ", &of.docs);
    to.push_str(&format!("    \"\"\"{}\"\"\"\n\n", docs.trim()));
    to.push_str(&format!(
        "    # Bytes of the fields that are known here.\n    BYTES = {}\n\n    \
         __slots__ = (\"_all\", \"_at\", \"_heap\", \"_heap_len\")\n\n    \
         def __init__(self, all_bytes, at, heap, heap_len):\n        self._all = all_bytes\n        \
         self._at = at\n        self._heap = heap\n        self._heap_len = heap_len\n\n    \
         def _part(self, at):\n        offset, size = _span(self._all, self._at + at)\n        \
         if offset + size > self._heap_len:\n            return b\"\"\n        \
         return self._all[self._heap + offset : self._heap + offset + size]\n",
        of.bytes
    ));
    for field in of.used() {
        let (name, at) = (&field.name, field.offset);
        let (kind, value) = match field.kind {
            Kind::Unsigned(bits) => ("int", format!("_u{bits}(self._all, self._at + {at})[0]")),
            Kind::Signed(bits) => ("int", format!("_i{bits}(self._all, self._at + {at})[0]")),
            Kind::Bytes(bytes) => {
                ("bytes", format!("self._all[self._at + {at} : self._at + {}]", at + bytes))
            }
            Kind::Span => ("bytes", format!("self._part({at})")),
        };
        to.push_str(&format!("\n    @property\n    def {name}(self) -> {kind}:\n"));
        let mut docs = String::new();
        comment(&mut docs, "        ", &field.docs);
        to.push_str(&format!("        \"\"\"{}\"\"\"\n        return {value}\n", docs.trim()));
    }
}

/// sdk/python/weir_errno.py. Python's own module knows the numbers of WASI, which are others.
pub fn errors(layout: &Layout) -> String {
    let mut to = format!("# {ERRORS_NOTICE}\n\n_NAMES = {{\n");
    for (number, name) in &layout.errors {
        to.push_str(&format!("    {number}: \"{name}\",\n"));
    }
    to.push_str(
        "}\n\n\ndef error_name(number: int) -> str | None:\n    \
         \"\"\"Name of an error as in the kernel's headers, EAGAIN of 11: \"unknown\" where a number has none, None for 0.\"\"\"\n    \
         return _NAMES.get(number, \"unknown\") if number else None\n",
    );
    to
}

/// The conformance guest's list of fields.
pub fn fields(layout: &Layout) -> String {
    let mut to = format!("# {NOTICE}\n");
    for (function, of) in [("header", &layout.header), ("event", &layout.head)] {
        to.push_str(&format!("\n\ndef {function}(out, it):\n"));
        for field in of.used() {
            let name = &field.name;
            to.push_str(&match field.kind {
                Kind::Unsigned(_) | Kind::Signed(_) => {
                    format!("    out.number(\"{name}\", it.{name})\n")
                }
                Kind::Bytes(_) | Kind::Span => format!("    out.bytes(\"{name}\", it.{name})\n"),
            });
        }
    }
    to
}
