//! The ring buffer: records as bytes, and when to sleep.

use std::{os::fd::AsFd, time::Duration};

use aya::maps::{Array, MapData, RingBuf};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use weir_ebpf::control;

use super::{Error, cause};

/// The consumer's end of the ring buffer.
pub struct Ring {
    records: RingBuf<MapData>,
    control: Array<MapData, u32>,
}

impl Ring {
    pub(super) fn new(records: RingBuf<MapData>, control: Array<MapData, u32>) -> Self {
        Self { records, control }
    }

    /// Hands up to `most` records to `take` and returns how many there were.
    pub fn drain(&mut self, most: usize, mut take: impl FnMut(&[u8])) -> usize {
        for taken in 0..most {
            match self.records.next() {
                Some(record) => take(&record),
                None => return taken,
            }
        }
        most
    }

    /// Asks the kernel side to wake this thread at the next record. Whoever asks must drain once
    /// more before it sleeps, for what came in between.
    pub fn ask_for_wakeup(&mut self) -> Result<(), Error> {
        self.control
            .set(control::READER_SLEEPS, 1, 0)
            .map_err(|error| Error::MapAccess { name: "CONTROL", reason: cause(&error) })
    }

    /// Sleeps until woken, or until `most` has passed.
    pub fn sleep(&self, most: Duration) -> std::io::Result<()> {
        let timeout = Timespec::try_from(most).map_err(std::io::Error::other)?;
        let mut poll_fds = [PollFd::from_borrowed_fd(self.records.as_fd(), PollFlags::IN)];
        match poll(&mut poll_fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}
