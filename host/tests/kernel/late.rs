//! Memory that is not there when a call enters, and is by the time the kernel has used it: it is
//! read at return, and marked.

use std::{
    ffi::CStr,
    fs::File,
    io, mem,
    os::{
        fd::{AsRawFd, FromRawFd},
        unix::{ffi::OsStrExt, fs::FileExt, net::UnixDatagram},
    },
    ptr, slice,
};

use serde_json::{Value, json};

use crate::{
    calls::{Calls, fd, recvmsg, rights, sendto, unix},
    live::Weir,
    of_all_calls,
};

/// Bytes of a mapping: more than any part here, and no huge page.
const BYTES: usize = 4096;

/// Memory of a file of its own, which is in the file, but in no page table until it is touched.
struct Cold {
    file: File,
    at: *mut u8,
}

impl Cold {
    fn new(content: &[u8]) -> Self {
        const NAME: &CStr = c"cold";
        // SAFETY: the name ends with NUL; the descriptor belongs to nobody else; new memory where
        // the kernel chooses.
        let (file, at) = unsafe {
            let fd = libc::memfd_create(NAME.as_ptr(), libc::MFD_CLOEXEC);
            assert!(fd >= 0, "{}", io::Error::last_os_error());
            let file = File::from_raw_fd(fd);
            file.set_len(BYTES as u64).unwrap();
            let access = libc::PROT_READ | libc::PROT_WRITE;
            let at = libc::mmap(ptr::null_mut(), BYTES, access, libc::MAP_SHARED, fd, 0);
            assert_ne!(at, libc::MAP_FAILED, "{}", io::Error::last_os_error());
            (file, at.cast())
        };
        file.write_all_at(content, 0).unwrap();
        Self { file, at }
    }

    fn of<T>(value: &T) -> Self {
        // SAFETY: the values are structs of the kernel's, without padding that matters.
        Self::new(unsafe { slice::from_raw_parts(ptr::from_ref(value).cast(), size_of::<T>()) })
    }

    /// What is read: `warm` touches it.
    fn at<T>(&self, warm: bool) -> *mut T {
        // SAFETY: the mapping is of BYTES bytes.
        unsafe {
            if warm {
                self.at.read_volatile();
            } else {
                let dropped = libc::madvise(self.at.cast(), BYTES, libc::MADV_DONTNEED);
                assert_eq!(dropped, 0, "{}", io::Error::last_os_error());
            }
        }
        self.at.cast()
    }
}

impl Drop for Cold {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own. The file is closed by itself.
        unsafe { libc::munmap(self.at.cast(), BYTES) };
        _ = &self.file;
    }
}

/// The parts of a message, each in memory of its own.
struct Parts {
    header: Cold,
    name: Cold,
    table: Cold,
    control: Cold,
    payload: Cold,
}

impl Parts {
    fn new(name: &[u8], control: &[u8], payload: &[u8]) -> Self {
        let [name_cold, control_cold, payload_cold] = [name, control, payload].map(Cold::new);
        let part = libc::iovec { iov_base: payload_cold.at.cast(), iov_len: payload.len() };
        let table = Cold::of(&part);
        // SAFETY: integers and pointers, for which zero is a value.
        let mut header: libc::msghdr = unsafe { mem::zeroed() };
        (header.msg_name, header.msg_namelen) = (name_cold.at.cast(), name.len() as u32);
        (header.msg_iov, header.msg_iovlen) = (table.at.cast(), 1);
        (header.msg_control, header.msg_controllen) = (control_cold.at.cast(), control.len());
        let header = Cold::of(&header);
        Self { header, name: name_cold, table, control: control_cold, payload: payload_cold }
    }

    /// All are touched, but for one, or all.
    fn chill(&self, cold: &str) -> *mut libc::msghdr {
        let warm = |name| cold != name && cold != "all";
        self.name.at::<u8>(warm("msg.name"));
        self.table.at::<u8>(warm("msg.iov"));
        self.control.at::<u8>(warm("msg.control"));
        self.payload.at::<u8>(warm("msg.payload"));
        self.header.at(warm("msg"))
    }
}

const PARTS: [&str; 5] = ["msg", "msg.name", "msg.iov", "msg.control", "msg.payload"];

