//! Turns on a processor, for who compiles: given away every half millisecond.
//!
//! However low its priority is, a thread whose turn has come keeps the processor until the next tick of the kernel, up
//! to 4 ms, though one of the event path waits: EEVDF owes it a turn now and then (kernel/sched/fair.c). Since Linux
//! 6.18 who calls sched_yield(2) forfeits what it is owed; before that it lets those go first who are owed a turn too.

use std::{io, marker::PhantomData, mem, ptr};

/// How long the event path may wait for a turn to end.
const LONGEST_NS: i64 = 500_000;

/// While it is there, the thread that made it gives its turns away. Not for a thread that sleeps: it would be woken up as
/// often.
pub(super) struct ShortTurns {
    timer: libc::timer_t,
    /// It is that thread's.
    _here: PhantomData<*const ()>,
}

impl ShortTurns {
    /// Begins for the calling thread.
    pub fn begin() -> io::Result<Self> {
        // SAFETY: zero is valid in all fields of these structs, and all that the kernel is given outlives the calls. The
        // handler does nothing but a system call, and what it interrupts starts anew.
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = give_away as *const () as usize;
            action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
            done(libc::sigaction(libc::SIGALRM, &action, ptr::null_mut()))?;
            let mut event: libc::sigevent = mem::zeroed();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = libc::SIGALRM;
            event.sigev_notify_thread_id = libc::gettid();
            let mut timer = ptr::null_mut();
            done(libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer))?;
            let turns = Self { timer, _here: PhantomData };
            let often = libc::timespec { tv_sec: 0, tv_nsec: LONGEST_NS };
            let setting = libc::itimerspec { it_interval: often, it_value: often };
            done(libc::timer_settime(timer, 0, &setting, ptr::null_mut()))?;
            Ok(turns)
        }
    }
}

impl Drop for ShortTurns {
    fn drop(&mut self) {
        // SAFETY: it is this one's, and nobody else deletes it. A signal that still comes finds the handler.
        unsafe { libc::timer_delete(self.timer) };
    }
}

extern "C" fn give_away(_: libc::c_int) {
    // SAFETY: it takes nothing, always succeeds on Linux, and is no more than a system call.
    unsafe { libc::sched_yield() };
}

fn done(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::*;

    /// The next signal of a timer to this thread, for which it waits.
    fn signal(wait: Duration) -> bool {
        // SAFETY: zero is valid in all fields, and all that the kernel is given outlives the calls. Only this thread
        // blocks the signal.
        unsafe {
            let mut set: libc::sigset_t = mem::zeroed();
            libc::sigaddset(&mut set, libc::SIGALRM);
            libc::pthread_sigmask(libc::SIG_BLOCK, &set, ptr::null_mut());
            let mut info: libc::siginfo_t = mem::zeroed();
            let wait = libc::timespec {
                tv_sec: wait.as_secs() as i64,
                tv_nsec: wait.subsec_nanos().into(),
            };
            libc::sigtimedwait(&set, &mut info, &wait) == libc::SIGALRM
                && info.si_code == libc::SI_TIMER
        }
    }

    #[test]
    fn a_thread_is_told_again_and_again_until_it_ends() {
        let told = || {
            let turns = ShortTurns::begin().unwrap();
            let often = (0..3).all(|_| signal(Duration::from_secs(60)));
            drop(turns);
            // One may be pending.
            signal(Duration::ZERO);
            (often, signal(Duration::from_millis(20)))
        };
        assert_eq!(thread::spawn(told).join().unwrap(), (true, false));
    }

    #[test]
    fn what_works_meanwhile_is_not_disturbed() {
        let works = || {
            let _turns = ShortTurns::begin().unwrap();
            let mut file = tempfile::tempfile().unwrap();
            let began = std::time::Instant::now();
            let mut written = 0;
            while began.elapsed() < Duration::from_millis(20) {
                io::Write::write_all(&mut file, &[1; 4096]).unwrap();
                written += 4096;
            }
            file.metadata().unwrap().len() == written
        };
        assert!(thread::spawn(works).join().unwrap());
    }
}
