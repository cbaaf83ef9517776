//! Further parts of a call that a test makes up: which call it is, its message, socket and process.

use std::net::SocketAddr;

use super::Call;
use crate::{
    Group, Toctou,
    event::{
        AF_INET, AF_INET6, AF_UNIX, CALL_SENDFILE, GROUP_CONTROL, GROUP_IOV, GROUP_MSG,
        GROUP_PAYLOAD, GROUP_SOCKET, PROCESS_CMDLINE, PROCESS_CONTAINER, PROCESS_PARENT,
        PROCESS_POD, PROCESS_RUNTIME, PROCESS_STARTED, PROCESS_USER, STATUS_ABSENT, STATUS_OK,
        TOCTOU_CHANGED, TOCTOU_NOT_SEEN, TOCTOU_SAME, TOCTOU_UNREAD,
    },
};

impl Call {
    /// Sets which call it is.
    pub fn call(self, call: crate::Call) -> Self {
        self.head(|head| head.call = call as u16)
    }

    /// Makes it message `index` of the `vlen` that the caller offered, for sendmmsg and recvmmsg.
    pub fn message(self, index: u32, vlen: u32) -> Self {
        self.head(|head| (head.index, head.vlen) = (index, vlen))
    }

    /// Makes it a sendfile of `count` bytes from the start of a file. Files that are not seen are empty texts.
    pub fn sendfile(self, in_fd: i32, in_file: &str, out_file: &str, count: u64) -> Self {
        let call = self.bytes(count).head(|head| {
            (head.call, head.in_fd, head.msg_ptr) = (CALL_SENDFILE, in_fd, 0);
            head.status[GROUP_MSG] = STATUS_ABSENT;
            head.iovlen = 0;
        });
        let out_fd = call.head.fd;
        call.file(in_fd, in_file).file(out_fd, out_file)
    }

    /// Sets the iovec table: addresses and lengths, of which all was sent.
    pub fn iov(mut self, entries: &[(u64, u64)]) -> Self {
        let flat = entries.iter().flat_map(|&(base, len)| [base, len]);
        self.parts.iov = flat.flat_map(u64::to_le_bytes).collect();
        self.bytes(entries.iter().map(|(_, len)| len).sum()).head(|head| {
            head.iovlen = entries.len() as u64;
            head.status[GROUP_IOV] = STATUS_OK;
        })
    }

    /// Sets the beginning of the payload.
    pub fn payload(mut self, bytes: &[u8]) -> Self {
        self.parts.payload = bytes.into();
        self.head(|head| head.status[GROUP_PAYLOAD] = STATUS_OK)
    }

    /// Adds a control message.
    pub fn control(self, level: i32, cmsg_type: i32, data: &[u8]) -> Self {
        let len = (16 + data.len() as u64).to_le_bytes();
        let mut bytes = [&len[..], &level.to_le_bytes(), &cmsg_type.to_le_bytes(), data].concat();
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        self.control_bytes(&bytes)
    }

    /// Adds bytes to the control messages, such as no sane caller has.
    pub fn control_bytes(mut self, bytes: &[u8]) -> Self {
        self.parts.control.extend_from_slice(bytes);
        self.head.controllen = self.parts.control.len() as u64;
        self.head(|head| head.status[GROUP_CONTROL] = STATUS_OK)
    }

    /// Adds a control message that passes descriptors (`SCM_RIGHTS`). Files that are not seen are empty texts.
    pub fn rights(self, files: &[(i32, &str)]) -> Self {
        let fds: Vec<u8> = files.iter().flat_map(|(fd, _)| fd.to_le_bytes()).collect();
        let with = files.iter().fold(self, |call, &(fd, file)| call.file(fd, file));
        with.control(1, 1, &fds)
    }

    /// Adds a control message that tells of a process (`SCM_CREDENTIALS`).
    pub fn credentials(self, pid: u32, uid: u32, gid: u32) -> Self {
        let data: Vec<u8> = [pid, uid, gid].into_iter().flat_map(u32::to_le_bytes).collect();
        self.control(1, 2, &data)
    }

    /// Says what the next descriptor is, of those that control messages pass.
    pub fn file(mut self, fd: i32, file: &str) -> Self {
        self.parts.files.extend_from_slice(&fd.to_le_bytes());
        self.parts.files.extend_from_slice(&(file.len() as u16).to_le_bytes());
        self.parts.files.extend_from_slice(file.as_bytes());
        self
    }

