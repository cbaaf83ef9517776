//! Calls that wait: until there is something, until their time is over, until a signal comes.

use std::{fs, io, os::fd::OwnedFd, process, ptr, thread, time::Duration};

use super::{Message, drain, fill, pair, recvfrom, recvmsg, sendmsg, sendto, time_out};

/// How long calls are kept waiting.
const WAIT: Duration = Duration::from_millis(50);

/// Makes a call in a thread of its own, waits until it sleeps in there, and does what ends its sleep.
fn asleep(call: impl FnOnce() + Send, end: impl FnOnce(u32)) {
    let (tell, told) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            tell.send(crate::calls::tid()).unwrap();
            call();
        });
        let tid = told.recv().unwrap();
        // The kernel's name of the sleeping thread's state: S, and t where strace has stopped it.
        let stat = format!("/proc/self/task/{tid}/stat");
        let state = || {
            let text = fs::read_to_string(&stat).unwrap_or_default();
            text.rsplit_once(") ").map(|(_, rest)| rest.starts_with('S'))
        };
        // Asleep all along: between two stops it may be so for a moment.
        let mut times = 0;
        while times < 10 {
            thread::sleep(Duration::from_millis(5));
            let asleep = state().expect("a call that sleeps");
            times = if asleep { times + 1 } else { 0 };
        }
        thread::sleep(WAIT);
        end(tid);
    });
}

pub fn blocked() {
    let (to, from) = pair(libc::SOCK_DGRAM);
    asleep(
        || _ = recvmsg(&from, &mut Message::room(&[64]), 0),
        |_| _ = sendto(&to, b"wake", 0, None),
    );
    asleep(|| _ = recvfrom(&from, 64, 0, None), |_| _ = sendto(&to, b"wake", 0, None));
    let (to, from) = pair(libc::SOCK_STREAM);
    fill(&to);
    asleep(|| _ = sendmsg(&to, &mut Message::new(["waits"]), 0), |_| drain(&from));
    fill(&to);
    asleep(|| _ = sendto(&to, b"waits", 0, None), |_| drain(&from));
    // Woken by the end.
    asleep(|| _ = recvmsg(&to, &mut Message::room(&[64]), 0), |_| drop(from));
}

pub fn timed_out() {
    let (to, from): (OwnedFd, OwnedFd) = pair(libc::SOCK_STREAM);
    time_out(&from, libc::SO_RCVTIMEO, WAIT);
    recvmsg(&from, &mut Message::room(&[64]).name(&[0; 128]), 0);
    recvfrom(&from, 64, 0, Some(128));
    time_out(&to, libc::SO_SNDTIMEO, WAIT);
    fill(&to);
    sendmsg(&to, &mut Message::new(["waits"]), 0);
    sendto(&to, b"waits", 0, None);
    // Takes what there is, then waits for the rest in vain.
    let (to, from) = pair(libc::SOCK_STREAM);
    time_out(&from, libc::SO_RCVTIMEO, WAIT);
    sendto(&to, b"half", 0, None);
    recvmsg(&from, &mut Message::room(&[8]), libc::MSG_WAITALL);
}

pub fn interrupted() {
    let kill = |tid: u32| {
        // SAFETY: the thread is there until its call has returned, and the signal has a handler.
        _ = unsafe { libc::syscall(libc::SYS_tgkill, process::id(), tid, libc::SIGUSR1) };
    };
    // Told of it, and made again.
    for flags in [0, libc::SA_RESTART] {
        catch(flags);
        type Receive = fn(&OwnedFd);
        let calls: [Receive; 2] = [
            |from| _ = recvmsg(from, &mut Message::room(&[64]), 0),
            |from| _ = recvfrom(from, 64, 0, None),
        ];
        for receive in calls {
            let (to, from) = pair(libc::SOCK_DGRAM);
            let end = |tid| {
                kill(tid);
                thread::sleep(WAIT);
                sendto(&to, b"wake", 0, None);
            };
            asleep(|| receive(&from), end);
        }
    }
    // With a timeout it is never made again.
    let (to, from) = pair(libc::SOCK_STREAM);
    time_out(&from, libc::SO_RCVTIMEO, Duration::from_secs(100));
    asleep(|| _ = recvmsg(&from, &mut Message::room(&[64]), 0), kill);
    fill(&to);
    time_out(&to, libc::SO_SNDTIMEO, Duration::from_secs(100));
    asleep(|| _ = sendmsg(&to, &mut Message::new(["waits"]), 0), kill);
}

extern "C" fn caught(_signal: i32) {}

fn catch(flags: i32) {
    // SAFETY: the handler does nothing.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = caught as *const () as usize;
        action.sa_flags = flags;
        libc::sigaction(libc::SIGUSR1, &raw const action, ptr::null_mut())
    };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
}
