//! Control messages: `struct cmsghdr` after `struct cmsghdr`, cmsg(3).

mod data;

use std::borrow::Cow;

use serde::Serialize;

use super::{
    names::{self, control},
    text::take,
};
use data::Data;
pub use data::Descriptor;

/// Bytes of `struct cmsghdr`: length, level, type (include/linux/socket.h).
const HEADER: usize = 16;

/// A control message as JSON.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[schema(as = ControlMessage)]
pub enum Entry<'a> {
    Message {
        level: Cow<'static, str>,
        r#type: Cow<'static, str>,
        #[serde(flatten)]
        data: Data<'a>,
    },
    Malformed {
        malformed: Malformed,
    },
}

/// A message whose length is shorter than its header, or leads beyond the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Malformed {
    /// Where it starts, counted from the start of the first, in bytes.
    at: usize,
    /// Its length, as it says itself.
    len: u64,
}

/// What stands in the messages. `whole` is how many bytes there were, of which `bytes` may be only
/// the beginning; `files` says what descriptors are, in their order.
pub fn list<'a>(
    bytes: &'a [u8],
    whole: u64,
    mut files: impl Iterator<Item = (i32, &'a [u8])>,
) -> Vec<Entry<'a>> {
    walk(bytes, whole)
        .map(|step| match step {
            Step::Message { level, r#type, len, data } => Entry::Message {
                level: names::name(control::LEVELS, level.cast_unsigned()),
                r#type: names::name(control::types(level), r#type.cast_unsigned()),
                data: Data::parse(level, r#type, len, data, &mut files),
            },
            Step::Malformed(malformed) => Entry::Malformed { malformed },
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    /// `len` bytes of data, of which `data` may be only the beginning.
    Message {
        level: i32,
        r#type: i32,
        len: u64,
        data: &'a [u8],
    },
    Malformed(Malformed),
}

/// Walks as the kernel does (`for_each_cmsghdr`): less than a header at the end is not a message.
fn walk(bytes: &[u8], whole: u64) -> impl Iterator<Item = Step<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..)?;
        let len = u64::from_ne_bytes(take(rest, 0)?);
        let level = i32::from_ne_bytes(take(rest, 8)?);
        let r#type = i32::from_ne_bytes(take(rest, 12)?);
        let here = at;
        let end = u64::try_from(here).ok()?.checked_add(len);
        if len < HEADER as u64 || end.is_none_or(|end| end > whole) {
            at = bytes.len();
            return Some(Step::Malformed(Malformed { at: here, len }));
        }
        let there = usize::try_from(len).map_or(rest.len(), |len| len.min(rest.len()));
        at = here.saturating_add(there.next_multiple_of(8));
        let data = &rest[HEADER..there];
        Some(Step::Message { level, r#type, len: len - HEADER as u64, data })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(level: i32, r#type: i32, data: &[u8]) -> Vec<u8> {
        let len = (HEADER + data.len()) as u64;
        let (level, r#type) = (level.to_ne_bytes(), r#type.to_ne_bytes());
        let mut message = [&len.to_ne_bytes(), &level[..], &r#type, data].concat();
        message.resize(message.len().next_multiple_of(8), 0);
        message
    }

    fn steps(bytes: &[u8]) -> Vec<Step<'_>> {
        walk(bytes, bytes.len() as u64).collect()
    }

    #[test]
    fn the_last_needs_no_padding_and_less_than_a_header_is_none() {
        let mut bytes = [message(1, 2, b"abc"), message(3, 4, b"d")].concat();
        bytes.truncate(bytes.len() - 7);
        let both = [
            Step::Message { level: 1, r#type: 2, len: 3, data: b"abc" },
            Step::Message { level: 3, r#type: 4, len: 1, data: b"d" },
        ];
        assert_eq!(steps(&bytes), both);
        bytes.extend([0; 7 + 15]);
        assert_eq!(steps(&bytes), both);
        assert_eq!(steps(b""), []);
    }

    #[test]
    fn malformed_ends_the_list() {
        for len in [0u64, 15, 33, u64::MAX, u64::MAX - 15] {
            let mut bytes = [message(1, 2, b"12345678"), message(1, 2, b"12345678")].concat();
            bytes[24..32].copy_from_slice(&len.to_ne_bytes());
            assert_eq!(steps(&bytes)[1..], [Step::Malformed(Malformed { at: 24, len })]);
        }
    }

    #[test]
    fn one_that_was_cut_is_not_malformed() {
        let bytes = message(1, 2, b"12345678");
        let cut: Vec<_> = walk(&bytes[..20], 24).collect();
        assert_eq!(cut, [Step::Message { level: 1, r#type: 2, len: 8, data: b"1234" }]);
        assert!(matches!(walk(&bytes[..20], 23).next(), Some(Step::Malformed(_))));
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), whole: u64) {
            prop_assert!(walk(&bytes, whole).count() <= bytes.len() / HEADER);
            serde_json::to_string(&list(&bytes, whole, std::iter::empty())).unwrap();
        }

        #[test]
        fn any_messages(
            messages in prop::collection::vec(
                (0..300i32, 0..110i32, prop::collection::vec(any::<u8>(), 0..60)),
                0..8,
            ),
        ) {
            let bytes: Vec<u8> =
                messages.iter().flat_map(|(level, r#type, data)| message(*level, *r#type, data)).collect();
            let expected: Vec<_> = messages
                .iter()
                .map(|(level, r#type, data)| Step::Message {
                    level: *level,
                    r#type: *r#type,
                    len: data.len() as u64,
                    data,
                })
                .collect();
            prop_assert_eq!(steps(&bytes), expected);
            let json = serde_json::to_value(list(&bytes, bytes.len() as u64, std::iter::empty()));
            prop_assert_eq!(json.unwrap().as_array().unwrap().len(), messages.len());
        }
    }
}
