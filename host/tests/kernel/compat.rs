//! Calls of 32-bit programs: one program is built for 32 and for 64 bits (tests/compat/caller.c) and
//! makes the same calls in both, so the events must say the same, but for what is of other size.

use std::{
    env, fs,
    net::UdpSocket,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::{
    calls::{Since, assert_says},
    of_all_calls,
};

/// Events of one run of the program: two calls of sendmmsg and one of recvmmsg have two each.
const EVENTS: usize = 20;
/// Those of calls that are no part of socketcall(2).
const SENDFILES: usize = 4;

/// Where the programs are: of WEIR_COMPAT, else where `cargo xtask` builds them.
fn folder() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/compat");
    env::var_os("WEIR_COMPAT").map_or(built, PathBuf::from)
}

#[test]
fn say_the_same_as_those_of_64_bit_programs() {
    if !folder().join("caller32").is_file() {
        return eprintln!("skipped: no 32-bit program is built: `cargo xtask vm` does that");
    }
    let receiver = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let port = receiver.local_addr().unwrap().port().to_string();
    of_all_calls(|weir| {
        let backend = weir.get("/api/v1/status")["backend"].take();
        let backend = backend["name"].as_str().unwrap();
        let file = weir.folder().join("file");
        fs::write(&file, [b'f'; 100]).unwrap();
        let run = |name: &str, more: &[&str]| {
            let since = Since::now();
            let mut command = Command::new(folder().join(name));
            let mut child = match command.arg(&port).arg(&file).args(more).spawn() {
                Ok(child) => child,
                // A kernel without the 32-bit interface takes the file for no program.
                Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => return None,
                Err(error) => panic!("{name}: {error}"),
            };
            let pid = child.id();
            assert_eq!(child.wait().unwrap().code(), Some(0), "{name}: the call that failed");
            let mut events = since.all(weir);
            events.retain(|event| event["process"]["pid"] == pid);
            Some(events)
        };
        let native = run("caller64", &[]).unwrap();
        assert_eq!(native.len(), EVENTS, "{native:#?}");
        let Some(direct) = run("caller32", &[]) else {
            return eprintln!("skipped: this kernel has no 32-bit interface");
        };
        let by_socketcall = run("caller32", &["socketcall"]).unwrap();
        says_what_it_should(&direct, &file, backend);

        compare(&direct, &native);
        if backend == "tracepoint" {
            let sendfiles: Vec<_> =
                native.into_iter().filter(|event| event["call"] == "sendfile").collect();
            assert_eq!(sendfiles.len(), SENDFILES);
            compare(&by_socketcall, &sendfiles);
            let backend = &weir.get("/api/v1/status")["backend"];
            assert!(backend["cannot_see"].to_string().contains("socketcall"), "{backend}");
        } else {
            compare(&by_socketcall, &native);
        }
        eprintln!("{backend}: {} events of 32-bit calls say the same", 2 * EVENTS);
    });
}

/// Compares all but what the sizes of the two kinds, or two runs, make different.
fn compare(compat: &[Value], native: &[Value]) {
    for (compat, native) in compat.iter().zip(native) {
        assert_eq!((&compat["compat"], &native["compat"]), (&json!(true), &json!(false)));
        let verdicts = (compat["toctou"].as_str(), native["toctou"].as_str());
        let has_control = native["msg"]["controllen"].as_u64().is_some_and(|len| len != 0);
        match verdicts {
            // What the kernel makes of them has another layout, and is not compared.
            (Some("unread"), Some("same")) => assert!(has_control, "{compat:#}"),
            (compat_says, says) => assert_eq!(compat_says, says, "{compat:#}"),
        }
        assert_says(&common(compat), &common(native));
    }
    assert_eq!(compat.len(), native.len(), "{compat:#?}");
}

/// An event without what differs.
fn common(event: &Value) -> Value {
    let mut event = event.clone();
    for key in ["seq", "time", "cpu", "duration_ns", "compat", "process", "toctou"] {
        event.as_object_mut().unwrap().remove(key).unwrap();
    }
    let fields = event["fields"].as_object_mut().unwrap();
    fields.retain(|name, _| !name.starts_with("process"));
    let remove = |value: &mut Value, keys: &[&str]| {
        if let Some(value) = value.as_object_mut() {
            keys.iter().for_each(|key| _ = value.remove(*key));
        }
    };
    remove(&mut event["socket"], &["inode", "cookie", "local", "peer_process"]);
    if let Some(out) = event["sendfile"].as_object_mut() {
        remove(&mut out["out"], &["file"]);
    }
    let msg = &mut event["msg"];
    remove(msg, &["controllen"]);
    if msg["ptr"].is_string() && msg["ptr"] != "0x8" {
        msg["ptr"] = json!("a pointer");
    }
    for part in msg["iov"].as_array_mut().into_iter().flatten() {
        remove(part, &["base"]);
    }
    for part in msg["control"].as_array_mut().into_iter().flatten() {
        remove(part, &["pid"]);
        for fd in part["fds"].as_array_mut().into_iter().flatten() {
            // Inodes differ.
            if fd["file"].as_str().is_some_and(|file| file.starts_with("socket:[")) {
                fd["file"] = json!("a socket");
            }
        }
    }
    event
}

