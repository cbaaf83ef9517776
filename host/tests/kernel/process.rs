//! Who calls: process, thread, parent, user, group, name, executable.

use std::{env, io, process, ptr, thread};

use serde_json::{Value, json};

use crate::{
    calls::{Calls, assert_says, sendmsg, settle, tid},
    live::wait_for,
    on_each_backend,
};

#[test]
fn a_thread_with_a_name_and_a_user_of_its_own() {
    on_each_backend(|weir| {
        thread::scope(|scope| {
            let name = "fifteen-letters".to_owned();
            let thread = thread::Builder::new().name(name).spawn_scoped(scope, || {
                // The library's functions would change all threads. The effective ids stay root's.
                // SAFETY: the calls have no precondition.
                let result = unsafe {
                    libc::syscall(libc::SYS_setresgid, 1234, -1, -1)
                        | libc::syscall(libc::SYS_setresuid, 4321, -1, -1)
                };
                assert_eq!(result, 0, "{}", io::Error::last_os_error());
                let mut calls = Calls::new();
                let says = json!({
                    "process": {
                        "pid": process::id(), "tid": tid(), "uid": 4321, "gid": 1234,
                        "comm": "fifteen-letters", "container": null,
                    },
                    "status": {
                        "process": "ok", "process.ppid": "ok", "process.netns": "ok",
                    },
                });
                calls.call(-1, ptr::null(), 0, says).unwrap_err();
                calls.check(weir);
            });
            thread.unwrap().join().unwrap();
        });
    });
}

#[test]
fn a_child() {
    on_each_backend(|weir| {
        const FD: i32 = -4711;
        // SAFETY: the child makes system calls only, and leaves without running anything else.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "{}", io::Error::last_os_error());
        if child == 0 {
            _ = sendmsg(FD, ptr::null(), 0);
            // SAFETY: nothing of this copy of the process is to be cleaned up.
            unsafe { libc::_exit(0) };
        }
        // SAFETY: own child, waited for once; its status is not asked for.
        assert_eq!(unsafe { libc::waitpid(child, ptr::null_mut(), 0) }, child);
        settle(weir);
        let events = weir.events("own", |event| event["process"]["pid"] == child);
        let [event] = &events[..] else { panic!("not one event: {events:#?}") };
        let expected = json!({
            "fd": FD, "error": "EBADF",
            "process": { "pid": child, "tid": child, "ppid": process::id() },
        });
        assert_says(event, &expected);
    });
}

/// The host looks the executable up when it first sees a process, so the first events lack it.
#[test]
fn the_executable_a_little_later() {
    on_each_backend(|weir| {
        let own = env::current_exe().unwrap();
        let event = wait_for("event with an executable", || {
            let mut calls = Calls::new();
            calls.call(-1, ptr::null(), 0, json!({})).unwrap_err();
            let events = weir.events("own", |event| event["process"]["tid"] == tid());
            events.into_iter().find(|event| event["process"]["exe"] != Value::Null)
        });
        assert_eq!(event["process"]["exe"], own.to_str().unwrap());
        assert_eq!(event["fields"]["process.exe"]["status"], "ok");
    });
}
