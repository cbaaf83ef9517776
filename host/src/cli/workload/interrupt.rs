//! SIGINT and SIGTERM as something to wait for, so that what was made is cleaned up.

use std::{mem, ptr, time::Duration};

/// The two signals, blocked.
pub struct Interrupt {
    signals: libc::sigset_t,
}

impl Interrupt {
    /// Blocks them in this thread and in those that it starts.
    pub fn block() -> Self {
        // SAFETY: a signal set is integers only, and the calls fail on nothing but an unknown
        // signal or a bad pointer.
        unsafe {
            let mut signals: libc::sigset_t = mem::zeroed();
            libc::sigemptyset(&raw mut signals);
            libc::sigaddset(&raw mut signals, libc::SIGINT);
            libc::sigaddset(&raw mut signals, libc::SIGTERM);
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const signals, ptr::null_mut());
            Self { signals }
        }
    }

    /// Waits for one of them, at most so long, and says whether it came.
    pub fn wait(&self, most: Duration) -> bool {
        let timeout = libc::timespec {
            tv_sec: most.as_secs() as libc::time_t,
            tv_nsec: most.subsec_nanos().into(),
        };
        // SAFETY: both pointers are to live values; nothing is written.
        unsafe {
            libc::sigtimedwait(&raw const self.signals, ptr::null_mut(), &raw const timeout) > 0
        }
    }
}
