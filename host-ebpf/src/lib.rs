//! What the kernel programs and the host agree on beyond the layout of events: the record, the
//! slot in which a call waits for its return, counters, and the settings made before load.
#![no_std]
#![forbid(unsafe_code)]

pub mod want;

use weir_sdk::event::Head;

/// What the kernel side writes about one call: a head, then as much of `heap` as is used.
///
/// Spans in the head count from the end of the head. They are as in an event, but for: the iovec
/// table and the control messages of a 32-bit caller ([`Head::compat`]) are in that caller's layout
/// (`struct compat_iovec`, `struct compat_cmsghdr`), and [`Head::files`] holds [`FileHead`]s.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Record {
    /// The fixed part. `seq` is 0 and `time_ns` is of `CLOCK_MONOTONIC`.
    pub head: Head,
    /// The variable parts, each starting at a multiple of 8.
    pub heap: [u8; HEAP_BYTES],
}

/// Most bytes of a record's variable parts.
pub const HEAP_BYTES: usize = 12 << 10;

/// What the kernel knows of an open file. `names_len` bytes follow, padded to a multiple of 8: the
/// names on the way from the file up to the root, each ended by NUL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "host",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
#[repr(C)]
pub struct FileHead {
    /// Its inode's number.
    pub inode: u64,
    /// The descriptor.
    pub fd: i32,
    /// Type and permissions (`S_IF*`, inode(7)); with [`file::UNKNOWN`] nothing is known.
    pub mode: u32,
    /// The file system's magic number (include/uapi/linux/magic.h).
    pub magic: u32,
    /// `file::*`.
    pub flags: u16,
    /// Bytes of names.
    pub names_len: u16,
}

/// Bits of [`FileHead::flags`].
pub mod file {
    /// The descriptor is not open, or what is behind it could not be read.
    pub const UNKNOWN: u16 = 1;
    /// The file has no name any more.
    pub const UNLINKED: u16 = 2;
    /// The way to the root is longer than there was room for.
    pub const CUT: u16 = 4;
}

/// What the kernel side writes when a process executes another program or ends. It is shorter than
/// any record of a call, and comes in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "host",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
#[repr(C)]
pub struct Notice {
    /// When, of `CLOCK_MONOTONIC`.
    pub time_ns: u64,
    /// The process (thread group).
    pub pid: u32,
    /// [`EXECUTED`] or [`EXITED`].
    pub what: u32,
}

/// [`Notice::what`]: the process executes another program.
pub const EXECUTED: u32 = 1;
/// [`Notice::what`]: the last thread of the process has ended.
pub const EXITED: u32 = 2;

/// A thread's place in the map of calls in flight. It is made at the thread's first call and goes
/// with the thread, so that a call costs two look-ups and no allocation.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Slot {
    /// The call that waits for its return.
    pub pending: Pending,
    /// The socket that the thread used last.
    pub socket: Socket,
    /// The record as far as it is known.
    pub record: Record,
}

/// The socket that a thread used last, as far as nothing about it changes while it is open.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Socket {
    /// The open file. Another may take its place in memory, but not with the same inode's number.
    pub file: u64,
    /// Number of its inode.
    pub inode: u64,
    /// Its `struct sock`.
    pub sk: u64,
    /// Its network namespace.
    pub net: u64,
    /// Inode of that.
    pub netns: u32,
    /// Its type.
    pub kind: u16,
    /// Its protocol.
    pub protocol: u16,
}

/// What a call leaves for its return, beyond the record.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Pending {
    /// Of the pointers below, those that the caller passed.
    pub msg: u64,
    /// Source or destination address.
    pub name: u64,
    /// Iovec table, or the one buffer.
    pub iov: u64,
    /// Control messages; for recvfrom the address's length; for io_uring the request.
    pub control: u64,
    /// The directory entry that is being looked at, 0 for none.
    pub dentry: u64,
    /// Its mount.
    pub mnt: u64,
    /// [`in_flight`].
    pub in_flight: u32,
    /// Bytes of the heap in use.
    pub used: u32,
    /// Position within the part that is being written.
    pub position: u32,
    /// Where the description of a file begins.
    pub file: u32,
    /// The control message that is looked at next, counted from the first.
    pub next_control: u32,
    /// The descriptor that is looked at next, counted from the start of the heap.
    pub next_fd: u32,
    /// How many of those there are.
    pub fds: u32,
    /// sendmmsg: bytes of the heap that all messages share.
    pub shared: u32,
    /// sendmmsg: messages that have entered.
    pub messages: u32,
    /// 1 when the kernel's copy has been looked at.
    pub compared: u32,
    /// A struct of the kernel's, while it is being looked at.
    pub scratch: [u8; SCRATCH_BYTES],
}