/// How each part was read when these were cold: what lies behind a part comes as late as that.
fn fields(cold: &str) -> Value {
    let late = |part: &str| {
        let behind = match cold {
            "msg" | "all" => true,
            "msg.iov" => part == "msg.payload",
            _ => false,
        };
        behind || part == cold
    };
    PARTS
        .iter()
        .map(|&part| {
            let read = if late(part) { "exit" } else { "entry" };
            (part.to_owned(), json!({"status": "ok", "read": read}))
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn verdict(weir: &Weir, cold: &str) -> Value {
    match weir.get("/api/v1/status")["backend"]["name"].as_str().unwrap() {
        "tracepoint" => Value::Null,
        _ if matches!(cold, "msg.payload" | "none") => json!("same"),
        _ => json!("unread"),
    }
}

#[test]
fn parts_of_a_message() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let path = weir.folder().join("late.sock");
        let to = UnixDatagram::bind(&path).unwrap();
        let from = UnixDatagram::unbound().unwrap();
        let control = rights(&[to.as_raw_fd()]);
        for cold in ["none"].into_iter().chain(PARTS).chain(["all"]) {
            let parts = Parts::new(&unix(path.as_os_str().as_bytes()), &control, b"hello");
            let says = json!({
                "ret": 5, "error": null, "toctou": verdict(weir, cold),
                "msg": {
                    "name": {"family": "AF_UNIX", "path": path}, "iovlen": 1, "bytes": 5,
                    "iov": [{"base": format!("{:p}", parts.payload.at), "len": 5}],
                    "payload": "aGVsbG8=", "controllen": 24, "flags": [],
                    "control": [{"level": "SOL_SOCKET", "type": "SCM_RIGHTS", "fds": [fd(&to)]}],
                },
                "fields": fields(cold),
            });
            let header = parts.chill(cold);
            calls.call(from.as_raw_fd(), header, 0, says).unwrap();
            assert_eq!(to.recv(&mut [0; 9]).unwrap(), 5);
        }
        calls.check(weir);
    });
}

#[test]
fn what_sendto_points_to() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let path = weir.folder().join("late-sendto.sock");
        let to = UnixDatagram::bind(&path).unwrap();
        let from = UnixDatagram::unbound().unwrap();
        let bytes = unix(path.as_os_str().as_bytes());
        let (name, payload) = (Cold::new(&bytes), Cold::new(b"hello"));
        for (name_warm, payload_warm) in
            [(true, true), (false, true), (true, false), (false, false)]
        {
            let when = |warm| if warm { "entry" } else { "exit" };
            let says = json!({
                "ret": 5, "msg": {"name": {"family": "AF_UNIX", "path": path}, "payload": "aGVsbG8="},
                "fields": {
                    "msg.name": {"status": "ok", "read": when(name_warm)},
                    "msg.payload": {"status": "ok", "read": when(payload_warm)},
                },
            });
            let (name, payload) = (name.at(name_warm), payload.at(payload_warm));
            let socket = from.as_raw_fd();
            let call = || sendto(socket, payload, 5, 0, name, bytes.len() as i32);
            calls.make("sendto", socket, says, call).unwrap();
            assert_eq!(to.recv(&mut [0; 9]).unwrap(), 5);
        }
        calls.check(weir);
    });
}

/// What a call that receives overwrites cannot be read at return.
#[test]
fn what_recvmsg_points_to() {
    of_all_calls(|weir| {
        let mut calls = Calls::new();
        let path = weir.folder().join("late-from.sock");
        let from = UnixDatagram::bind(&path).unwrap();
        let to = UnixDatagram::bind(weir.folder().join("late-to.sock")).unwrap();
        let socket = to.as_raw_fd();
        for cold in ["none", "msg", "msg.iov", "msg.name", "all"] {
            let parts = Parts::new(&[0; 110], &[0; 64], &[0; 9]);
            from.send_to(b"hello", weir.folder().join("late-to.sock")).unwrap();
            let header = matches!(cold, "msg" | "all");
            let table = header || cold == "msg.iov";
            let room = |bytes: u64| if header { Value::Null } else { json!(bytes) };
            let said = if header { "fault" } else { "ok" };
            let says = json!({
                "ret": 5,
                "msg": {
                    "ptr": format!("{:p}", parts.header.at), "bytes": 9, "payload": "aGVsbG8=",
                    "name": {"family": "AF_UNIX", "path": path}, "control": [], "controllen": 0,
                    "namelen_room": room(110), "controllen_room": room(64),
                },
                "fields": {
                    "msg": {"status": "ok", "read": "exit"},
                    "msg.name": {"status": "ok", "read": "exit"},
                    "msg.iov": {"status": "ok", "read": if table { "exit" } else { "entry" }},
                    "msg.namelen_room": {"status": said, "read": "entry"},
                    "msg.controllen_room": {"status": said, "read": "entry"},
                },
            });
            let header = parts.chill(cold);
            calls.make("recvmsg", socket, says, || recvmsg(socket, header, 0)).unwrap();
        }
        calls.check(weir);
    });
}
