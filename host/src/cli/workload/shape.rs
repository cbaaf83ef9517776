//! Messages of unusual shape: many parts, flags.

use std::{
    io::{self, IoSlice},
    os::unix::net::UnixDatagram,
};

use super::{Tally, Traffic, message::Message, socket::drain};

/// Entries of the iovec table, one number a round; the last is the most that the kernel takes.
const ENTRIES: [usize; 6] = [0, 1, 2, 9, 64, 1024];
const PART: &[u8] = b"part of a message";

/// Several parts.
pub struct Iovecs {
    from: UnixDatagram,
    to: UnixDatagram,
}

impl Iovecs {
    pub fn open() -> io::Result<Self> {
        let (from, to) = UnixDatagram::pair()?;
        Ok(Self { from, to })
    }
}

impl Traffic for Iovecs {
    fn round(&mut self, round: usize, tally: &mut Tally) -> io::Result<()> {
        let entries = ENTRIES[round % ENTRIES.len()];
        let parts: Vec<_> =
            (0..entries).map(|entry| IoSlice::new(&PART[..entry % PART.len()])).collect();
        let message = Message { parts: &parts, ..Message::default() };
        tally.count(message.send(&self.from, 0));
        drain(&self.to)
    }
}

/// Flags.
pub struct Flags {
    from: UnixDatagram,
    to: UnixDatagram,
}

impl Flags {
    pub fn open() -> io::Result<Self> {
        let (from, to) = UnixDatagram::pair()?;
        Ok(Self { from, to })
    }
}

impl Traffic for Flags {
    fn round(&mut self, _round: usize, tally: &mut Tally) -> io::Result<()> {
        let parts = [IoSlice::new(b"with flags")];
        let message = Message { parts: &parts, ..Message::default() };
        for flags in
            [libc::MSG_DONTWAIT, libc::MSG_NOSIGNAL, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL]
        {
            tally.count(message.send(&self.from, flags));
        }
        drain(&self.to)
    }
}