/// Values of [`Pending::in_flight`].
pub mod in_flight {
    /// The thread is in no call that is traced.
    pub const NONE: u32 = 0;
    /// A call has entered, or a message of one, of which nothing is told yet.
    pub const CALL: u32 = 1;
    /// sendmmsg, between two messages: all that has entered is told of.
    pub const BETWEEN: u32 = 2;
}

/// Bytes of [`Pending::scratch`].
pub const SCRATCH_BYTES: usize = 144;

/// Most threads with a [`Slot`].
pub const SLOTS: u32 = 16_384;

/// Default size of the ring buffer in bytes.
pub const RING_BYTES: u32 = 8 << 20;

/// Per-CPU counters of the kernel side, as indices into [`Counters`].
pub mod counter {
    /// Calls that entered.
    pub const SEEN: usize = 0;
    /// Records handed to the ring buffer.
    pub const SUBMITTED: usize = 1;
    /// Records for which the ring buffer had no room.
    pub const RING_FULL: usize = 2;
    /// Entries for which there was no room in the map of calls in flight.
    pub const NO_SLOT: usize = 3;
    /// Entries whose thread entered again before a return was seen.
    pub const OVERWRITTEN: usize = 4;
    /// Entries whose thread ended before a return was seen.
    pub const THREAD_EXIT: usize = 5;
    /// Messages of one sendmmsg or recvmmsg beyond those that a program can tell of.
    pub const TOO_MANY: usize = 6;
    /// Notices for which the ring buffer had no room.
    pub const NOTICES_LOST: usize = 7;
    /// Calls that nobody wants.
    pub const FILTERED: usize = 8;
    /// Number of counters.
    pub const COUNT: usize = 9;
}

/// One CPU's counters.
pub type Counters = [u64; counter::COUNT];

/// Indices of the array `CONTROL`, which both sides write while the programs run.
pub mod control {
    /// Thread group of the host in the initial pid namespace, learnt from its greeting.
    pub const HOST: u32 = 0;
    /// 1 when the host's reader sleeps and wants to be woken by the next record.
    pub const READER_SLEEPS: u32 = 1;
    /// Bytes of payload that somebody wants, 0 to `PAYLOAD_BYTES`.
    pub const PAYLOAD: u32 = 2;
    /// How many [`Want`](crate::want::Want)s there are; 0 when every call is wanted that is traced.
    pub const WANTS: u32 = 3;
    /// Number of entries.
    pub const COUNT: u32 = 4;
}

/// An offset that this kernel's BTF does not give.
pub const UNKNOWN: u32 = u32::MAX;

/// Settings, made before load.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Config {
    /// The host greets its programs with a sendmsg call whose msghdr pointer is this number; a
    /// kernel address, so no other process can mean it.
    pub greeting: u64,
    /// Offsets in bytes into the kernel's structs, from its BTF, by [`offset`].
    pub offsets: [u32; offset::COUNT],
}

impl Config {
    /// Nothing is known.
    pub const UNSET: Self = Self { greeting: 0, offsets: [UNKNOWN; offset::COUNT] };
}

