//! sendfile: between files, sockets and pipes.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsRawFd,
};

use super::{call, pair};

/// Sends so many bytes, from an offset of the caller's or from the file's own.
fn send(out: &impl AsRawFd, input: &impl AsRawFd, offset: Option<i64>, count: usize) -> i64 {
    let mut place = offset.unwrap_or_default();
    let at = if offset.is_some() { &raw mut place as i64 } else { 0 };
    let (out, input) = (out.as_raw_fd().into(), input.as_raw_fd().into());
    call(libc::SYS_sendfile, [out, input, at, count as i64, 0, 0])
}

pub fn sending() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("from");
    let mut file = File::create(&path).unwrap();
    file.write_all(&vec![b'f'; 10_000]).unwrap();
    let from = File::open(&path).unwrap();
    let copy = File::create(folder.path().join("to")).unwrap();
    let (out, _in) = pair(libc::SOCK_STREAM);
    for offset in [None, Some(0), Some(7), Some(9_999), Some(10_000), Some(1 << 40)] {
        send(&out, &from, offset, 100);
        send(&copy, &from, offset, 100);
    }
    send(&copy, &from, Some(0), 0);
    send(&copy, &from, Some(0), usize::MAX >> 1);
    let (_read, write) = io::pipe().unwrap();
    send(&write, &from, Some(3), 5);
    // What has no name any more.
    std::fs::remove_file(&path).unwrap();
    send(&copy, &from, Some(3), 5);
}

pub fn failing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("from");
    std::fs::write(&path, b"0123456789").unwrap();
    let from = File::open(&path).unwrap();
    let (out, other) = pair(libc::SOCK_STREAM);
    send(&-1, &from, Some(2), 5);
    send(&out, &-1, Some(2), 5);
    send(&out, &99_999, None, 5);
    // Not to be read from like a file, not to be written to.
    send(&out, &other, None, 5);
    send(&from, &from, Some(1), 5);
    send(&out, &from, Some(-1), 5);
    let (out_fd, from_fd) = (out.as_raw_fd().into(), from.as_raw_fd().into());
    call(libc::SYS_sendfile, [out_fd, from_fd, 0x10, 5, 0, 0]);
    drop(other);
    send(&out, &from, Some(2), 5);
}
