//! What descriptors are: `FileHead`s and names of the record → the texts of the links in
//! /proc/PID/fd (proc_pid_fd(5)).

use std::io::Write;

use weir_ebpf::{FileHead, file};
use weir_sdk::event::Span;
use zerocopy::FromBytes;

use super::Batch;

/// `SOCKFS_MAGIC` (include/uapi/linux/magic.h), as the following.
const SOCKFS: u32 = 0x534f_434b;
/// `PIPEFS_MAGIC`.
const PIPEFS: u32 = 0x5049_5045;
/// `ANON_INODE_FS_MAGIC`.
const ANON_INODE_FS: u32 = 0x0904_1934;
/// `NSFS_MAGIC`.
const NSFS: u32 = 0x6e73_6673;
/// `PID_FS_MAGIC`.
const PIDFS: u32 = 0x5049_4446;
/// `TMPFS_MAGIC`.
const TMPFS: u32 = 0x0102_1994;
/// `HUGETLBFS_MAGIC`.
const HUGETLBFS: u32 = 0x9584_58f6;

/// Bytes before the text of an entry: descriptor and length.
const ENTRY_HEAD: usize = 6;
/// Most bytes of a text: what its length can say.
const TEXT_BYTES: usize = u16::MAX as usize;

/// Appends one entry per `FileHead`; `None` if they do not fit in the part that holds them.
pub fn append(mut part: &[u8], batch: &mut Batch) -> Option<Span> {
    let start = batch.heap.len();
    while !part.is_empty() {
        let (file, rest) = FileHead::read_from_prefix(part).ok()?;
        let (names, rest) = rest.split_at_checked(file.names_len.into())?;
        // The padding after the last one may have been cut off with the rest of the record.
        part = rest.get(names.len().next_multiple_of(8) - names.len()..).unwrap_or_default();
        let entry = batch.heap.len();
        batch.heap.extend_from_slice(&file.fd.to_le_bytes());
        batch.heap.extend_from_slice(&[0; 2]);
        write(&file, names, &mut batch.heap);
        let len = (batch.heap.len() - entry - ENTRY_HEAD).min(TEXT_BYTES);
        batch.heap.truncate(entry + ENTRY_HEAD + len);
        batch.heap[entry + 4..entry + ENTRY_HEAD].copy_from_slice(&(len as u16).to_le_bytes());
    }
    let len = batch.heap.len() - start;
    Some(if len == 0 { Span::default() } else { Span { offset: start as u32, len: len as u32 } })
}

/// The entries of a part of the heap: descriptors with their texts, empty where not seen.
pub fn entries(mut part: &[u8]) -> impl Iterator<Item = (i32, &[u8])> {
    std::iter::from_fn(move || {
        let ([f0, f1, f2, f3, l0, l1], rest) = part.split_first_chunk::<ENTRY_HEAD>()?;
        let len = usize::from(u16::from_le_bytes([*l0, *l1]));
        let (text, rest) = rest.split_at_checked(len)?;
        part = rest;
        Some((i32::from_le_bytes([*f0, *f1, *f2, *f3]), text))
    })
}

