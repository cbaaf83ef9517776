//! Messages of unusual shape: many parts, control messages, flags.

use std::{
    fs::File,
    io::{self, IoSlice},
    os::{fd::AsRawFd, unix::net::UnixDatagram},
};

use super::{
    Tally, Traffic,
    message::{Message, control},
    socket::drain,
};

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

/// Control messages.
pub struct Control {
    from: UnixDatagram,
    to: UnixDatagram,
    /// What is passed on.
    file: File,
}

impl Control {
    pub fn open() -> io::Result<Self> {
        let (from, to) = UnixDatagram::pair()?;
        Ok(Self { from, to, file: File::open("/dev/null")? })
    }

    fn rights(&self, descriptors: usize) -> Vec<u8> {
        let numbers = self.file.as_raw_fd().to_ne_bytes().repeat(descriptors);
        control(libc::SCM_RIGHTS, &numbers)
    }
}

impl Traffic for Control {
    fn round(&mut self, _round: usize, tally: &mut Tally) -> io::Result<()> {
        // SAFETY: the calls have no precondition.
        let (uid, gid) = unsafe { (libc::getuid(), libc::getgid()) };
        // struct ucred: pid, uid, gid.
        let credentials = [std::process::id(), uid, gid].map(u32::to_ne_bytes).concat();
        let credentials = control(libc::SCM_CREDENTIALS, &credentials);
        let both = [self.rights(2), credentials].concat();
        let parts = [IoSlice::new(b"with control messages")];
        for control in [&self.rights(1), &both] {
            let message = Message { parts: &parts, control, ..Message::default() };
            tally.count(message.send(&self.from, 0));
        }
        // Received without room for control messages, which closes the descriptors passed on.
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
