//! Keys of rows: labels, joined by NUL.

use std::io::Write;

use crate::{Address, Destination, Errno, Text, short};

/// What a label can be made of: text, an address, a destination, an error, a number.
///
/// A NUL within it would make two labels of one, and becomes `@`.
pub trait Label: sealed::Sealed {
    /// Writes the label's text.
    #[doc(hidden)]
    fn write(&self, key: &mut Vec<u8>);
}

mod sealed {
    /// Keeps [`Label`](super::Label) to types whose text has no NUL once it is written.
    pub trait Sealed {}
}

macro_rules! seal {
    ($($type:ty),*) => {
        $(impl sealed::Sealed for $type {})*
    };
}

seal!(str, String, Text<'_>, Address<'_>, Destination<'_>, Errno, u16, u32, u64, i32, i64);
impl<L: Label + ?Sized> sealed::Sealed for &L {}

impl<L: Label + ?Sized> Label for &L {
    #[inline]
    fn write(&self, key: &mut Vec<u8>) {
        L::write(self, key);
    }
}

impl Label for str {
    #[inline]
    fn write(&self, key: &mut Vec<u8>) {
        short::append_label(key, self.as_bytes());
    }
}

impl Label for String {
    #[inline]
    fn write(&self, key: &mut Vec<u8>) {
        short::append_label(key, self.as_bytes());
    }
}

impl Label for Text<'_> {
    #[inline]
    fn write(&self, key: &mut Vec<u8>) {
        short::append_label(key, self);
    }
}

/// Labels that are written as they are shown.
macro_rules! shown {
    ($($type:ty),*) => {
        $(impl Label for $type {
            fn write(&self, key: &mut Vec<u8>) {
                let start = key.len();
                write!(key, "{self}").expect("memory takes all");
                short::replace_nul(&mut key[start..]);
            }
        })*
    };
}

shown!(Address<'_>, Destination<'_>, Errno, u16, u32, u64, i32, i64);

/// The labels of a key: one label, an array of labels, or a tuple of labels of different types.
pub trait Labels {
    /// How many they are.
    const COUNT: usize;

    /// Writes them, joined by NUL.
    fn write(&self, key: &mut Vec<u8>);
}

impl<L: Label> Labels for L {
    const COUNT: usize = 1;

    #[inline]
    fn write(&self, key: &mut Vec<u8>) {
        Label::write(self, key);
    }
}

impl<L: Label, const N: usize> Labels for [L; N] {
    const COUNT: usize = N;

    #[inline]
    fn write(&self, key: &mut Vec<u8>) {
        for (index, label) in self.iter().enumerate() {
            if index > 0 {
                key.push(0);
            }
            label.write(key);
        }
    }
}

impl<L: Label, const N: usize> Labels for &[L; N] {
    const COUNT: usize = N;

    #[inline]
    fn write(&self, key: &mut Vec<u8>) {
        Labels::write(*self, key);
    }
}

macro_rules! tuple {
    ($count:literal: $first:ident $(, $rest:ident)*) => {
        impl<$first: Label, $($rest: Label),*> Labels for ($first, $($rest,)*) {
            const COUNT: usize = $count;

            #[inline]
            #[expect(non_snake_case, reason = "the types' names serve for the values")]
            fn write(&self, key: &mut Vec<u8>) {
                let ($first, $($rest,)*) = self;
                $first.write(key);
                $(
                    key.push(0);
                    $rest.write(key);
                )*
            }
        }
    };
}

tuple!(1: A);
tuple!(2: A, B);
tuple!(3: A, B, C);
tuple!(4: A, B, C, D);

#[cfg(test)]
mod tests {
    use super::*;

    fn key<L: Labels>(labels: L) -> (usize, String) {
        let mut key = Vec::new();
        labels.write(&mut key);
        (L::COUNT, String::from_utf8(key).unwrap().replace('\0', "|"))
    }

    #[test]
    fn one_or_many_of_one_or_many_types() {
        assert_eq!(key("a"), (1, "a".into()));
        assert_eq!(key(["a", "b"]), (2, "a|b".into()));
        let three = &["a", "b", "c"];
        assert_eq!(key(three), (3, "a|b|c".into()));
        assert_eq!(key(("a",)), (1, "a".into()));
        let (path, text) = (Destination::Unix("/run/x".into()), Text::from("t"));
        assert_eq!(key((text, path, Errno(11), 7u32)), (4, "t|/run/x|EAGAIN|7".into()));
        assert_eq!(key(("", "")), (2, "|".into()));
    }

    #[test]
    fn nul_within_a_label_makes_no_second_one() {
        assert_eq!(key(("a\0b", Text::new(b"\0c\0"))), (2, "a@b|@c@".into()));
    }
}
