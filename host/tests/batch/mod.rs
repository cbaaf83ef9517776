//! Batches as the SDK makes them for tests of scripts.

use weir::decode::Batch;
use weir_sdk::event::{BatchHeader, Head};
use zerocopy::FromBytes as _;

/// A batch from the bytes that a script would be handed.
pub fn from_bytes(bytes: &[u8]) -> Batch {
    let (header, _) = BatchHeader::read_from_prefix(bytes).unwrap();
    let mut batch = Batch { now_ns: header.now_ns, ..Batch::default() };
    let heads = bytes[header.heads as usize..].chunks(header.stride as usize);
    for head in heads.take(header.count as usize) {
        batch.push(Head::read_from_bytes(head).unwrap());
    }
    batch.heap = bytes[header.heap as usize..][..header.heap_len as usize].to_vec();
    batch
}
