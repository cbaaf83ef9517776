//! The parts of [`weir_sdk::event::Head::process`].

/// Adds a part, cut at the 65,535 bytes that its length can say.
pub fn push(to: &mut Vec<u8>, kind: u16, bytes: &[u8]) {
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    to.extend_from_slice(&kind.to_le_bytes());
    to.extend_from_slice(&len.to_le_bytes());
    to.extend_from_slice(&bytes[..usize::from(len)]);
}

/// The parts: kinds and bytes.
#[cfg(test)]
pub fn parts(mut blob: &[u8]) -> Vec<(u16, &[u8])> {
    let mut all = Vec::new();
    while let Some((head, rest)) = blob.split_first_chunk::<4>() {
        let (bytes, rest) = rest.split_at(u16::from_le_bytes([head[2], head[3]]).into());
        all.push((u16::from_le_bytes([head[0], head[1]]), bytes));
        blob = rest;
    }
    all
}
