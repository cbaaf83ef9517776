//! One event.

use std::{
    fmt,
    mem::offset_of,
    net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6},
    time::Duration,
};

use super::{Destination, Group, Status, Text};
use crate::{
    Call, Errno,
    event::{
        AF_INET, AF_INET6, AF_UNIX, COMM_BYTES, GROUP_PPID, GROUPS, HEAD_BYTES, Head,
        STATUS_NOT_SEEN, Span,
    },
    short,
};

/// One call, with all that was seen of it. Its parts are named as in the event's JSON.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    head: &'a [u8; HEAD_BYTES],
    heap: &'a [u8],
}

/// Accessors of numbers in the head.
macro_rules! numbers {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        $($(#[$doc])*
        #[inline]
        pub fn $field(&self) -> $type {
            <$type>::from_le_bytes(self.head_bytes::<{ offset_of!(Head, $field) }, _>())
        })*
    };
}

impl<'a> Event<'a> {
    /// An event as the host has it: its head, and the heap that its variable parts lie in.
    #[cfg(feature = "host")]
    pub fn of(head: &'a Head, heap: &'a [u8]) -> Self {
        Self { head: zerocopy::transmute_ref!(head), heap }
    }

    pub(super) fn new(head: &'a [u8; HEAD_BYTES], heap: &'a [u8]) -> Self {
        Self { head, heap }
    }

    /// Bytes of the head from a fixed offset: the compiler sees that they are within it.
    #[inline(always)]
    pub(super) fn head_bytes<const OFFSET: usize, const LEN: usize>(&self) -> [u8; LEN] {
        const { assert!(OFFSET + LEN <= HEAD_BYTES) };
        let mut bytes = [0; LEN];
        bytes.copy_from_slice(&self.head[OFFSET..OFFSET + LEN]);
        bytes
    }

