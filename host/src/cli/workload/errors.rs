//! Calls that fail, each for another reason.

use std::{
    io::{self, IoSlice},
    net::{Ipv4Addr, UdpSocket},
    os::{
        fd::AsRawFd,
        unix::net::{UnixDatagram, UnixStream},
    },
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    Tally, Traffic, address,
    folder::Folder,
    message::{Message, result},
    socket::fill,
};

/// More than fits in a UDP datagram.
static TOO_LONG: [u8; 70_000] = [0; 70_000];
/// How long a refusal may take on loopback.
const REFUSAL: Duration = Duration::from_millis(100);

/// A socket for each failure.
pub struct Errors {
    /// Connected to a port that takes nothing from it.
    refused: UdpSocket,
    /// The owner of that port. It is connected to itself: what others send there is refused, and
    /// no other process gets the port.
    _refuses: UdpSocket,
    full: UnixStream,
    _never_read: UnixStream,
    closed: UnixStream,
    datagrams: UnixDatagram,
    missing: Vec<u8>,
}

impl Errors {
    pub fn open(folder: &Folder) -> io::Result<Self> {
        let refuses = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        refuses.connect(refuses.local_addr()?)?;
        let refused = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        refused.connect(refuses.local_addr()?)?;
        let (full, never_read) = UnixStream::pair()?;
        fill(&full)?;
        let (closed, _) = UnixStream::pair()?;
        Ok(Self {
            refused,
            _refuses: refuses,
            full,
            _never_read: never_read,
            closed,
            datagrams: UnixDatagram::unbound()?,
            missing: address::path(&folder.join("missing.sock")),
        })
    }
}

impl Traffic for Errors {
    fn round(&mut self, _round: usize, tally: &mut Tally) -> io::Result<()> {
        let parts = [IoSlice::new(b"in vain")];
        let message = Message { parts: &parts, ..Message::default() };

        tally.count(message.send(&self.full, libc::MSG_DONTWAIT));
        tally.count(message.send_to_number(-1, 0));
        tally.count(message.send(&self.closed, libc::MSG_NOSIGNAL));

        // The first is sent, and what came of it is returned to the second.
        tally.count(message.send(&self.refused, 0));
        let timeout = Timespec::try_from(REFUSAL).map_err(io::Error::other)?;
        poll(&mut [PollFd::new(&self.refused, PollFlags::empty())], Some(&timeout))?;
        tally.count(message.send(&self.refused, 0));

        let parts = [IoSlice::new(&TOO_LONG)];
        tally.count(Message { parts: &parts, ..Message::default() }.send(&self.refused, 0));

        tally.count(Message { name: &self.missing, ..message }.send(&self.datagrams, 0));

        // No process has the first page of memory.
        let nowhere = std::ptr::without_provenance::<libc::msghdr>(8);
        // SAFETY: the kernel checks the pointer, which is what this call is about.
        let returned =
            unsafe { libc::syscall(libc::SYS_sendmsg, self.datagrams.as_raw_fd(), nowhere, 0) };
        tally.count(result(returned));
        Ok(())
    }
}
