//! What a 32-bit caller wrote → the layout of a 64-bit caller (include/linux/compat.h).

use weir_sdk::event::Span;

use super::{Batch, text::take};

/// Bytes of `struct compat_cmsghdr`: length, level, type.
const HEADER: usize = 12;
/// How much longer `struct cmsghdr` is.
const LONGER: u32 = 4;

/// Appends an iovec table of `base: u32, len: u32`. What is left of an entry at the end is not one.
pub fn append_iov(raw: &[u8], batch: &mut Batch) -> Span {
    let start = batch.heap.len();
    let (entries, _) = raw.as_chunks::<8>();
    for [b0, b1, b2, b3, l0, l1, l2, l3] in entries {
        batch.heap.extend_from_slice(&[*b0, *b1, *b2, *b3, 0, 0, 0, 0]);
        batch.heap.extend_from_slice(&[*l0, *l1, *l2, *l3, 0, 0, 0, 0]);
    }
    span(start, batch)
}

/// Appends control messages: headers and alignment change, data stays as it is.
///
/// A message whose length is wrong is the last one, and its length is as wrong afterwards: too
/// short for a header, or beyond the end by as much as before.
pub fn append_control(mut raw: &[u8], batch: &mut Batch) -> Span {
    let start = batch.heap.len();
    while let Some(header) = take::<HEADER>(raw, 0) {
        let [l0, l1, l2, l3, level_and_type @ ..] = header;
        let len = u32::from_le_bytes([l0, l1, l2, l3]);
        let usable = len as usize >= HEADER;
        let new_len = u64::from(len) + u64::from(if usable { LONGER } else { 0 });
        batch.heap.resize(start + (batch.heap.len() - start).next_multiple_of(8), 0);
        batch.heap.extend_from_slice(&new_len.to_le_bytes());
        batch.heap.extend_from_slice(&level_and_type);
        let end = if usable { raw.len().min(len as usize) } else { HEADER };
        batch.heap.extend_from_slice(&raw[HEADER..end]);
        if !usable || len as usize > raw.len() {
            break;
        }
        raw = raw.get((len as usize).next_multiple_of(4)..).unwrap_or_default();
    }
    span(start, batch)
}

fn span(start: usize, batch: &Batch) -> Span {
    match batch.heap.len() - start {
        0 => Span::default(),
        len => Span { offset: start as u32, len: len as u32 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(len: u32, data: &[u8]) -> Vec<u8> {
        let header = [len, 1, 2].map(u32::to_le_bytes);
        [header.as_flattened(), data].concat()
    }

    fn wide(len: u64, data: &[u8]) -> Vec<u8> {
        let header = [1u32, 2].map(u32::to_le_bytes);
        [&len.to_le_bytes(), header.as_flattened(), data].concat()
    }

    #[track_caller]
    fn check(raw: &[u8], expected: &[u8]) {
        let mut batch = Batch::default();
        batch.append(b"before");
        let span = append_control(raw, &mut batch);
        assert_eq!(batch.part(span), expected);
    }

    #[test]
    fn iov() {
        let mut batch = Batch::default();
        let raw = [0xffff_f000u32, 7, 1, 2, 3].map(u32::to_le_bytes);
        let span = append_iov(raw.as_flattened(), &mut batch);
        let wide = [0xffff_f000u64, 7, 1, 2].map(u64::to_le_bytes);
        assert_eq!(batch.part(span), wide.as_flattened());
    }

    #[test]
    fn control() {
        check(&message(16, &[1; 4]), &wide(20, &[1; 4]));
        check(
            &[message(13, &[1, 0, 0, 0]), message(20, &[2; 8])].concat(),
            &[wide(17, &[1, 0, 0, 0, 0, 0, 0, 0]), wide(24, &[2; 8])].concat(),
        );
        check(b"", b"");
        check(&[0; 11], b"");
    }

    #[test]
    fn wrong_lengths_stay_wrong() {
        check(&message(11, &[1; 4]), &wide(11, b""));
        check(&message(0, b""), &wide(0, b""));
        check(&message(17, &[1; 4]), &wide(21, &[1; 4]));
        check(&message(u32::MAX, &[1; 4]), &wide(u64::from(u32::MAX) + 4, &[1; 4]));
    }
}
