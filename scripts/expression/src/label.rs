//! Keys of rows, of as many labels as the expression has.

use std::io::Write;

use weir::{Event, Labels};
use weir_expression::{
    Item, Label, Names,
    run::{Room, is_true, number, text},
};

/// What stands in a key for what is not there.
const ABSENT: &[u8] = b"-";
/// The key of a table of one row.
const ALL: &[u8] = b"all";

/// A key that is joined already, of so many labels.
pub struct Key<'a, const LABELS: usize>(pub &'a [u8]);

impl<const LABELS: usize> Labels for Key<'_, LABELS> {
    const COUNT: usize = LABELS;

    #[inline]
    fn write(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(self.0);
    }
}

/// Writes the key of an event.
pub fn key(by: &[Label], event: &Event, names: &Names, room: &mut Room, to: &mut Vec<u8>) {
    to.clear();
    if by.is_empty() {
        to.extend_from_slice(ALL);
    }
    for (index, label) in by.iter().enumerate() {
        if index > 0 {
            to.push(0);
        }
        let start = to.len();
        item(&label.item, event, names, room, to);
        // A NUL would make two labels of one.
        to[start..].iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b'@');
    }
}

/// Writes a text or number, and returns whether it is there.
pub fn item(item: &Item, event: &Event, names: &Names, room: &mut Room, to: &mut Vec<u8>) -> bool {
    match item {
        Item::Text(of) => match text(event, of, names, &mut room.left) {
            Some(text) => to.extend_from_slice(text),
            None => return absent(to),
        },
        Item::Number(of) => match number(event, of) {
            // Most fit, and are faster to write.
            Some(number) => match i64::try_from(number) {
                Ok(number) => write!(to, "{number}").expect("memory takes all"),
                Err(_) => write!(to, "{number}").expect("memory takes all"),
            },
            None => return absent(to),
        },
        Item::Bool(field) => {
            to.extend_from_slice(if is_true(event, *field) { b"true" } else { b"false" });
        }
    }
    true
}

fn absent(to: &mut Vec<u8>) -> bool {
    to.extend_from_slice(ABSENT);
    false
}
