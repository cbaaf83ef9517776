//! Calls that wait: their duration, many at once, interrupted, killed.

use std::{
    collections::BTreeSet,
    io,
    os::{fd::AsRawFd, unix::net::UnixStream},
    process, ptr,
    sync::{
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    calls::{
        Calls, Message, assert_says, drain, full_stream, sendmsg, set_send_timeout, settle, tid,
        wait_until_blocked,
    },
    live::{Weir, wait_for},
    on_each_backend,
};

/// How long calls are kept waiting.
const WAIT: Duration = Duration::from_millis(50);

#[test]
fn the_time_asleep_is_in_the_duration() {
    on_each_backend(|weir| {
        thread::scope(|scope| {
            let (from, mut to) = full_stream();
            let (tell, told) = mpsc::channel();
            let sender = scope.spawn(move || {
                let mut calls = Calls::new();
                tell.send(tid()).unwrap();
                calls.send(&from, &Message::of(&[1]), 0, json!({"ret": 1})).unwrap();
                calls.check(weir)
            });
            wait_until_blocked(process::id(), told.recv().unwrap());
            let blocked = Instant::now();
            thread::sleep(WAIT);
            let waited = blocked.elapsed();
            drain(&mut to);
            // That it is no longer than the call took is checked for every call.
            let duration_ns = sender.join().unwrap()[0]["duration_ns"].as_u64().unwrap();
            assert!(duration_ns >= waited.as_nanos() as u64, "{duration_ns} ns after {waited:?}");
        });
    });
}

#[test]
fn many_at_once() {
    const THREADS: usize = 64;
    on_each_backend(|weir| {
        let (mut senders, mut readers) = (Vec::new(), Vec::new());
        for _ in 0..THREADS {
            let (from, to) = full_stream();
            readers.push(to);
            senders.push(from);
        }
        let (waited, tids) = thread::scope(|scope| {
            let (tell, told) = mpsc::channel();
            for from in senders {
                let tell = tell.clone();
                scope.spawn(move || {
                    let message = Message::of(&[1]);
                    tell.send(tid()).unwrap();
                    let fd = from.as_raw_fd();
                    assert_eq!(sendmsg(fd, message.ptr(), 0).unwrap(), 1);
                });
            }
            let tids: BTreeSet<_> = told.iter().take(THREADS).collect();
            for &tid in &tids {
                wait_until_blocked(process::id(), tid);
            }
            let blocked = Instant::now();
            thread::sleep(WAIT);
            let waited = blocked.elapsed();
            readers.iter_mut().for_each(drain);
            (waited, tids)
        });
        // All have returned, so their events come before that of the next call.
        settle(weir);
        let number = |value: &Value| value.as_u64().unwrap();
        let own = |event: &Value| {
            event["process"]["pid"] == process::id()
                && tids.contains(&(number(&event["process"]["tid"]) as u32))
        };
        let events = weir.events("own", own);
        assert_eq!(events.len(), THREADS);
        for event in &events {
            assert_says(event, &json!({"ret": 1, "error": null, "msg": {"bytes": 1}}));
            assert!(number(&event["duration_ns"]) >= waited.as_nanos() as u64, "{event:#}");
        }
        let seen: BTreeSet<_> =
            events.iter().map(|event| number(&event["process"]["tid"]) as u32).collect();
        assert_eq!(seen, tids);
    });
}

/// What the kernel returns inside is seen, not what it makes of it on the way out: a call without
/// a timeout returns ERESTARTSYS, which becomes EINTR or a new call.
#[test]
fn interrupted() {
    on_each_backend(|weir| {
        catch(libc::SIGUSR1, 0);
        interrupt(weir, libc::SIGUSR1, |calls, socket, message| {
            let says = json!({"error": "ERESTARTSYS", "ret": -1});
            let error = calls.send(socket, message, 0, says).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EINTR));
        });
        interrupt(weir, libc::SIGUSR1, |calls, socket, message| {
            set_send_timeout(socket, Duration::from_secs(100));
            let says = json!({"error": "EINTR", "ret": -1});
            let error = calls.send(socket, message, 0, says).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EINTR));
        });
        catch(libc::SIGUSR2, libc::SA_RESTART);
        interrupt(weir, libc::SIGUSR2, |calls, socket, message| {
            calls.send(socket, message, 0, json!({"error": null, "ret": 1})).unwrap();
            calls.was_restarted(json!({"error": "ERESTARTSYS", "ret": -1}));
        });
    });
}

/// Signals caught.
static CAUGHT: AtomicUsize = AtomicUsize::new(0);

extern "C" fn caught(_signal: i32) {
    CAUGHT.fetch_add(1, Relaxed);
}

fn catch(signal: i32, flags: i32) {
    // SAFETY: the handler does nothing that a handler may not do.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = caught as *const () as usize;
        action.sa_flags = flags;
        libc::sigaction(signal, &raw const action, ptr::null_mut())
    };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
}

/// Sends a signal to a thread whose call has no room, makes room after that, and checks the
/// thread's calls.
fn interrupt(
    weir: &Weir,
    signal: i32,
    call: impl FnOnce(&mut Calls, &UnixStream, &Message) + Send,
) {
    thread::scope(|scope| {
        let (from, mut to) = full_stream();
        let (tell, told) = mpsc::channel();
        let sender = scope.spawn(move || {
            let mut calls = Calls::new();
            tell.send(tid()).unwrap();
            call(&mut calls, &from, &Message::of(&[1]));
            calls.check(weir);
        });
        let tid = told.recv().unwrap();
        wait_until_blocked(process::id(), tid);
        let before = CAUGHT.load(Relaxed);
        // SAFETY: the thread is there until it is joined, and the signal has a handler.
        unsafe { libc::syscall(libc::SYS_tgkill, process::id(), tid, signal) };
        wait_for("signal", || (CAUGHT.load(Relaxed) > before).then_some(()));
        drain(&mut to);
        sender.join().unwrap();
    });
}

/// Also the call of a process that is killed returns, inside the kernel, and is seen to.
#[test]
fn killed() {
    on_each_backend(|weir| {
        let (from, to) = full_stream();
        let message = Message::of(&[1]);
        let fd = from.as_raw_fd();
        // SAFETY: the child makes one system call, which does not return to it.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "{}", io::Error::last_os_error());
        if child == 0 {
            _ = sendmsg(fd, message.ptr(), 0);
            // SAFETY: nothing of this copy of the process is to be cleaned up.
            unsafe { libc::_exit(0) };
        }
        wait_until_blocked(child as u32, child as u32);
        let mut status = 0;
        // SAFETY: own child, waited for once.
        unsafe {
            libc::kill(child, libc::SIGKILL);
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        }
        assert!(libc::WIFSIGNALED(status));
        drop((from, to));
        settle(weir);
        let events = weir.events("own", |event| event["process"]["pid"] == child);
        let [event] = &events[..] else {
            panic!("not one event: {events:#?}; {}", weir.ledger());
        };
        assert_says(event, &json!({"error": "ERESTARTSYS", "ret": -1, "msg": {"bytes": 1}}));
    });
}