    /// Sets what came of comparing the caller's message with the kernel's.
    pub fn toctou(self, toctou: Toctou) -> Self {
        self.head(|head| {
            head.toctou = match toctou {
                Toctou::NotSeen => TOCTOU_NOT_SEEN,
                Toctou::Same => TOCTOU_SAME,
                Toctou::Changed => TOCTOU_CHANGED,
                Toctou::Unread => TOCTOU_UNREAD,
            }
        })
    }

    /// Sets what the kernel used instead of what the caller showed: number of bytes, `struct sockaddr`, control
    /// messages.
    pub fn kernel(mut self, bytes: u64, name: &[u8], control: &[u8]) -> Self {
        let lengths = [name.len() as u32, control.len() as u32].map(u32::to_le_bytes).concat();
        self.parts.kernel = [&bytes.to_le_bytes()[..], &lengths, name].concat();
        self.parts.kernel.resize(16 + name.len().next_multiple_of(8), 0);
        self.parts.kernel.extend_from_slice(control);
        self.toctou(Toctou::Changed)
    }

    /// Says that a group of fields was read at return.
    pub fn late(self, group: Group) -> Self {
        self.head(|head| head.late |= 1 << group as u8)
    }

    /// Sets the socket's type (`SOCK_*`) and protocol, and its family if no end was set.
    pub fn socket(self, family: u16, socket_type: u16, protocol: u16) -> Self {
        self.head(|head| {
            (head.sock_family, head.sock_type, head.sock_protocol) =
                (family, socket_type, protocol);
            (head.sock_inode, head.sock_state) = (77, 1);
            head.status[GROUP_SOCKET] = STATUS_OK;
        })
    }

    /// Sets the socket's own address: `127.0.0.1:53`, `[::1]:53`, or a unix path, an abstract one with a leading
    /// `@`.
    pub fn local(mut self, address: &str) -> Self {
        let End { family, addr, port, raw } = end(address);
        (self.head.local_addr, self.head.local_port, self.parts.local) = (addr, port, raw);
        self.with_family(family)
    }

    /// Sets the address that the socket is connected to, written as that of [`Call::local`].
    pub fn peer(mut self, address: &str) -> Self {
        let End { family, addr, port, raw } = end(address);
        (self.head.peer_addr, self.head.peer_port, self.parts.peer) = (addr, port, raw);
        self.with_family(family)
    }

    fn with_family(self, family: u16) -> Self {
        let (socket_type, protocol) = (self.head.sock_type.max(1), self.head.sock_protocol);
        self.socket(family, socket_type, protocol)
    }

    /// Sets the process at the other end of a unix socket.
    pub fn peer_process(self, pid: u32, uid: u32, gid: u32) -> Self {
        self.with_family(AF_UNIX)
            .head(|head| (head.peer_pid, head.peer_uid, head.peer_gid) = (pid, uid, gid))
    }

    /// Sets the command line.
    pub fn cmdline(self, arguments: &[&str]) -> Self {
        self.process(PROCESS_CMDLINE, arguments.join("\0").as_bytes())
    }

    /// Sets the name of the user.
    pub fn user(self, name: &str) -> Self {
        self.process(PROCESS_USER, name.as_bytes())
    }

    /// Sets when the process started: nanoseconds since the Unix epoch.
    pub fn started_ns(self, ns: u64) -> Self {
        self.process(PROCESS_STARTED, &ns.to_le_bytes())
    }

    /// Adds an ancestor; the parent comes first.
    pub fn parent(self, pid: u32, comm: &str) -> Self {
        self.process(PROCESS_PARENT, &[&pid.to_le_bytes()[..], comm.as_bytes()].concat())
    }

    /// Sets the container, and what runs it, if that is not empty.
    pub fn container(self, id: &str, runtime: &str) -> Self {
        let call = self.process(PROCESS_CONTAINER, id.as_bytes());
        if runtime.is_empty() { call } else { call.process(PROCESS_RUNTIME, runtime.as_bytes()) }
    }

    /// Sets the uid of the Kubernetes pod.
    pub fn pod(self, uid: &str) -> Self {
        self.process(PROCESS_POD, uid.as_bytes())
    }

    fn process(mut self, kind: u16, part: &[u8]) -> Self {
        self.parts.process.extend_from_slice(&kind.to_le_bytes());
        self.parts.process.extend_from_slice(&(part.len() as u16).to_le_bytes());
        self.parts.process.extend_from_slice(part);
        self
    }
}

/// An end of a socket, as the head and the heap have it.
struct End {
    family: u16,
    addr: [u8; 16],
    port: u16,
    raw: Vec<u8>,
}

