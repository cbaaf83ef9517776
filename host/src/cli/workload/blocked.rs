//! A call that waits for room, for a time that is known.

use std::{
    io::{self, IoSlice},
    os::unix::net::UnixStream,
    thread,
    time::Duration,
};

use crossbeam_channel::{Sender, bounded};

use super::{
    Tally, Traffic,
    message::Message,
    socket::{drain, fill},
};

/// How long the reader leaves the socket full.
const FULL: Duration = Duration::from_millis(50);

/// A stream whose reader takes its time.
pub struct Blocked {
    from: UnixStream,
    /// Tells the reader that the socket is full.
    full: Sender<()>,
}

impl Blocked {
    pub fn open() -> io::Result<Self> {
        let (from, to) = UnixStream::pair()?;
        let (full, told) = bounded(1);
        // Ends when the sender is gone.
        thread::Builder::new().name("wl-reader".to_owned()).spawn(move || {
            for () in told {
                thread::sleep(FULL);
                if let Err(error) = drain(&to) {
                    // The sender then fails with EPIPE instead of waiting for ever.
                    return eprintln!("cannot read from a unix stream: {error}");
                }
            }
        })?;
        Ok(Self { from, full })
    }
}

impl Traffic for Blocked {
    fn round(&mut self, _round: usize, tally: &mut Tally) -> io::Result<()> {
        fill(&self.from)?;
        if self.full.send(()).is_err() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let parts = [IoSlice::new(b"at last")];
        let message = Message { parts: &parts, ..Message::default() };
        tally.count(message.send(&self.from, libc::MSG_NOSIGNAL));
        Ok(())
    }
}
