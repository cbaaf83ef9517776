//! The one definition of the layout of events.
//!
//! The kernel programs write a [`Head`] with its variable parts behind it (a record), the host
//! gathers heads and heaps into a batch, and scripts read that batch from their own memory:
//! the same bytes all the way. Little-endian, every field at its natural alignment, integers only.
//!
//! New fields are appended to [`Head`] and [`BatchHeader::stride`] grows; a reader steps by the
//! stride it was given, so an old script keeps working on a new host.

/// Version of the layout and of the calls between host and script; what `weir_abi` returns.
pub const ABI: u32 = 1;

/// Most events in one batch.
pub const BATCH_EVENTS: usize = 1024;

/// Most bytes of a socket address that the kernel takes (`sizeof(struct sockaddr_storage)`,
/// include/linux/socket.h).
pub const NAME_BYTES: usize = 128;

/// Most entries of an iovec table that the kernel takes (`UIO_MAXIOV`, include/uapi/linux/uio.h).
pub const IOV_ENTRIES: u64 = 1024;

/// Bytes of a thread's name with its terminating NUL (`TASK_COMM_LEN`, include/linux/sched.h).
pub const COMM_BYTES: usize = 16;

/// A variable part of an event: a range of the batch's heap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "host",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
#[repr(C)]
pub struct Span {
    /// First byte, counted from the start of the heap.
    pub offset: u32,
    /// Length in bytes; 0 when there is nothing.
    pub len: u32,
}

/// What stands at the start of a batch. Offsets are counted from the start of the batch, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "host",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
#[repr(C)]
pub struct BatchHeader {
    /// [`ABI`] of the host that wrote the batch.
    pub version: u32,
    /// Number of events, 1 to [`BATCH_EVENTS`].
    pub count: u32,
    /// Bytes from one head to the next; at least as large as the [`Head`] that a reader knows.
    pub stride: u32,
    /// Offset of the first head.
    pub heads: u32,
    /// Offset of the verdicts, one byte per event: [`KEEP`] (as the host left it) or [`DROP`].
    pub verdicts: u32,
    /// Offset of the heap.
    pub heap: u32,
    /// Length of the heap in bytes.
    pub heap_len: u32,
    /// Zero.
    pub reserved: u32,
    /// [`Head::seq`] of the first event.
    pub first_seq: u64,
    /// Calls lost (ring buffer full, or undecodable) since the batch before this one.
    pub lost_before: u64,
    /// When the host closed the batch: nanoseconds since the Unix epoch.
    pub now_ns: u64,
}

/// Verdict: the event goes on along the pipeline.
pub const KEEP: u8 = 0;
/// Verdict: the event ends here.
pub const DROP: u8 = 1;