    /// A variable part: nothing, if it would lie outside of the heap.
    pub(super) fn part<const OFFSET: usize>(&self) -> &'a [u8] {
        const { assert!(OFFSET + size_of::<Span>() <= HEAD_BYTES) };
        let [a, b, c, d, e, f, g, h] = self.head_bytes::<OFFSET, 8>();
        let (offset, len) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        let rest = self.heap.get(offset as usize..).unwrap_or_default();
        rest.get(..len as usize).unwrap_or_default()
    }

    /// A variable part that is not known when it is empty.
    fn known<const OFFSET: usize>(&self) -> Option<Text<'a>> {
        Some(self.part::<OFFSET>()).filter(|part| !part.is_empty()).map(Text::new)
    }

    numbers! {
        /// Number of the event, from 1, without gaps over all that this host delivered.
        seq: u64,
        /// When the call entered the kernel: nanoseconds since the Unix epoch.
        time_ns: u64,
        /// From entry to return, in nanoseconds, time asleep included.
        duration_ns: u64,
        /// What the call returned: bytes, or a negative errno. See [`Event::error`]. For a message of sendmmsg
        /// or recvmmsg its own number of bytes.
        ret: i64,
        /// Process id (thread group id).
        pid: u32,
        /// Thread id.
        tid: u32,
        /// Real user id.
        uid: u32,
        /// Real group id.
        gid: u32,
        /// Processor on which the call entered.
        cpu: u32,
        /// The socket's descriptor, as the caller says; for sendfile the output's. -1 for io_uring.
        fd: i32,
        /// `MSG_*` flags as the caller gave them (include/linux/socket.h).
        flags: u32,
        /// Id of the caller's cgroup in the v2 hierarchy.
        cgroup_id: u64,
        /// The caller's pointer to `struct msghdr`; 0 for a call without one.
        msg_ptr: u64,
        /// Address family of the destination (`AF_*`), 0 when there is none.
        family: u16,
    }

    /// Name of the call: `sendmsg`, `recvfrom`, …; see [`Call`].
    pub fn call(&self) -> &'static str {
        self.which_call().map_or("unknown", Call::name)
    }

    /// Whether it is that call.
    #[inline]
    pub fn is(&self, call: Call) -> bool {
        u16::from_le_bytes(self.head_bytes::<{ offset_of!(Head, call) }, _>()) == call as u16
    }

    /// The call; none, if this version of the SDK does not know it.
    pub fn which_call(&self) -> Option<Call> {
        Call::of(u16::from_le_bytes(self.head_bytes::<{ offset_of!(Head, call) }, _>()))
    }

    /// Whether the caller used the 32-bit interface.
    pub fn compat(&self) -> bool {
        self.head_bytes::<{ offset_of!(Head, compat) }, 1>() != [0]
    }

    /// Inode of the caller's network namespace, where it was seen.
    pub fn netns(&self) -> Option<u32> {
        let netns = u32::from_le_bytes(self.head_bytes::<{ offset_of!(Head, netns) }, _>());
        Some(netns).filter(|&netns| netns != 0)
    }

    /// From entry to return, time asleep included.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.duration_ns())
    }

    /// Why the call failed, if it did.
    #[inline]
    pub fn error(&self) -> Option<Errno> {
        Errno::of(self.ret())
    }

    /// Process id of the parent, where it was seen.
    pub fn ppid(&self) -> Option<u32> {
        let statuses: [u8; GROUPS] = self.head_bytes::<{ offset_of!(Head, status) }, _>();
        let ppid = u32::from_le_bytes(self.head_bytes::<{ offset_of!(Head, ppid) }, _>());
        (statuses[GROUP_PPID] != STATUS_NOT_SEEN).then_some(ppid)
    }

    /// When the calling process (its first thread) started: nanoseconds since boot, time asleep included.
    /// Together with the process id it names a process for good.
    pub fn start_ns(&self) -> Option<u64> {
        let start = u64::from_le_bytes(self.head_bytes::<{ offset_of!(Head, start_ns) }, _>());
        Some(start).filter(|&start| start > 0)
    }

    /// How a group of fields was read.
    pub fn status(&self, group: Group) -> Status {
        let statuses: [u8; GROUPS] = self.head_bytes::<{ offset_of!(Head, status) }, _>();
        Status::from_byte(statuses[group as usize])
    }

    /// Whether a group of fields was read when the call returned, not when it entered.
    pub fn was_late(&self, group: Group) -> bool {
        let [late] = self.head_bytes::<{ offset_of!(Head, late) }, 1>();
        late & 1 << group as u8 != 0
    }

    /// Sum of the lengths in the iovec table, where it was read: what the caller asked to send, or has room
    /// for, in bytes. For sendfile what it asked to send.
    #[inline]
    pub fn bytes(&self) -> Option<u64> {
        let bytes = u64::from_le_bytes(self.head_bytes::<{ offset_of!(Head, bytes) }, _>());
        match self.status(Group::Iov) {
            Status::Ok | Status::Truncated | Status::Absent => Some(bytes),
            // It has no iovec table: the number is an argument.
            Status::Fault | Status::NotSeen => self.is(Call::Sendfile).then_some(bytes),
        }
    }

    /// Length of the destination address as the caller says, in bytes, where `msghdr` was read.
    pub fn namelen(&self) -> Option<i32> {
        let namelen = i32::from_le_bytes(self.head_bytes::<{ offset_of!(Head, namelen) }, _>());
        self.has_message().then_some(namelen)
    }

    /// Entries in the iovec table as the caller says, where `msghdr` was read.
    pub fn iovlen(&self) -> Option<u64> {
        let iovlen = u64::from_le_bytes(self.head_bytes::<{ offset_of!(Head, iovlen) }, _>());
        self.has_message().then_some(iovlen)
    }

    /// Bytes of control messages as the caller says, where `msghdr` was read.
    pub fn controllen(&self) -> Option<u64> {
        let controllen =
            u64::from_le_bytes(self.head_bytes::<{ offset_of!(Head, controllen) }, _>());
        self.has_message().then_some(controllen)
    }

    /// The calling thread's name.
    #[inline]
    pub fn comm(&self) -> Text<'a> {
        const OFFSET: usize = offset_of!(Head, comm);
        let comm = self.head[OFFSET..].first_chunk::<COMM_BYTES>();
        Text::new(comm.map_or(&[], |comm| &comm[..short::len_of(comm)]))
    }

    /// Path of the calling process's executable, where the host knows it.
    pub fn exe(&self) -> Option<Text<'a>> {
        self.known::<{ offset_of!(Head, exe) }>()
    }

    /// Path of the calling process's cgroup in the v2 hierarchy, where the host knows it.
    pub fn cgroup(&self) -> Option<Text<'a>> {
        self.known::<{ offset_of!(Head, cgroup) }>()
    }

    /// Where the message goes; of a call that receives, where it comes from.
    pub fn destination(&self) -> Destination<'a> {
        match self.status(Group::Name) {
            Status::Absent => return Destination::None,
            Status::NotSeen | Status::Fault => return Destination::Unread,
            Status::Ok | Status::Truncated => {}
        }
        let family = self.family();
        let raw = self.part::<{ offset_of!(Head, name) }>();
        let port = u16::from_le_bytes(self.head_bytes::<{ offset_of!(Head, port) }, _>());
        let addr: [u8; 16] = self.head_bytes::<{ offset_of!(Head, addr) }, _>();
        match (family, raw) {
            (AF_INET, [_, _, _, _, _, _, _, _, ..]) => {
                let [a, b, c, d, ..] = addr;
                Destination::Inet(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port))
            }
            (AF_INET6, [_, _, _, _, flow @ ..]) if raw.len() >= 24 => {
                let flow = flow.first_chunk().map_or(0, |flow| u32::from_be_bytes(*flow));
                let scope =
                    u32::from_le_bytes(self.head_bytes::<{ offset_of!(Head, scope_id) }, _>());
                Destination::Inet6(SocketAddrV6::new(Ipv6Addr::from(addr), port, flow, scope))
            }
            (AF_UNIX, [_, _, ..]) => {
                Destination::Unix(Text::new(self.part::<{ offset_of!(Head, path) }>()))
            }
            _ => Destination::Other { family, raw },
        }
    }

    /// An attribute that a script before this one added: the last one of that name. An attribute whose value
    /// is not UTF-8 is in [`Event::attrs`] alone.
    pub fn attr(&self, name: &str) -> Option<&'a str> {
        self.attrs().filter(|(known, _)| known == name).last()?.1.as_str()
    }

    /// The attributes that scripts before this one added: names and values.
    pub fn attrs(&self) -> impl Iterator<Item = (Text<'a>, Text<'a>)> + use<'a> {
        let mut rest = self.part::<{ offset_of!(Head, attrs) }>();
        std::iter::from_fn(move || {
            let (&[n0, n1, v0, v1], part) = rest.split_first_chunk()?;
            let (name, part) = part.split_at_checked(u16::from_le_bytes([n0, n1]).into())?;
            let (value, part) = part.split_at_checked(u16::from_le_bytes([v0, v1]).into())?;
            rest = part;
            Some((Text::new(name), Text::new(value)))
        })
    }
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut event = f.debug_struct("Event");
        event
            .field("seq", &self.seq())
            .field("time_ns", &self.time_ns())
            .field("call", &self.call());
        event
            .field("cpu", &self.cpu())
            .field("duration_ns", &self.duration_ns())
            .field("ret", &self.ret());
        event.field("error", &self.error()).field("pid", &self.pid()).field("tid", &self.tid());
        event.field("ppid", &self.ppid()).field("uid", &self.uid()).field("gid", &self.gid());
        event.field("comm", &self.comm()).field("exe", &self.exe()).field("cgroup", &self.cgroup());
        event.field("cgroup_id", &self.cgroup_id()).field("start_ns", &self.start_ns());
        event
            .field("fd", &self.fd())
            .field("flags", &self.flags())
            .field("msg_ptr", &self.msg_ptr());
        event.field("destination", &self.destination()).field("namelen", &self.namelen());
        event.field("iovlen", &self.iovlen()).field("bytes", &self.bytes());
        event
            .field("controllen", &self.controllen())
            .field("attrs", &self.attrs().collect::<Vec<_>>());
        event.field("index", &self.index()).field("vlen", &self.vlen());
        event.field("compat", &self.compat()).field("netns", &self.netns());
        event.field("user", &self.user()).field("started_ns", &self.started_ns());
        event
            .field("cmdline", &self.cmdline().collect::<Vec<_>>())
            .field("parents", &self.parents().collect::<Vec<_>>())
            .field("container", &self.container());
        event.field("socket", &self.socket()).field("sendfile", &self.sendfile());
        event
            .field("iov", &self.iov().collect::<Vec<_>>())
            .field("payload", &Text::new(self.payload()))
            .field("control", &self.control().collect::<Vec<_>>())
            .field("rights", &self.rights().collect::<Vec<_>>());
        event
            .field("name_room", &self.name_room())
            .field("control_room", &self.control_room())
            .field("msg_flags", &self.msg_flags());
        event.field("toctou", &self.toctou()).field("kernel", &self.kernel());
        event.finish()
    }
}
