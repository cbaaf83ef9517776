//! Text as the kernel has it: bytes that are mostly, but not surely, UTF-8.

use std::{fmt, ops::Deref};

/// Bytes that are text by convention: a path, a thread's name.
///
/// As a slice it has `starts_with(b"…")`, `len()` and the like; it compares with `&str`; written out, what
/// is not UTF-8 becomes `�`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// These bytes as text.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text, if it is UTF-8.
    pub fn as_str(self) -> Option<&'a str> {
        str::from_utf8(self.0).ok()
    }
}

impl Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl AsRef<[u8]> for Text<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.as_bytes())
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            f.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                f.write_str("\u{fffd}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_and_searches() {
        let text = Text::from("systemd-journal");
        assert_eq!(text, "systemd-journal");
        assert!(text.starts_with(b"systemd"));
    }

    #[test]
    fn what_is_not_utf8_is_shown_as_such() {
        let text = Text::new(b"caf\xc3\xa9 \xff!");
        assert_eq!(text.as_str(), None);
        assert_eq!(text.to_string(), "café \u{fffd}!");
        assert_eq!(format!("{text:?}"), r#""caf\xc3\xa9 \xff!""#);
    }
}