/// The fixed part of an event.
///
/// Identifiers are those of the initial namespaces, as the kernel itself counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "host",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
#[repr(C)]
pub struct Head {
    /// Number of the event, from 1, without gaps over all that this host delivered.
    pub seq: u64,
    /// When the call entered the kernel: nanoseconds since the Unix epoch
    /// (in a record: of `CLOCK_MONOTONIC`).
    pub time_ns: u64,
    /// From entry to return, in nanoseconds, time asleep included.
    pub duration_ns: u64,
    /// What the call returned: bytes, or a negative errno. For a message of sendmmsg or recvmmsg
    /// its own number of bytes.
    pub ret: i64,
    /// Sum of the lengths in the iovec table: what the caller asked to send, or has room for, in
    /// bytes. For sendfile: `count`.
    pub bytes: u64,
    /// Id of the caller's cgroup in the v2 hierarchy.
    pub cgroup_id: u64,
    /// When the calling process (its first thread) started: nanoseconds since boot, time asleep
    /// included (`task_struct.start_boottime`); 0 when not seen.
    pub start_ns: u64,
    /// The caller's pointer to `struct msghdr`; 0 for a call without one.
    pub msg_ptr: u64,
    /// Entries in the iovec table, as the caller says.
    pub iovlen: u64,
    /// Bytes of control messages, as the caller says.
    pub controllen: u64,
    /// Process id (thread group id).
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// Process id of the parent; 0 when not seen.
    pub ppid: u32,
    /// Real user id.
    pub uid: u32,
    /// Real group id.
    pub gid: u32,
    /// Processor on which the call entered.
    pub cpu: u32,
    /// The socket's descriptor, as the caller says; for sendfile the output's. -1 for io_uring.
    pub fd: i32,
    /// `MSG_*` flags as the caller gave them (include/linux/socket.h).
    pub flags: u32,
    /// Length of the destination address, as the caller says, in bytes.
    pub namelen: i32,
    /// Scope id of an IPv6 destination, or 0.
    pub scope_id: u32,
    /// Which call: `CALL_*`.
    pub call: u16,
    /// Address family of the destination (`AF_*`), 0 when there is none.
    pub family: u16,
    /// Port of an IPv4 or IPv6 destination, host byte order, or 0.
    pub port: u16,
    /// Zero.
    pub reserved: u16,
    /// How each group of fields was read: `STATUS_*` at `GROUP_*`.
    pub status: [u8; GROUPS],
    /// The calling thread's name, padded with NUL.
    pub comm: [u8; COMM_BYTES],
    /// IPv4 (first four bytes) or IPv6 address of the destination, network byte order.
    pub addr: [u8; 16],
    /// The destination as the caller gave it: raw `struct sockaddr`.
    pub name: Span,
    /// Path of an AF_UNIX destination; an abstract one starts with `@`.
    pub path: Span,
    /// Attributes that scripts added: per attribute `name_len: u16, value_len: u16, name, value`.
    pub attrs: Span,
    /// Path of the calling process's executable, when the host knows it.
    pub exe: Span,
    /// Path of the calling process's cgroup in the v2 hierarchy, when the host knows it.
    pub cgroup: Span,
    /// sendfile: where in the input file the caller asked to start; see [`GROUP_MSG`].
    pub offset: i64,
    /// sendfile: the same place after the call, as the kernel wrote it.
    pub offset_after: i64,
    /// Inode of the socket behind `fd` (`socket:[…]` in /proc/PID/fd), 0 when not seen.
    pub sock_inode: u64,
    /// Cookie of that socket (`SO_COOKIE`), 0 when nobody has asked the kernel for one.
    pub sock_cookie: u64,
    /// recvmsg: bytes of the buffer for control messages, as the caller says.
    pub control_room: u64,
    /// sendmmsg, recvmmsg: number of the message within the call, from 0.
    pub index: u32,
    /// sendmmsg, recvmmsg: messages that the caller offered.
    pub vlen: u32,
    /// sendfile: descriptor of the input file.
    pub in_fd: i32,
    /// recvmsg, recvfrom: bytes of the buffer for the source address, as the caller says;
    /// [`ROOM_UNKNOWN`] when that could not be read, as then is `control_room`.
    pub name_room: i32,
    /// `msghdr.msg_flags`: as the caller left them, for a call that receives as the kernel set them.
    pub msg_flags: u32,
    /// Inode of the caller's network namespace, 0 when not seen.
    pub netns: u32,
    /// Inode of the socket's network namespace, 0 when not seen.
    pub sock_netns: u32,
    /// Process that holds the other end of a unix socket, 0 when the kernel does not know one.
    pub peer_pid: u32,
    /// Effective user id of that process when it connected; meaningful with `peer_pid`.
    pub peer_uid: u32,
    /// Effective group id of that process when it connected; meaningful with `peer_pid`.
    pub peer_gid: u32,
    /// Family of the socket (`AF_*`).
    pub sock_family: u16,
    /// Type of the socket (`SOCK_*`, include/linux/net.h).
    pub sock_type: u16,
    /// Protocol of the socket (`IPPROTO_*`, `NETLINK_*`, …, by family).
    pub sock_protocol: u16,
    /// Local port of an IPv4 or IPv6 socket, host byte order, or 0.
    pub local_port: u16,
    /// Peer's port of an IPv4 or IPv6 socket, host byte order, or 0.
    pub peer_port: u16,
    /// State of the socket (`TCP_*`, include/net/tcp_states.h; other families use them too).
    pub sock_state: u8,
    /// Whether caller and kernel saw the same message: `TOCTOU_*`.
    pub toctou: u8,
    /// One bit per group of [`Head::status`]: set when the group was read at return, not at entry.
    pub late: u8,
    /// 1 when the caller used the 32-bit interface.
    pub compat: u8,
    /// Zero.
    pub reserved2: u16,
    /// IPv4 (first four bytes) or IPv6 address of the socket's own end, network byte order.
    pub local_addr: [u8; 16],
    /// IPv4 (first four bytes) or IPv6 address of the socket's peer, network byte order.
    pub peer_addr: [u8; 16],
    /// The first [`IOV_SHOWN`] entries of the iovec table: `base: u64, len: u64` each.
    pub iov: Span,
    /// Control messages as a 64-bit caller has them: `struct cmsghdr` and data, aligned to 8.
    pub control: Span,
    /// The first bytes of the payload, as many as scripts ask for.
    pub payload: Span,
    /// What descriptors are: per descriptor `fd: i32, len: u16, text`, in the order of the
    /// SCM_RIGHTS messages; for sendfile the input, then the output. `len` is 0 where that was not
    /// seen. Texts are those of the links in /proc/PID/fd.
    pub files: Span,
    /// Own address of a socket that is neither IPv4 nor IPv6: `struct sockaddr`.
    pub local: Span,
    /// Peer's address of a socket that is neither IPv4 nor IPv6: `struct sockaddr`.
    pub peer: Span,
    /// What the kernel used instead of what the caller showed, if they differ ([`TOCTOU_CHANGED`]):
    /// `bytes: u64, name_len: u32, control_len: u32, name` padded to a multiple of 8, `control`.
    pub kernel: Span,
    /// What else the host knows of the process: parts of `kind: u16, len: u16, bytes`, one after
    /// the other; kinds are `PROCESS_*`.
    pub process: Span,
}

