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
    /// What the call returned: bytes sent, or a negative errno.
    pub ret: i64,
    /// Sum of the lengths in the iovec table: what the caller asked to send, in bytes.
    pub bytes: u64,
    /// Id of the caller's cgroup in the v2 hierarchy.
    pub cgroup_id: u64,
    /// When the calling process (its first thread) started: nanoseconds since boot, time asleep
    /// included (`task_struct.start_boottime`); 0 when not seen.
    pub start_ns: u64,
    /// The caller's pointer to `struct msghdr`.
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
    /// The socket's descriptor, as the caller says.
    pub fd: i32,
    /// `MSG_*` flags as the caller gave them (include/linux/socket.h).
    pub flags: u32,
    /// Length of the destination address, as the caller says, in bytes.
    pub namelen: i32,
    /// Scope id of an IPv6 destination, or 0.
    pub scope_id: u32,
    /// Which call: [`CALL_SENDMSG`].
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
}

/// [`Head::call`]: `sendmsg(2)`.
pub const CALL_SENDMSG: u16 = 1;

/// Number of groups in [`Head::status`].
pub const GROUPS: usize = 8;
/// Status of the parent's process id.
pub const GROUP_PPID: usize = 0;
/// Status of `struct msghdr` itself: namelen, iovlen, controllen.
pub const GROUP_MSG: usize = 1;
/// Status of the destination address.
pub const GROUP_NAME: usize = 2;
/// Status of the iovec table, and so of [`Head::bytes`].
pub const GROUP_IOV: usize = 3;
/// Status of [`Head::start_ns`].
pub const GROUP_START: usize = 4;

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
    assert!(size_of::<Head>() == 208 && align_of::<Head>() == 8);
    assert!(offset_of!(Head, ret) == 24);
    assert!(offset_of!(Head, pid) == 80);
    assert!(offset_of!(Head, call) == 120);
    assert!(offset_of!(Head, status) == 128);
    assert!(offset_of!(Head, comm) == 136);
    assert!(offset_of!(Head, addr) == 152);
    assert!(offset_of!(Head, name) == 168);
    assert!(offset_of!(Head, cgroup) == 200);
};
