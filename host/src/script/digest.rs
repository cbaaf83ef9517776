//! SHA-256 of modules and of what they are compiled to, in hex.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    thread,
    time::Duration,
};

use sha2::{Digest, Sha256};

/// How much is read at once: some 50 microseconds of work.
const PART: usize = 64 << 10;
/// Between two parts. With the time it takes to wake up it is about twice as long.
const REST: Duration = Duration::from_micros(50);

/// Of what is in memory.
pub fn sha256(bytes: &[u8]) -> String {
    of(bytes, |_| Ok(())).expect("memory can be read")
}

/// Of what a file has from here on.
pub(super) fn sha256_of_file(file: &File) -> io::Result<String> {
    of(BufReader::with_capacity(PART, file), |_| Ok(()))
}

/// Of what a file has from here on, which is written to another.
pub(super) fn sha256_of_copy(file: &File, mut copy: &File) -> io::Result<String> {
    of(BufReader::with_capacity(PART, file), |part| copy.write_all(part))
}

/// Rests after each part. A thread with a low priority may have a processor until the next tick of the kernel, 4 ms
/// and more, though one of the event path waits for it; and a machine whose processors are all at work may lose one
/// to its hypervisor for as long.
fn of(
    mut content: impl BufRead,
    mut with_part: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<String> {
    let mut sha256 = Sha256::new();
    loop {
        let rest = content.fill_buf()?;
        if rest.is_empty() {
            return Ok(hex(&sha256.finalize()));
        }
        let part = &rest[..rest.len().min(PART)];
        sha256.update(part);
        with_part(part)?;
        let len = part.len();
        content.consume(len);
        thread::sleep(REST);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// FIPS 180-2, B.1 and B.3: one block, and a million times the letter a.
    #[test]
    fn memory_and_files_give_what_the_standard_says() {
        let known = [
            (b"abc".to_vec(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                vec![b'a'; 1_000_000],
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
            ),
        ];
        for (bytes, expected) in known {
            assert_eq!(sha256(&bytes), expected);
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&bytes).unwrap();
            assert_eq!(sha256_of_file(&file.reopen().unwrap()).unwrap(), expected);
            let copy = tempfile::NamedTempFile::new().unwrap();
            assert_eq!(sha256_of_copy(&file.reopen().unwrap(), copy.as_file()).unwrap(), expected);
            assert!(std::fs::read(copy.path()).unwrap() == bytes);
        }
    }
}