/// [`Head::call`]: `sendmsg(2)`.
pub const CALL_SENDMSG: u16 = 1;
/// [`Head::call`]: one message of `sendmmsg(2)`.
pub const CALL_SENDMMSG: u16 = 2;
/// [`Head::call`]: `sendto(2)`, and `send(3)`, which is made of it.
pub const CALL_SENDTO: u16 = 3;
/// [`Head::call`]: `recvmsg(2)`.
pub const CALL_RECVMSG: u16 = 4;
/// [`Head::call`]: one message of `recvmmsg(2)`.
pub const CALL_RECVMMSG: u16 = 5;
/// [`Head::call`]: `recvfrom(2)`, and `recv(3)`, which is made of it.
pub const CALL_RECVFROM: u16 = 6;
/// [`Head::call`]: `sendfile(2)`.
pub const CALL_SENDFILE: u16 = 7;
/// [`Head::call`]: a send that io_uring makes (`IORING_OP_SENDMSG`, `IORING_OP_SEND`).
pub const CALL_IO_URING: u16 = 8;
/// Names of the calls: that of call 1 first.
pub const CALL_NAMES: [&str; 8] =
    ["sendmsg", "sendmmsg", "sendto", "recvmsg", "recvmmsg", "recvfrom", "sendfile", "io_uring"];

/// Most entries of an iovec table that an event shows.
pub const IOV_SHOWN: usize = 16;
/// Most bytes of control messages that an event shows.
pub const CONTROL_BYTES: usize = 2048;
/// Most bytes of payload that a script can ask for.
pub const PAYLOAD_BYTES: usize = 4096;

/// [`Head::toctou`]: not compared, because the backend cannot see the kernel's copy.
pub const TOCTOU_NOT_SEEN: u8 = 0;
/// [`Head::toctou`]: address, control messages and number of bytes were the same at entry and when
/// the kernel used them.
pub const TOCTOU_SAME: u8 = 1;
/// [`Head::toctou`]: one of them was another when the kernel used it; see [`Head::kernel`].
pub const TOCTOU_CHANGED: u8 = 2;
/// [`Head::toctou`]: the call ended before the kernel used the message, or a part could not be read.
pub const TOCTOU_UNREAD: u8 = 3;