macro_rules! offsets {
    ($($name:ident: $r#struct:literal $member:literal,)*) => {
        /// Indices of [`Config::offsets`](super::Config::offsets).
        pub mod offset {
            #[expect(non_camel_case_types, reason = "it only counts")]
            #[derive(Clone, Copy)]
            enum Index { $($name,)* Count }
            $(
                #[doc = concat!("`", $r#struct, ".", $member, "`.")]
                pub const $name: usize = Index::$name as usize;
            )*
            /// Number of offsets.
            pub const COUNT: usize = Index::Count as usize;
            /// Struct and member of each.
            pub const NAMES: [(&str, &str); COUNT] = [$(($r#struct, $member),)*];
        }
    };
}

offsets! {
    TASK_REAL_PARENT: "task_struct" "real_parent",
    TASK_TGID: "task_struct" "tgid",
    TASK_GROUP_LEADER: "task_struct" "group_leader",
    TASK_START: "task_struct" "start_boottime",
    TASK_STATUS: "task_struct" "thread_info.status",
    TASK_FILES: "task_struct" "files",
    TASK_SIGNAL: "task_struct" "signal",
    SIGNAL_LIVE: "signal_struct" "live.counter",
    TASK_NSPROXY: "task_struct" "nsproxy",
    NSPROXY_NET: "nsproxy" "net_ns",
    NET_INUM: "net" "ns.inum",
    FILES_FDT: "files_struct" "fdt",
    FDT_MAX: "fdtable" "max_fds",
    FDT_FD: "fdtable" "fd",
    FILE_INODE: "file" "f_inode",
    FILE_PRIVATE: "file" "private_data",
    FILE_DENTRY: "file" "f_path.dentry",
    FILE_MNT: "file" "f_path.mnt",
    INODE_MODE: "inode" "i_mode",
    INODE_INO: "inode" "i_ino",
    INODE_SB: "inode" "i_sb",
    SB_MAGIC: "super_block" "s_magic",
    DENTRY_PARENT: "dentry" "d_parent",
    DENTRY_NAME: "dentry" "d_name.name",
    DENTRY_HASH: "dentry" "d_hash.pprev",
    VFSMOUNT_ROOT: "vfsmount" "mnt_root",
    MOUNT_MNT: "mount" "mnt",
    MOUNT_PARENT: "mount" "mnt_parent",
    MOUNT_POINT: "mount" "mnt_mountpoint",
    SOCKET_SK: "socket" "sk",
    SOCKET_FILE: "socket" "file",
    SOCK_TYPE: "sock" "sk_type",
    SOCK_PROTOCOL: "sock" "sk_protocol",
    SOCK_PEER_PID: "sock" "sk_peer_pid",
    SOCK_PEER_CRED: "sock" "sk_peer_cred",
    SKC_FAMILY: "sock_common" "skc_family",
    SKC_STATE: "sock_common" "skc_state",
    SKC_NUM: "sock_common" "skc_num",
    SKC_DPORT: "sock_common" "skc_dport",
    SKC_RCV_SADDR: "sock_common" "skc_rcv_saddr",
    SKC_DADDR: "sock_common" "skc_daddr",
    SKC_V6_RCV_SADDR: "sock_common" "skc_v6_rcv_saddr",
    SKC_V6_DADDR: "sock_common" "skc_v6_daddr",
    SKC_NET: "sock_common" "skc_net",
    SKC_COOKIE: "sock_common" "skc_cookie",
    UNIX_ADDR: "unix_sock" "addr",
    UNIX_PEER: "unix_sock" "peer",
    UNIX_ADDRESS_LEN: "unix_address" "len",
    UNIX_ADDRESS_NAME: "unix_address" "name",
    NETLINK_PORTID: "netlink_sock" "portid",
    NETLINK_DST_PORTID: "netlink_sock" "dst_portid",
    NETLINK_DST_GROUP: "netlink_sock" "dst_group",
    VSOCK_LOCAL: "vsock_sock" "local_addr",
    VSOCK_REMOTE: "vsock_sock" "remote_addr",
    PACKET_INTERFACE: "packet_sock" "ifindex",
    PACKET_PROTOCOL: "packet_sock" "num",
    PID_NUMBERS: "pid" "numbers",
    CRED_EUID: "cred" "euid",
    CRED_EGID: "cred" "egid",
    MSGHDR_NAME: "msghdr" "msg_name",
    MSGHDR_NAMELEN: "msghdr" "msg_namelen",
    MSGHDR_COUNT: "msghdr" "msg_iter.count",
    MSGHDR_CONTROL: "msghdr" "msg_control",
    MSGHDR_CONTROLLEN: "msghdr" "msg_controllen",
    MSGHDR_FLAGS: "msghdr" "msg_flags",
    KIOCB_RES: "io_kiocb" "cqe.res",
}
