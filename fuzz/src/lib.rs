//! What the targets have in common: decode a record, write its event as JSON, check both.

// The module's tests are run with the package it belongs to.
#[path = "../../host/src/decode/mod.rs"]
pub mod decode;

use decode::{Batch, decode, fields_of};

/// Decodes a record into a batch that holds something already, and checks what must hold for any.
pub fn check(record: &[u8]) {
    let before = b"of the event before";
    let mut batch = Batch { heap: before.to_vec(), ..Batch::default() };
    if decode(record, 1, 0, &mut batch).is_err() {
        assert!(batch.heads.is_empty() && batch.heap == before, "a refused record leaves no trace");
        return;
    }
    assert!(batch.heap.starts_with(before));
    let head = &batch.heads[0];
    let spans = [
        head.name,
        head.path,
        head.iov,
        head.control,
        head.payload,
        head.files,
        head.local,
        head.peer,
        head.kernel,
    ];
    for span in spans {
        assert_eq!(batch.part(span).len(), span.len as usize, "every span is within the heap");
        assert!(span.len == 0 || span.offset as usize >= before.len());
    }
    let text = serde_json::to_string(&batch.event(0)).expect("an event can be written");
    let event: serde_json::Value = serde_json::from_str(&text).expect("an event is JSON");
    assert_eq!(event.as_object().map(|keys| keys.len()), Some(20), "all keys are always there");
    assert_eq!(
        event["fields"].as_object().map(|rows| rows.len()),
        Some(fields_of(head.call).len())
    );
}
