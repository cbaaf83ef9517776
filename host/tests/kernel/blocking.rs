//! Calls that wait: their duration, many at once, interrupted, killed.

use std::{
    collections::{BTreeMap, BTreeSet},
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
        Calls, Message, Since, assert_says, drain, full_stream, sendmsg, set_send_timeout, settle,
        tid, wait_until_blocked,
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

/// None is missed, and each has its own duration: from when it blocked to when there was room.
#[test]
fn many_at_once() {
    const THREADS: usize = 512;
    // Two descriptors each.
    let limit = libc::rlimit { rlim_cur: 4096, rlim_max: 4096 };
    // SAFETY: the limit is read only.
    let result = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
    on_each_backend(|weir| {
        let since = Since::now();
        let (senders, mut readers): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| full_stream()).unzip();
        let waits = thread::scope(|scope| {
            let (tell, told) = mpsc::channel();
            let threads: Vec<_> = senders
                .into_iter()
                .enumerate()
                .map(|(number, from)| {
                    let tell = tell.clone();
                    scope.spawn(move || {
                        let message = Message::of(&[1]);
                        tell.send((number, tid())).unwrap();
                        let began = Instant::now();
                        assert_eq!(sendmsg(from.as_raw_fd(), message.ptr(), 0).unwrap(), 1);
                        began.elapsed()
                    })
                })
                .collect();
            let tids: BTreeMap<_, _> = told.iter().take(THREADS).collect();
            for &tid in tids.values() {
                wait_until_blocked(process::id(), tid);
            }
            let blocked = Instant::now();
            thread::sleep(WAIT);
            let drain_one = |to: &mut UnixStream| {
                let waited = blocked.elapsed();
                drain(to);
                waited
            };
            let least: Vec<_> = readers.iter_mut().map(drain_one).collect();
            let most = threads.into_iter().map(|thread| thread.join().unwrap());
            let waits = tids.into_values().zip(least.into_iter().zip(most));
            waits.collect::<BTreeMap<_, _>>()
        });
        let number = |value: &Value| value.as_u64().unwrap();
        let of_thread = |event: &Value| number(&event["process"]["tid"]) as u32;
        // All have returned, so their events come before that of the next call.
        let mut events = since.events(weir);
        events.retain(|event| waits.contains_key(&of_thread(event)));
        for event in &events {
            assert_says(event, &json!({"ret": 1, "error": null, "msg": {"bytes": 1}}));
            let (least, most) = waits[&of_thread(event)];
            let duration = Duration::from_nanos(number(&event["duration_ns"]));
            assert!((least..=most).contains(&duration), "not {least:?} to {most:?}: {event:#}");
        }
        assert_eq!(events.len(), THREADS);
        let seen: BTreeSet<_> = events.iter().map(of_thread).collect();
        assert_eq!(seen, waits.into_keys().collect());
    });
}

/// A call that gives up has waited as long as it was told to.
#[test]
fn timed_out() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        let (from, _to) = full_stream();
        set_send_timeout(&from, WAIT);
        let says = json!({"error": "EAGAIN", "ret": -1, "msg": {"bytes": 1}});
        calls.send(&from, &Message::of(&[1]), 0, says).unwrap_err();
        let events = calls.check(weir);
        // The kernel counts in ticks, of which the first may be almost over.
        let least = WAIT - Duration::from_millis(10);
        let duration = Duration::from_nanos(events[0]["duration_ns"].as_u64().unwrap());
        assert!(duration >= least, "{duration:?}");
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
