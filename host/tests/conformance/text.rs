//! What a guest says of fields: a line each.

use std::fmt::Write;

use super::parts::hex;

#[derive(Default)]
pub struct Text(pub String);

impl Text {
    pub fn number(&mut self, name: &str, value: i128) {
        writeln!(self.0, "{name}={value}").unwrap();
    }

    pub fn bytes(&mut self, name: &str, value: &[u8]) {
        writeln!(self.0, "{name}={}", hex(value)).unwrap();
    }
}
