//! A call as a test makes it up.

use std::net::SocketAddr;

use crate::{
    Errno,
    event::{
        AF_INET, AF_INET6, AF_UNIX, CALL_SENDMSG, COMM_BYTES, GROUP_CONTROL, GROUP_IOV, GROUP_NAME,
        GROUP_PAYLOAD, GROUP_SOCKET, Head, STATUS_ABSENT, STATUS_NOT_SEEN, STATUS_OK,
    },
};

/// A call to show a script. As made, it is a sendmsg of `test` (process 100, user 1000) that sent 64 bytes in
/// 1 µs on a connected socket, of which nothing else was seen.
#[derive(Clone, Debug)]
pub struct Call {
    pub(super) head: Head,
    pub(super) parts: Parts,
}

/// The variable parts.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    pub(super) name: Vec<u8>,
    pub(super) path: Vec<u8>,
    pub(super) attrs: Vec<u8>,
    pub(super) exe: Vec<u8>,
    pub(super) cgroup: Vec<u8>,
    pub(super) iov: Vec<u8>,
    pub(super) control: Vec<u8>,
    pub(super) payload: Vec<u8>,
    pub(super) files: Vec<u8>,
    pub(super) local: Vec<u8>,
    pub(super) peer: Vec<u8>,
    pub(super) kernel: Vec<u8>,
    pub(super) process: Vec<u8>,
}

impl Default for Call {
    fn default() -> Self {
        Self::new()
    }
}

impl Call {
    /// The call described above.
    pub fn new() -> Self {
        let head = Head {
            time_ns: 1_795_454_431_123_456_789,
            duration_ns: 1_000,
            ret: 64,
            bytes: 64,
            iovlen: 1,
            msg_ptr: 0x7ffd_5c00,
            pid: 100,
            tid: 100,
            ppid: 1,
            uid: 1000,
            gid: 1000,
            fd: 3,
            call: CALL_SENDMSG,
            status: [STATUS_OK; 8],
            ..Head::default()
        };
        let mut call = Self { head, parts: Parts::default() }.comm("test");
        for group in [GROUP_NAME, GROUP_CONTROL] {
            call.head.status[group] = STATUS_ABSENT;
        }
        for group in [GROUP_PAYLOAD, GROUP_SOCKET] {
            call.head.status[group] = STATUS_NOT_SEEN;
        }
        call
    }

    /// Changes the fixed part as one likes. Variable parts are set by the other functions.
    pub fn head(mut self, change: impl FnOnce(&mut Head)) -> Self {
        change(&mut self.head);
        self
    }

    /// Sets process and thread id.
    pub fn pid(self, pid: u32) -> Self {
        self.head(|head| (head.pid, head.tid) = (pid, pid))
    }

    /// Sets the user id.
    pub fn uid(self, uid: u32) -> Self {
        self.head(|head| head.uid = uid)
    }

    /// Sets the thread's name, cut as the kernel cuts it.
    pub fn comm(self, comm: &str) -> Self {
        let comm = &comm.as_bytes()[..comm.len().min(COMM_BYTES - 1)];
        self.head(|head| {
            head.comm = [0; COMM_BYTES];
            head.comm[..comm.len()].copy_from_slice(comm);
        })
    }

    /// Sets the time from entry to return, in nanoseconds.
    pub fn duration_ns(self, duration_ns: u64) -> Self {
        self.head(|head| head.duration_ns = duration_ns)
    }

    /// Sets what the caller asked to send, in bytes, and that all of it was sent.
    pub fn bytes(self, bytes: u64) -> Self {
        self.head(|head| (head.bytes, head.ret) = (bytes, bytes as i64))
    }

    /// Makes the number of bytes unknown, as when the iovec table could not be read.
    pub fn bytes_unseen(self) -> Self {
        self.head(|head| (head.bytes, head.status[GROUP_IOV]) = (0, STATUS_NOT_SEEN))
    }

    /// Makes the call fail with the error of that name. Panics if there is none.
    pub fn error(self, name: &str) -> Self {
        let Errno(number) =
            Errno::from_name(name).unwrap_or_else(|| panic!("no error is named `{name}`"));
        self.head(|head| head.ret = -i64::from(number))
    }

    /// Sets an IP destination, such as `127.0.0.1:53` or `[::1]:53`. Panics if it is not one.
    pub fn to(mut self, address: &str) -> Self {
        match address.parse().unwrap_or_else(|_| panic!("`{address}` is not address and port")) {
            SocketAddr::V4(to) => {
                self.head.family = AF_INET;
                self.head.addr[..4].copy_from_slice(&to.ip().octets());
                self.head.scope_id = 0;
                self.parts.name = vec![0; 16];
            }
            SocketAddr::V6(to) => {
                self.head.family = AF_INET6;
                self.head.addr = to.ip().octets();
                self.head.scope_id = to.scope_id();
                self.parts.name = vec![0; 28];
            }
        }
        self.head.port = address.parse::<SocketAddr>().map_or(0, |to| to.port());
        self.named()
    }

    /// Sets a unix destination; an abstract one starts with `@`.
    pub fn to_unix(mut self, path: &str) -> Self {
        self.head.family = AF_UNIX;
        self.parts.name = vec![0; 110];
        self.parts.path = path.into();
        self.named()
    }

    /// Sets a destination of another family: raw `struct sockaddr`, family included.
    pub fn to_raw(mut self, name: &[u8]) -> Self {
        self.head.family = name.first_chunk().map_or(0, |family| u16::from_le_bytes(*family));
        self.parts.name = name.into();
        self.named()
    }

    fn named(mut self) -> Self {
        self.head.status[GROUP_NAME] = STATUS_OK;
        self.head.namelen = self.parts.name.len() as i32;
        if let Some(family) = self.parts.name.first_chunk_mut() {
            *family = self.head.family.to_le_bytes();
        }
        self
    }

    /// Adds an attribute, as a script before this one would.
    pub fn attr(mut self, name: &str, value: &str) -> Self {
        self.parts.attrs.extend_from_slice(&(name.len() as u16).to_le_bytes());
        self.parts.attrs.extend_from_slice(&(value.len() as u16).to_le_bytes());
        self.parts.attrs.extend_from_slice(name.as_bytes());
        self.parts.attrs.extend_from_slice(value.as_bytes());
        self
    }

    /// Sets the path of the executable.
    pub fn exe(mut self, path: &str) -> Self {
        self.parts.exe = path.into();
        self
    }

    /// Sets the path of the cgroup.
    pub fn cgroup(mut self, path: &str) -> Self {
        self.parts.cgroup = path.into();
        self
    }
}