/// What the events of the 32-bit program say in particular.
fn says_what_it_should(events: &[Value], file: &Path, backend: &str) {
    let seen = |verdict: &str| if backend == "tracepoint" { Value::Null } else { json!(verdict) };
    let expected = [
        json!({
            "call": "sendmsg", "ret": 7, "error": null, "toctou": seen("unread"),
            "socket": {"family": "AF_INET", "type": "SOCK_DGRAM"},
            "msg": {
                "name": {"family": "AF_INET", "address": "127.0.0.1"}, "namelen": 16,
                "iovlen": 2, "bytes": 7, "payload": "YWJjZGVmZw==", "payload_len": 7,
                "control": [
                    {"level": "SOL_IP", "type": "IP_TOS", "value": 16},
                    {
                        "level": "SOL_IP", "type": "IP_PKTINFO", "ifindex": 0,
                        "spec_dst": "127.0.0.1", "addr": "0.0.0.0",
                    },
                ],
                "controllen": 16 + 24,
            },
        }),
        json!({"call": "sendmsg", "ret": 4, "flags": ["MSG_DONTWAIT"]}),
        json!({
            "call": "recvmsg", "ret": 4, "flags": ["MSG_CMSG_CLOEXEC"],
            "msg": {
                "payload": "ZGVmZw==", "iovlen": 2, "bytes": 102, "controllen_room": 256,
                "namelen_room": 100, "controllen": 24 + 20,
            },
        }),
        json!({"call": "sendto", "ret": 5, "toctou": seen("same"), "msg": {"bytes": 5}}),
        json!({"call": "sendto", "ret": 4, "toctou": seen("same"), "msg": {"name": null}}),
        json!({"call": "recvfrom", "ret": 4, "msg": {"payload": "dW5peA==", "namelen": 0}}),
        json!({"call": "sendmmsg", "index": 0, "vlen": 2, "ret": 3}),
        json!({"call": "sendmmsg", "index": 1, "vlen": 2, "ret": 7}),
        json!({"call": "sendmmsg", "index": 0, "vlen": 2, "ret": 3}),
        json!({"call": "sendmmsg", "index": 1, "vlen": 2, "ret": 7}),
        json!({"call": "recvmmsg", "index": 0, "vlen": 3, "ret": 3}),
        json!({"call": "recvmmsg", "index": 1, "vlen": 3, "ret": 7}),
        json!({"call": "sendfile", "ret": 10, "sendfile": {"offset": 3, "offset_after": 13}}),
        json!({"call": "sendfile", "ret": 4, "sendfile": {"offset": null, "count": 4}}),
        json!({"call": "sendfile", "ret": 6, "sendfile": {"offset": 5, "offset_after": 11}}),
        json!({"call": "sendfile", "ret": 0, "sendfile": {"offset": 0x3_0000_0007_u64}}),
        json!({"call": "sendmsg", "error": "EBADF", "fd": -1, "toctou": seen("unread")}),
        json!({"call": "sendmsg", "error": "EFAULT", "msg": {"ptr": "0x8", "bytes": null}}),
        json!({"call": "sendmsg", "error": "EFAULT", "msg": {"iovlen": 2, "bytes": null}}),
        json!({"call": "recvmsg", "error": "EAGAIN", "msg": {"iovlen": 2, "bytes": 102}}),
    ];
    for (event, expected) in events.iter().zip(&expected) {
        assert_says(event, expected);
    }
    let rights = |event: &Value| {
        let control = event["msg"]["control"].as_array().unwrap();
        let rights = control.iter().find(|message| message["type"] == "SCM_RIGHTS").unwrap();
        assert_eq!(rights["fds"][0]["file"], file.to_str().unwrap(), "{event:#}");
        rights["fds"].as_array().unwrap().len()
    };
    // Sent, received, and the same by several at once.
    assert_eq!([1, 2, 9, 11].map(|event| rights(&events[event])), [2, 2, 1, 1]);
    for event in &events[1..3] {
        let expected = json!({
            "level": "SOL_SOCKET", "type": "SCM_CREDENTIALS", "pid": event["process"]["pid"],
            "uid": 0, "gid": 0,
        });
        let control = event["msg"]["control"].as_array().unwrap();
        assert!(control.contains(&expected), "{event:#}");
    }
}