fn end(address: &str) -> End {
    let mut addr = [0; 16];
    match address.parse() {
        Ok(SocketAddr::V4(at)) => {
            addr[..4].copy_from_slice(&at.ip().octets());
            End { family: AF_INET, addr, port: at.port(), raw: Vec::new() }
        }
        Ok(SocketAddr::V6(at)) => {
            End { family: AF_INET6, addr: at.ip().octets(), port: at.port(), raw: Vec::new() }
        }
        Err(_) => {
            let path = match address.strip_prefix('@') {
                Some(name) => format!("\0{name}"),
                None => format!("{address}\0"),
            };
            let raw = [&AF_UNIX.to_le_bytes()[..], path.as_bytes()].concat();
            End { family: AF_UNIX, addr, port: 0, raw }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Address, Batch, Call as Kind, Container, Credentials, Event, Group, Iov, Parent, Sendfile,
        Status, Text, Toctou,
        testing::{Call, batch},
    };

    #[track_caller]
    fn with(call: Call, look: impl FnOnce(Event)) {
        let bytes = batch(&[call]);
        look(Batch::new(&bytes).unwrap().get(0).unwrap());
    }

    fn shown(address: Option<Address>) -> String {
        address.map_or("-".to_owned(), |address| address.to_string())
    }

    #[test]
    fn nothing_but_what_is_set() {
        with(Call::new(), |event| {
            assert_eq!((event.call(), event.which_call()), ("sendmsg", Some(Kind::Sendmsg)));
            assert_eq!((event.index(), event.vlen(), event.compat()), (None, None, false));
            assert_eq!(
                (event.iov().len(), event.payload(), event.rights().count()),
                (0, &[][..], 0)
            );
            assert_eq!((event.msg_flags(), event.netns()), (Some(0), None));
            assert_eq!((event.name_room(), event.control_room()), (None, None));
            assert_eq!((event.toctou(), event.kernel()), (Toctou::NotSeen, None));
            assert!(event.socket().is_none() && event.sendfile().is_none());
            assert_eq!((event.cmdline().count(), event.parents().count()), (0, 0));
            assert_eq!((event.user(), event.started_ns(), event.container()), (None, None, None));
            assert_eq!(event.status(Group::Control), Status::Absent);
            assert_eq!(event.status(Group::Payload), Status::NotSeen);
            assert!(!event.was_late(Group::Msg));
        });
    }

    #[test]
    fn calls_of_each_kind() {
        for kind in Kind::ALL {
            with(Call::new().call(kind).message(1, 3), |event| {
                assert!(event.is(kind) && event.call() == kind.name());
                let several = matches!(kind, Kind::Sendmmsg | Kind::Recvmmsg);
                assert_eq!(event.index(), several.then_some(1));
                assert_eq!(event.vlen(), several.then_some(3));
            });
        }
        with(Call::new().head(|head| head.call = 99), |event| {
            assert_eq!((event.call(), event.which_call()), ("unknown", None));
        });
    }

    #[test]
    fn a_message() {
        let call = Call::new()
            .call(Kind::Recvmsg)
            .iov(&[(0x1000, 10), (0x2000, 20)])
            .payload(b"GET /")
            .late(Group::Payload)
            .head(|head| (head.name_room, head.control_room, head.msg_flags) = (128, 64, 0x20));
        with(call, |event| {
            let table = [Iov { base: 0x1000, len: 10 }, Iov { base: 0x2000, len: 20 }];
            assert_eq!(event.iov().collect::<Vec<_>>(), table);
            assert_eq!((event.bytes(), event.iovlen()), (Some(30), Some(2)));
            assert_eq!(event.payload(), b"GET /");
            assert!(event.was_late(Group::Payload) && !event.was_late(Group::Msg));
            assert_eq!((event.name_room(), event.control_room()), (Some(128), Some(64)));
            assert_eq!(event.msg_flags(), Some(0x20));
        });
        let unknown = Call::new().call(Kind::Recvmsg).head(|head| head.name_room = i32::MIN);
        with(unknown, |event| {
            assert_eq!((event.name_room(), event.control_room()), (None, None));
        });
    }

    #[test]
    fn what_the_kernel_used() {
        let name = [2, 0, 0, 53, 127, 0, 0, 1];
        let control = [&20u64.to_le_bytes()[..], &[1, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0]].concat();
        for name in [&name[..], b"\x01\0/x", &[]] {
            with(Call::new().kernel(7, name, &control), |event| {
                assert_eq!(event.toctou(), Toctou::Changed);
                let kernel = event.kernel().unwrap();
                assert_eq!((kernel.bytes(), kernel.raw_name()), (7, name));
                assert_eq!(kernel.name(), Address::parse(name));
                let fds: Vec<_> = kernel.control().flat_map(|message| message.rights()).collect();
                assert_eq!((fds.len(), fds[0].fd, fds[0].file), (1, 5, None));
            });
        }
        with(Call::new().kernel(7, b"\x01\0/x", &[]), |event| {
            assert_eq!(shown(event.kernel().unwrap().name()), "/x");
        });
    }

    #[test]
    fn a_file_that_is_sent() {
        let call = Call::new().sendfile(9, "/srv/page.html", "socket:[77]", 4096);
        let whole = call.clone().head(|head| {
            head.status[Group::Msg as usize] = 1;
            (head.offset, head.offset_after) = (10, 4106);
        });
        with(call, |event| {
            let Sendfile { in_fd, in_file, out_file, offset, offset_after, .. } =
                event.sendfile().unwrap();
            let (page, socket) = (Text::from("/srv/page.html"), Text::from("socket:[77]"));
            assert_eq!((in_fd, in_file, out_file), (9, Some(page), Some(socket)));
            assert_eq!((offset, offset_after, event.bytes()), (None, None, Some(4096)));
            assert_eq!((event.namelen(), event.iovlen(), event.msg_flags()), (None, None, None));
        });
        with(whole.late(Group::Msg), |event| {
            let Sendfile { offset, offset_after, .. } = event.sendfile().unwrap();
            assert_eq!((offset, offset_after), (Some(10), Some(4106)));
            assert_eq!(event.namelen(), None);
        });
    }

    #[test]
    fn sockets() {
        let call = Call::new().socket(2, 2, 17).local("127.0.0.1:4000").peer("127.0.0.1:53");
        with(call.head(|head| (head.sock_cookie, head.sock_netns) = (5, 9)), |event| {
            let socket = event.socket().unwrap();
            assert_eq!((socket.family(), socket.socket_type(), socket.protocol()), (2, 2, 17));
            assert_eq!((socket.inode(), socket.state()), (77, 1));
            assert_eq!((socket.cookie(), socket.netns()), (Some(5), Some(9)));
            assert_eq!(shown(socket.local()), "127.0.0.1:4000");
            assert_eq!(socket.peer().and_then(Address::port), Some(53));
            assert_eq!(socket.peer_process(), None);
        });
        with(Call::new().local("[::1]:53"), |event| {
            let socket = event.socket().unwrap();
            assert_eq!(
                (shown(socket.local()), shown(socket.peer())),
                ("[::1]:53".into(), "-".into())
            );
            assert_eq!((socket.cookie(), socket.netns()), (None, None));
        });
        let unix = Call::new().local("@mine").peer("/run/x.sock").peer_process(7, 0, 8);
        with(unix, |event| {
            let socket = event.socket().unwrap();
            assert_eq!(
                (shown(socket.local()), shown(socket.peer())),
                ("@mine".into(), "/run/x.sock".into())
            );
            assert_eq!(socket.peer().and_then(Address::path), Some("/run/x.sock".into()));
            assert_eq!(socket.peer_process(), Some(Credentials { pid: 7, uid: 0, gid: 8 }));
        });
    }

    #[test]
    fn a_process() {
        let call = Call::new()
            .cmdline(&["sh", "-c", ""])
            .user("www-data")
            .started_ns(12)
            .parent(10, "bash")
            .parent(1, "systemd")
            .container("0123", "podman")
            .pod("8f");
        with(call, |event| {
            assert_eq!(event.cmdline().collect::<Vec<_>>(), ["sh", "-c", ""]);
            assert_eq!((event.user(), event.started_ns()), (Some("www-data".into()), Some(12)));
            let parents: Vec<_> = event.parents().map(|Parent { pid, comm }| (pid, comm)).collect();
            assert_eq!(parents, [(10, "bash".into()), (1, "systemd".into())]);
            let Container { id, runtime, pod } = event.container().unwrap();
            assert_eq!(
                (id, runtime, pod),
                ("0123".into(), Some("podman".into()), Some("8f".into()))
            );
        });
        with(Call::new().container("0123", "").head(|head| head.netns = 4), |event| {
            assert_eq!(event.container().unwrap().runtime, None);
            assert_eq!(event.netns(), Some(4));
        });
    }
}