/// Part of [`Head::process`]: the command line, arguments separated by NUL.
pub const PROCESS_CMDLINE: u16 = 1;
/// Part of [`Head::process`]: the name of the user.
pub const PROCESS_USER: u16 = 2;
/// Part of [`Head::process`]: when the process started: `u64`, nanoseconds since the Unix epoch.
pub const PROCESS_STARTED: u16 = 3;
/// Part of [`Head::process`]: an ancestor, the parent first: `pid: u32`, then its name.
pub const PROCESS_PARENT: u16 = 4;
/// Part of [`Head::process`]: id of the container.
pub const PROCESS_CONTAINER: u16 = 5;
/// Part of [`Head::process`]: what runs the container: `docker`, `containerd`, `cri-o`, `podman`.
pub const PROCESS_RUNTIME: u16 = 6;
/// Part of [`Head::process`]: uid of the Kubernetes pod.
pub const PROCESS_POD: u16 = 7;

/// [`Head::name_room`]: what the caller said could not be read before the call overwrote it.
pub const ROOM_UNKNOWN: i32 = i32::MIN;

/// Number of groups in [`Head::status`].
pub const GROUPS: usize = 8;
/// Status of the parent's process id.
pub const GROUP_PPID: usize = 0;
/// Status of `struct msghdr` itself: namelen, iovlen, controllen. For sendfile: of the offset.
pub const GROUP_MSG: usize = 1;
/// Status of the destination address; of a call that receives: of the source address.
pub const GROUP_NAME: usize = 2;
/// Status of the iovec table, and so of [`Head::bytes`].
pub const GROUP_IOV: usize = 3;
/// Status of [`Head::start_ns`].
pub const GROUP_START: usize = 4;
/// Status of the control messages.
pub const GROUP_CONTROL: usize = 5;
/// Status of the payload.
pub const GROUP_PAYLOAD: usize = 6;
/// Status of the socket behind `fd`: `absent` when `fd` is not a socket.
pub const GROUP_SOCKET: usize = 7;

/// The part was not looked at: the backend cannot, or nobody asked.
pub const STATUS_NOT_SEEN: u8 = 0;
/// The part was read whole.
pub const STATUS_OK: u8 = 1;
/// The caller left the part out.
pub const STATUS_ABSENT: u8 = 2;
/// The memory could not be read.
pub const STATUS_FAULT: u8 = 3;
/// The part was read up to a limit; what stands here is its beginning.
pub const STATUS_TRUNCATED: u8 = 4;

/// `AF_UNIX` (include/linux/socket.h).
pub const AF_UNIX: u16 = 1;
/// `AF_INET` (include/linux/socket.h).
pub const AF_INET: u16 = 2;
/// `AF_INET6` (include/linux/socket.h).
pub const AF_INET6: u16 = 10;

/// Bytes of a [`Head`].
pub const HEAD_BYTES: usize = size_of::<Head>();
/// Bytes of a [`BatchHeader`].
pub const BATCH_HEADER_BYTES: usize = size_of::<BatchHeader>();

// A change of these is a change of the ABI: append fields, never move them.
const _: () = {
    use core::mem::{align_of, offset_of};
    assert!(size_of::<Span>() == 8);
    assert!(size_of::<BatchHeader>() == 56 && align_of::<BatchHeader>() == 8);
    assert!(offset_of!(BatchHeader, verdicts) == 16);
    assert!(offset_of!(BatchHeader, first_seq) == 32);
    assert!(size_of::<Head>() == 400 && align_of::<Head>() == 8);
    assert!(offset_of!(Head, ret) == 24);
    assert!(offset_of!(Head, pid) == 80);
    assert!(offset_of!(Head, call) == 120);
    assert!(offset_of!(Head, status) == 128);
    assert!(offset_of!(Head, comm) == 136);
    assert!(offset_of!(Head, addr) == 152);
    assert!(offset_of!(Head, name) == 168);
    assert!(offset_of!(Head, cgroup) == 200);
    assert!(offset_of!(Head, index) == 248);
    assert!(offset_of!(Head, sock_family) == 288);
    assert!(offset_of!(Head, local_addr) == 304);
    assert!(offset_of!(Head, iov) == 336);
    assert!(offset_of!(Head, process) == 392);
};
