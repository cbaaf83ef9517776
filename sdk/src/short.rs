//! Short texts, a word at a time.
//!
//! Names and paths differ in length from event to event. A loop over their last few bytes ends where the
//! processor did not expect it, and that costs more than the bytes: a fifth of the time of a script that
//! counts. So the last bytes are taken together with some before them.

/// Appends a text, with `@` in the place of NUL.
#[inline]
pub fn append_label(to: &mut Vec<u8>, text: &[u8]) {
    let start = to.len();
    if let Some(last) = text.last_chunk::<8>() {
        text.as_chunks::<8>().0.iter().for_each(|word| to.extend_from_slice(word));
        to.truncate(start + text.len() - 8);
        to.extend_from_slice(last);
    } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        to.extend_from_slice(first);
        to.truncate(start + text.len() - 4);
        to.extend_from_slice(last);
    } else {
        text.iter().for_each(|&byte| to.push(byte));
    }
    let mut found = false;
    each_word(text, |word| found |= nul(word).is_some());
    if found {
        replace_nul(&mut to[start..]);
    }
}

/// Puts `@` in the place of NUL, as /proc/net/unix does.
#[inline]
pub fn replace_nul(text: &mut [u8]) {
    for byte in text {
        if *byte == 0 {
            *byte = b'@';
        }
    }
}

/// Whether two texts are the same.
#[inline]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    if let (Some(a_last), Some(b_last)) = (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        // Array by array: slices would be compared by a call.
        a_last == b_last
            && a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0).all(|(a, b)| a == b)
    } else if let (Some(a_last), Some(b_last)) = (a.last_chunk::<4>(), b.last_chunk::<4>()) {
        a_last == b_last && a.first_chunk::<4>() == b.first_chunk()
    } else {
        a.iter().zip(b).all(|(a, b)| a == b)
    }
}

/// FxHash. Whoever makes keys collide gains little: a batch has 1,024 events at most.
#[inline]
pub fn hash(text: &[u8]) -> u32 {
    const SEED: u64 = 0x51_7c_c1_b7_27_22_0a_95;
    let mut hash = text.len() as u64;
    each_word(text, |word| hash = (hash.rotate_left(5) ^ word).wrapping_mul(SEED));
    // The product's upper half depends on all bits.
    (hash >> 32) as u32
}

/// Length of a text up to its first NUL.
#[inline]
pub fn len_of<const N: usize>(text: &[u8; N]) -> usize {
    const { assert!(N.is_multiple_of(8)) };
    let mut words = text.as_chunks::<8>().0.iter().enumerate();
    let found = words.find_map(|(index, word)| Some(8 * index + nul(u64::from_le_bytes(*word))?));
    found.unwrap_or(N)
}

/// Shows all bytes of a text, some of them twice. A word has zero bytes only where the text has.
#[inline]
fn each_word(text: &[u8], mut see: impl FnMut(u64)) {
    if let Some(last) = text.last_chunk::<8>() {
        text.as_chunks::<8>().0.iter().for_each(|word| see(u64::from_le_bytes(*word)));
        see(u64::from_le_bytes(*last));
    } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        see(u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32);
    } else if let [first, .., last] | [first @ last] = text {
        let [first, middle, last] = [*first, text[text.len() / 2], *last].map(u64::from);
        see(ONES << 24 | last << 16 | middle << 8 | first);
    }
}

const ONES: u64 = 0x01_01_01_01_01_01_01_01;

/// Index of the first byte of a word that is zero (Hacker's Delight, 6-1).
#[inline]
fn nul(word: u64) -> Option<usize> {
    let marks = word.wrapping_sub(ONES) & !word & (ONES << 7);
    (marks != 0).then(|| marks.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_byte_by_byte() {
        let text: Vec<u8> = (1..=40).collect();
        for start in 0..=text.len() {
            for end in start..=text.len() {
                let part = &text[start..end];
                let mut to = b"before".to_vec();
                append_label(&mut to, part);
                assert_eq!(to, [b"before", part].concat());
                assert!(same(part, &to[6..]));
                for index in 0..part.len() {
                    let mut other = part.to_vec();
                    other[index] = 0;
                    assert!(!same(part, &other));
                    assert_ne!(hash(part), hash(&other));
                    to.truncate(6);
                    append_label(&mut to, &other);
                    other[index] = b'@';
                    assert_eq!(to, [b"before", &other[..]].concat());
                }
            }
        }
        assert!(!same(b"a", b"a\0"));
        assert_ne!(hash(b"a"), hash(b"a\0"));
    }

    #[test]
    fn up_to_the_first_nul() {
        for len in 0..=16 {
            let mut text = [0; 16];
            text[..len].fill(0x80);
            assert_eq!(len_of(&text), len);
            text[len..].fill(1);
            if len < 16 {
                text[len] = 0;
            }
            assert_eq!(len_of(&text), len);
        }
    }
}
