//! sendfile: from where, to where, and how far.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    ptr,
};

use serde_json::{Value, json};

use crate::{
    calls::{Calls, fd, sendfile},
    live::Weir,
    of_all_calls,
};

fn says(input: &impl AsRawFd, out: &impl AsRawFd, count: usize) -> Value {
    json!({
        "flags": [], "msg": { "ptr": null, "name": null, "iov": null, "bytes": count, "control": null },
        "sendfile": { "in": fd(input), "out": fd(out), "count": count },
    })
}

fn place(mut says: Value, before: Value, after: Value) -> Value {
    let status = if before.is_null() { "absent" } else { "ok" };
    says["sendfile"]["offset"] = before;
    says["sendfile"]["offset_after"] = after;
    says["status"] =
        json!({ "sendfile": "ok", "sendfile.offset": status, "sendfile.offset_after": status });
    says
}

fn file(weir: &Weir) -> File {
    let folder = tempfile::tempdir_in(weir.folder()).unwrap().keep();
    let folder = folder.join("some folder/with another");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("input");
    fs::write(&path, [7; 10_000]).unwrap();
    File::open(path).unwrap()
}

fn pipe() -> (OwnedFd, OwnedFd) {
    let mut fds = [-1; 2];
    // SAFETY: there is room for two descriptors, which then belong to nobody else.
    unsafe {
        assert_eq!(
            libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC),
            0,
            "{}",
            io::Error::last_os_error()
        );
        (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1]))
    }
}

#[test]
fn to_a_socket() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let (out, _to) = UnixStream::pair().unwrap();
        let mut input = file(weir);
        let (from, to) = (input.as_raw_fd(), out.as_raw_fd());
        let mut offset = 1000;
        let mut expected = place(says(&input, &out, 500), json!(1000), json!(1500));
        expected["socket"] = json!({ "family": "AF_UNIX", "type": "SOCK_STREAM" });
        expected["fields"] = json!({
            "sendfile.offset": {"read": "entry"}, "sendfile.offset_after": {"read": "exit"},
        });
        let call = || sendfile(to, from, &raw mut offset, 500);
        assert_eq!(calls.make("sendfile", to, expected, call).unwrap(), 500);
        assert_eq!(offset, 1500);

        // Without one the file's own position counts.
        input.seek(SeekFrom::Start(9_900)).unwrap();
        let expected = place(says(&input, &out, 500), Value::Null, Value::Null);
        let call = || sendfile(to, from, ptr::null_mut(), 500);
        assert_eq!(calls.make("sendfile", to, expected, call).unwrap(), 100);

        // Behind the end there is nothing.
        offset = 1 << 40;
        let expected = place(says(&input, &out, 500), json!(1u64 << 40), json!(1u64 << 40));
        let call = || sendfile(to, from, &raw mut offset, 500);
        assert_eq!(calls.make("sendfile", to, expected, call).unwrap(), 0);
        calls.check(weir);
    });
}

#[test]
fn to_what_is_no_socket() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let input = file(weir);
        let from = input.as_raw_fd();
        let output = File::create(weir.folder().join("output")).unwrap();
        let to = output.as_raw_fd();
        let (pipe_out, pipe_in) = pipe();
        let no_socket = |mut says: Value| {
            says["socket"] = Value::Null;
            says["status"]["socket"] = json!("absent");
            says
        };
        let mut offset = 0;
        let expected = no_socket(place(says(&input, &output, 100), json!(0), json!(100)));
        calls.make("sendfile", to, expected, || sendfile(to, from, &raw mut offset, 100)).unwrap();

        let expected = no_socket(place(says(&input, &pipe_in, 50), json!(100), json!(150)));
        let fd = pipe_in.as_raw_fd();
        calls.make("sendfile", fd, expected, || sendfile(fd, from, &raw mut offset, 50)).unwrap();

        // A deleted file has no name to go by but the one it had.
        let path = weir.folder().join("deleted");
        fs::write(&path, [1; 10]).unwrap();
        let deleted = File::open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let expected = no_socket(place(says(&deleted, &output, 10), Value::Null, Value::Null));
        let input = deleted.as_raw_fd();
        calls.make("sendfile", to, expected, || sendfile(to, input, ptr::null_mut(), 10)).unwrap();

        // What a kernel makes of a pipe as input depends on its version.
        let expected = no_socket(place(says(&pipe_out, &output, 10), Value::Null, Value::Null));
        let input = pipe_out.as_raw_fd();
        _ = calls.make("sendfile", to, expected, || sendfile(to, input, ptr::null_mut(), 10));
        calls.check(weir);
    });
}

#[test]
fn of_descriptors_that_are_not_open() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let input = file(weir);
        for (out, from) in [(-1, -1), (i32::MIN, i32::MAX), (-1, input.as_raw_fd())] {
            let from_file =
                if from == input.as_raw_fd() { fd(&input)["file"].take() } else { Value::Null };
            let says = json!({
                "error": "EBADF",
                "sendfile": {
                    "in": { "fd": from, "file": from_file }, "out": { "fd": out, "file": null },
                    "offset": 5, "offset_after": 5, "count": 9,
                },
            });
            let mut offset = 5;
            let call = || sendfile(out, from, &raw mut offset, 9);
            calls.make("sendfile", out, says, call).unwrap_err();
        }
        calls.check(weir);
    });
}

/// The kernel reads the offset before it comes to where kprobes and trampolines are.
#[test]
fn an_offset_that_cannot_be_read() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let (out, _to) = UnixStream::pair().unwrap();
        let input = file(weir);
        let (from, to) = (input.as_raw_fd(), out.as_raw_fd());
        let mut expected = says(&input, &out, 3);
        expected["sendfile"]["offset"] = Value::Null;
        expected["sendfile"]["offset_after"] = Value::Null;
        expected["status"] =
            json!({ "sendfile.offset": "fault", "sendfile.offset_after": "fault" });
        let call = || sendfile(to, from, ptr::without_provenance_mut(8), 3);
        let status = weir.get("/api/v1/status");
        if status["backend"]["name"] == "tracepoint" {
            calls.make("sendfile", to, expected, call).unwrap_err();
        } else {
            call().unwrap_err();
            let cannot_see = status["backend"]["cannot_see"].to_string();
            assert!(cannot_see.contains("sendfile"), "{cannot_see}");
        }
        calls.check(weir);
    });
}
