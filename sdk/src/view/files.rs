//! What descriptors are, as they stand in the heap: `fd: i32, len: u16, text`, nothing aligned.

use super::{Descriptor, Text};

/// Walks them.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    rest: &'a [u8],
}

impl<'a> Files<'a> {
    pub fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }
}

impl<'a> Iterator for Files<'a> {
    type Item = Descriptor<'a>;

    fn next(&mut self) -> Option<Descriptor<'a>> {
        let (&[f0, f1, f2, f3, l0, l1], rest) = self.rest.split_first_chunk()?;
        let (text, rest) = rest.split_at_checked(u16::from_le_bytes([l0, l1]).into())?;
        self.rest = rest;
        let file = Some(Text::new(text)).filter(|text| !text.is_empty());
        Some(Descriptor::new(i32::from_le_bytes([f0, f1, f2, f3]), file))
    }
}
