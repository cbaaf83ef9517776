//! What is asked of an event.

use weir_sdk::Event;

use super::{
    field::{is_there, is_true, number},
    text::{Room, has, text},
};
use crate::{Names, Order, Test};

/// Whether it is so.
pub fn holds(test: &Test, event: &Event, names: &Names, room: &mut Room) -> bool {
    let mut both = |a, b, ask: fn(&[u8], &[u8]) -> bool| {
        let Room { left, right } = &mut *room;
        match (text(event, a, names, left), text(event, b, names, right)) {
            (Some(a), Some(b)) => ask(a, b),
            _ => false,
        }
    };
    match test {
        Test::True(field) => is_true(event, *field),
        Test::There(part) => is_there(event, part),
        Test::Compare(a, order, b) => match (number(event, a), number(event, b)) {
            (Some(a), Some(b)) => order.holds(a, b),
            (None, None) => *order == Order::Equal,
            _ => false,
        },
        Test::OneOfNumbers(of, list) => {
            number(event, of).is_some_and(|number| list.binary_search(&number).is_ok())
        }
        Test::Same(a, b) => {
            let Room { left, right } = room;
            text(event, a, names, left) == text(event, b, names, right)
        }
        Test::OneOf(of, list) => text(event, of, names, &mut room.left)
            .is_some_and(|text| list.iter().any(|known| known.as_slice() == text)),
        Test::StartsWith(a, b) => both(a, b, |a, b| a.starts_with(b)),
        Test::EndsWith(a, b) => both(a, b, |a, b| a.ends_with(b)),
        Test::Contains(a, b) => both(a, b, contains),
        Test::Has(field, item) => {
            let Room { left, right } = room;
            text(event, item, names, left)
                .is_some_and(|item| has(event, *field, item, names, right))
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    let Some((&first, rest)) = part.split_first() else { return true };
    let Some(last) = text.len().checked_sub(part.len()) else { return false };
    (0..=last).any(|at| text[at] == first && text[at + 1..at + part.len()] == *rest)
}
