//! The ready-made scripts in the binary.

static BUNDLED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// Names and modules of the scripts built into this binary.
pub fn bundled() -> &'static [(&'static str, &'static [u8])] {
    BUNDLED
}