fn write(file: &FileHead, names: &[u8], to: &mut Vec<u8>) {
    if file.flags & file::UNKNOWN != 0 {
        return;
    }
    let mut components = names.split(|&byte| byte == 0).filter(|&name| !matches!(name, b"" | b"/"));
    let inode = file.inode;
    let in_brackets = |to: &mut Vec<u8>, kind: &[u8]| {
        to.extend_from_slice(kind);
        write!(to, ":[{inode}]").expect("writing to memory succeeds");
    };
    match file.magic {
        SOCKFS => in_brackets(to, b"socket"),
        PIPEFS => in_brackets(to, b"pipe"),
        NSFS => in_brackets(to, components.next().unwrap_or(b"ns")),
        PIDFS => to.extend_from_slice(b"anon_inode:[pidfd]"),
        ANON_INODE_FS => {
            to.extend_from_slice(b"anon_inode:");
            to.extend_from_slice(components.next().unwrap_or_default());
        }
        magic => {
            if file.flags & file::CUT != 0 {
                to.extend_from_slice("…".as_bytes());
            }
            let start = to.len();
            for name in components.clone().rev() {
                to.push(b'/');
                to.extend_from_slice(name);
            }
            if to.len() == start {
                to.push(b'/');
            }
            // Such a file never had a name, and so is not unlinked.
            let memory = matches!(magic, TMPFS | HUGETLBFS)
                && file.flags & file::CUT == 0
                && to[start..].starts_with(b"/memfd:")
                && components.count() == 1;
            if file.flags & file::UNLINKED != 0 || memory {
                to.extend_from_slice(b" (deleted)");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use zerocopy::IntoBytes;

    use super::*;

    fn raw(magic: u32, flags: u16, names: &[u8]) -> Vec<u8> {
        let names_len = names.len() as u16;
        let head = FileHead { inode: 4711, fd: 5, mode: 0o100_644, magic, flags, names_len };
        let mut raw = [head.as_bytes(), names].concat();
        raw.resize(raw.len().next_multiple_of(8), 0);
        raw
    }

    #[track_caller]
    fn check(magic: u32, flags: u16, names: &[u8], expected: &str) {
        let mut batch = Batch::default();
        let span = append(&raw(magic, flags, names), &mut batch).unwrap();
        let all: Vec<_> = entries(batch.part(span)).collect();
        assert_eq!(all, [(5, expected.as_bytes())]);
    }

    #[test]
    fn texts_of_proc() {
        let ext4 = 0xef53;
        check(ext4, 0, b"x\0log\0var\0", "/var/log/x");
        check(ext4, 0, b"x\0log\0var\0/\0", "/var/log/x");
        check(ext4, 0, b"", "/");
        check(ext4, file::UNLINKED, b"x\0tmp\0", "/tmp/x (deleted)");
        check(ext4, file::CUT, b"x\0y\0", "…/y/x");
        check(ext4, file::CUT | file::UNLINKED, b"x\0", "…/x (deleted)");
        check(ext4, file::UNKNOWN, b"x\0", "");
        check(TMPFS, 0, b"memfd:a b\0", "/memfd:a b (deleted)");
        check(TMPFS, file::UNLINKED, b"memfd:a\0", "/memfd:a (deleted)");
        check(TMPFS, 0, b"memfd:a\0shm\0dev\0", "/dev/shm/memfd:a");
        check(SOCKFS, 0, b"UDP\0", "socket:[4711]");
        check(PIPEFS, 0, b"", "pipe:[4711]");
        check(ANON_INODE_FS, 0, b"[eventfd]\0", "anon_inode:[eventfd]");
        check(NSFS, 0, b"net\0", "net:[4711]");
        check(NSFS, 0, b"/\0", "ns:[4711]");
        check(PIDFS, 0, b"", "anon_inode:[pidfd]");
    }

    #[test]
    fn several_and_the_padding_of_the_last_cut_off() {
        let mut both = [raw(PIPEFS, 0, b"abc\0"), raw(0xef53, 0, b"x\0")].concat();
        both.truncate(both.len() - 6);
        let mut batch = Batch::default();
        let span = append(&both, &mut batch).unwrap();
        let all: Vec<_> = entries(batch.part(span)).map(|(_, text)| text).collect();
        assert_eq!(all, [&b"pipe:[4711]"[..], b"/x"]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut batch = Batch::default();
        assert_eq!(append(&raw(PIPEFS, 0, b"")[..23], &mut batch), None);
        assert_eq!(append(&raw(0xef53, 0, b"12345678")[..31], &mut batch), None);
        assert_eq!(append(b"", &mut batch), Some(Span::default()));
    }

    #[test]
    fn a_text_is_as_long_as_its_length_can_say() {
        let names = [b'x'; TEXT_BYTES];
        let mut batch = Batch::default();
        let span = append(&raw(0xef53, file::UNLINKED, &names), &mut batch).unwrap();
        assert_eq!(entries(batch.part(span)).next().unwrap().1.len(), TEXT_BYTES);
    }
}
