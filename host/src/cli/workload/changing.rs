//! A destination that is not the same for long: what a call shows at its entry need not be what the
//! kernel uses.

use std::{
    io::{self, IoSlice},
    net::{Ipv4Addr, UdpSocket},
    os::fd::AsRawFd,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering::Relaxed},
    },
    thread::{self, Thread},
};

use super::{
    Tally, Traffic, address,
    message::{Message, result},
    socket::drain,
};

/// Calls of a round: with each the chance is about one in two, where there are two processors.
const CALLS: usize = 4;
/// Place of the port's lower byte in `struct sockaddr_in`.
const PORT: usize = 3;

/// A socket whose destination changes while it sends.
pub struct Changing {
    from: UdpSocket,
    to: [UdpSocket; 2],
    shared: Arc<Shared>,
    other: Thread,
}

/// What both threads have.
struct Shared {
    /// `struct sockaddr_in`.
    name: [AtomicU8; 16],
    /// What the byte at [`PORT`] changes by: from one socket's port to the other's, and back.
    flip: u8,
    running: AtomicBool,
    ended: AtomicBool,
}

impl Changing {
    pub fn open() -> io::Result<Self> {
        let bind = |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
        let one = bind(0)?;
        let address = one.local_addr()?;
        // One byte is what changes, so there is no moment with half of each port.
        let flips = (1..=u8::MAX).filter_map(|flip| {
            let two = bind(address.port() ^ u16::from(flip)).ok()?;
            Some((two, flip))
        });
        let Some((two, flip)) = flips.take(1).next() else {
            return Err(io::ErrorKind::AddrInUse.into());
        };
        let name = address::inet(address);
        let shared = Arc::new(Shared {
            name: std::array::from_fn(|at| AtomicU8::new(name[at])),
            flip,
            running: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let changes = {
            let shared = shared.clone();
            thread::Builder::new().name("wl-changes".to_owned()).spawn(move || shared.change())?
        };
        let other = changes.thread().clone();
        Ok(Self { from: bind(0)?, to: [one, two], shared, other })
    }
}

impl Shared {
    /// Changes the port again and again, while there is a round.
    fn change(&self) {
        while !self.ended.load(Relaxed) {
            if self.running.load(Relaxed) {
                self.name[PORT].fetch_xor(self.flip, Relaxed);
            } else {
                thread::park();
            }
        }
    }
}

impl Traffic for Changing {
    fn round(&mut self, _round: usize, tally: &mut Tally) -> io::Result<()> {
        let Shared { name, running, .. } = &*self.shared;
        running.store(true, Relaxed);
        self.other.unpark();
        let parts = [IoSlice::new(b"to whom?")];
        let mut header = Message { parts: &parts, ..Message::default() }.header();
        // By its address alone: only the kernel reads there, and it expects that memory changes.
        header.msg_name = name.as_ptr().cast_mut().cast();
        header.msg_namelen = name.len() as libc::socklen_t;
        let fd = self.from.as_raw_fd();
        for _ in 0..CALLS {
            // SAFETY: the header and all that it points to live until the call returns.
            tally.count(result(unsafe {
                libc::syscall(libc::SYS_sendmsg, fd, &raw const header, 0)
            }));
        }
        running.store(false, Relaxed);
        self.to.iter().try_for_each(drain)
    }
}

impl Drop for Changing {
    fn drop(&mut self) {
        self.shared.ended.store(true, Relaxed);
        self.other.unpark();
    }
}
