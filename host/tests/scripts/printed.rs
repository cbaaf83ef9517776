//! What `weir run` prints: lines of JSON for pipes, and what follows when nobody reads them.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{live, live::wait_for};

/// Runs `weir run --json` with these arguments.
fn run(folder: &tempfile::TempDir, args: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new(live::binary())
        .args(["run", "--json", "--interval", "100ms", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path())
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    (child, stdout)
}

/// Makes calls until the process is gone: there is always something to print.
fn with_calls<T>(act: impl FnOnce() -> T) -> T {
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (one, _other) = std::os::unix::net::UnixDatagram::pair().unwrap();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                send(&one);
                std::thread::sleep(live::PAUSE);
            }
        });
        let result = act();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        result
    })
}

/// A sendmsg, which fails once the other end's queue is full: that is a call as well.
fn send(socket: &std::os::unix::net::UnixDatagram) {
    use std::os::fd::AsRawFd;
    let mut byte = [0_u8];
    let mut iov = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    // SAFETY: zero is a value of every field.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    (message.msg_iov, message.msg_iovlen) = (&raw mut iov, 1);
    // SAFETY: the message and its one entry live until the call is over.
    unsafe { libc::sendmsg(socket.as_raw_fd(), &message, libc::MSG_DONTWAIT) };
}

/// Ends it by SIGTERM and returns its last lines.
fn end(mut child: Child, stdout: BufReader<std::process::ChildStdout>) -> Vec<Value> {
    // SAFETY: the child is not waited for yet, so the id is still its own.
    unsafe { libc::kill(child.id() as i32, libc::SIGTERM) };
    let lines = stdout.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
    let lines = lines.collect();
    let status = wait_for("end", || child.try_wait().unwrap());
    assert!(status.success(), "{status}");
    lines
}

#[test]
fn a_filter_prints_events_and_an_aggregate_rows() {
    let folder = tempfile::tempdir().unwrap();
    let pid = format!("process.pid == {}", std::process::id());
    let (child, mut stdout) = run(&folder, &["-e", &pid, "-e", &format!("{pid} | count by call")]);
    let (mut event, mut row) = (None, None);
    with_calls(|| {
        while event.is_none() || row.is_none() {
            let mut line = String::new();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it ended");
            let value: Value = serde_json::from_str(&line).unwrap();
            // This test's own process makes other calls as well.
            if value["call"] == "sendmsg" {
                event = Some(value);
            } else if value["key"][0] == "sendmsg" {
                row = Some(value);
            }
        }
    });
    let (event, row) = (event.unwrap(), row.unwrap());
    assert_eq!((&event["pipeline"], &event["call"]), (&"e1".into(), &"sendmsg".into()));
    assert_eq!(event["process"]["pid"], std::process::id());
    assert_eq!((&row["script"], &row["table"]), (&"e2".into(), &"count_by_call".into()));
    assert!(row["key"][0] == "sendmsg" && row["value"].as_u64() > Some(0), "{row}");
    assert!(row["kind"] == "counter" && row["time"].is_string(), "{row}");
    let last = end(child, stdout);
    let newest = last.iter().rev().find(|line| line["key"][0] == "sendmsg").unwrap_or(&row);
    assert!(newest["value"].as_u64() >= row["value"].as_u64(), "{newest}");
}

#[test]
fn it_ends_when_nobody_reads() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing is ever printed by this, so the end is not told by a write that fails.
    for args in [["-e", "fd == -77"], ["-e", "true"]] {
        let (mut child, stdout) = run(&folder, &args);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut lines = stderr.lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("/#token=")));
        drop(stdout);
        let status = with_calls(|| wait_for("end", || child.try_wait().unwrap()));
        let rest: Vec<_> = lines.collect();
        assert!(status.success(), "{status}: {rest:#?}");
        assert!(rest.iter().any(|line| line.starts_with("ledger")), "{rest:#?}");
    }
}
