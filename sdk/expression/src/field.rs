//! The parts of an event that an expression can name, by their names in the event's JSON.

use serde::{Deserialize, Serialize};

/// What a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// A text.
    Text,
    /// Some texts.
    List,
    /// Bytes that need not be text.
    Bytes,
    /// A point in time.
    Time,
    /// What other fields are in: it can be compared with `null` alone.
    Object,
}

impl Kind {
    /// Its name in messages and documentation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Text => "string",
            Self::List => "list of strings",
            Self::Bytes => "bytes",
            Self::Time => "time",
            Self::Object => "object",
        }
    }
}

macro_rules! fields {
    ($($field:ident $name:literal $kind:ident $help:literal)*) => {
        /// A part of an event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Field {
            $(#[doc = $help] $field,)*
        }

        impl Field {
            /// All of them, in the order of the event's JSON.
            pub const ALL: &[Self] = &[$(Self::$field,)*];

            /// Its name: the path in the event's JSON.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name,)*
                }
            }

            /// What it is.
            pub fn kind(self) -> Kind {
                match self {
                    $(Self::$field => Kind::$kind,)*
                }
            }

            /// One line on what it says.
            pub fn help(self) -> &'static str {
                match self {
                    $(Self::$field => $help,)*
                }
            }
        }
    };
}

fields! {
    Seq "seq" Int "number of the event"
    Time "time" Time "when the call entered"
    Call "call" Text "name of the call"
    Index "index" Int "sendmmsg, recvmmsg: number of the message within the call"
    Vlen "vlen" Int "sendmmsg, recvmmsg: messages that were offered"
    Compat "compat" Bool "by the 32-bit interface"
    Cpu "cpu" Int "processor on which the call entered"
    DurationNs "duration_ns" Int "from entry to return, in nanoseconds"
    Ret "ret" Int "what the call returned; -1 if it failed"
    Error "error" Text "why it failed: `EAGAIN`"
    Pid "process.pid" Int "process id"
    Tid "process.tid" Int "thread id"
    Ppid "process.ppid" Int "process id of the parent"
    Uid "process.uid" Int "user id"
    Gid "process.gid" Int "group id"
    User "process.user" Text "name of the user"
    Comm "process.comm" Text "name of the thread"
    Exe "process.exe" Text "path of the program"
    Cmdline "process.cmdline" List "the arguments"
    Started "process.started" Time "when the process started"
    Cgroup "process.cgroup" Text "path of the cgroup"
    CgroupId "process.cgroup_id" Int "id of the cgroup"
    Container "process.container" Object "the container that the process is in"
    ContainerId "process.container.id" Text "its id"
    Runtime "process.container.runtime" Text "what runs it: `docker`, `containerd`, …"
    Pod "process.container.pod" Text "uid of the Kubernetes pod"
    Netns "process.netns" Int "inode of the network namespace"
    Fd "fd" Int "the socket's descriptor"
    Flags "flags" List "flags of the call: `MSG_DONTWAIT`"
    Socket "socket" Object "the socket behind the descriptor"
    SocketFamily "socket.family" Text "`AF_INET`"
    SocketType "socket.type" Text "`SOCK_DGRAM`"
    SocketProtocol "socket.protocol" Text "`IPPROTO_UDP`"
    SocketState "socket.state" Text "`TCP_ESTABLISHED`"
    SocketInode "socket.inode" Int "inode of the socket"
    SocketCookie "socket.cookie" Int "its cookie"
    SocketNetns "socket.netns" Int "inode of its network namespace"
    Local "socket.local" Text "own address: `127.0.0.1:53`, `/run/x`"
    Peer "socket.peer" Text "address of the other end"
    PeerProcess "socket.peer_process" Object "who holds the other end of a unix socket"
    PeerPid "socket.peer_process.pid" Int "its process id"
    PeerUid "socket.peer_process.uid" Int "its user id"
    PeerGid "socket.peer_process.gid" Int "its group id"
    Name "msg.name" Object "where the message goes to, or comes from"
    NameFamily "msg.name.family" Text "`AF_INET6`"
    NameAddress "msg.name.address" Text "`192.0.2.1`, `2001:db8::1`"
    NamePort "msg.name.port" Int "port"
    NamePath "msg.name.path" Text "path of a unix socket; an abstract one starts with `@`"
    Namelen "msg.namelen" Int "length of the address"
    NamelenRoom "msg.namelen_room" Int "recvmsg, recvfrom: room for the address"
    Iovlen "msg.iovlen" Int "buffers"
    Bytes "msg.bytes" Int "bytes to send, or room for bytes"
    Payload "msg.payload" Bytes "the first bytes of the message"
    PayloadLen "msg.payload_len" Int "how many bytes `msg.payload` has"
    Controllen "msg.controllen" Int "bytes of control messages"
    ControllenRoom "msg.controllen_room" Int "recvmsg: room for control messages"
    MsgFlags "msg.flags" List "flags in the message's header"
    Sendfile "sendfile" Object "what sendfile sends"
    InFd "sendfile.in.fd" Int "descriptor of the input"
    InFile "sendfile.in.file" Text "what that is"
    OutFd "sendfile.out.fd" Int "descriptor of the output"
    OutFile "sendfile.out.file" Text "what that is"
    Offset "sendfile.offset" Int "where in the input it starts"
    OffsetAfter "sendfile.offset_after" Int "the same after the call"
    Count "sendfile.count" Int "bytes to send"
    Toctou "toctou" Text "`same`, `changed` or `unread`"
    Kernel "kernel" Object "what the kernel used, if that was changed"
    KernelNamelen "kernel.namelen" Int "length of the address that it used"
    KernelBytes "kernel.bytes" Int "bytes that it sent"
}

impl Field {
    /// The field of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }
}

/// The calls that can have a field at all, a bit for each at its number (`CALL_*` of the SDK); `None`
/// where any can.
pub fn calls_of(field: Field) -> Option<u16> {
    const SENDMMSG: u16 = 1 << 2;
    const RECVMSG: u16 = 1 << 4;
    const RECVMMSG: u16 = 1 << 5;
    const RECVFROM: u16 = 1 << 6;
    const SENDFILE: u16 = 1 << 7;
    match field {
        Field::Index | Field::Vlen => Some(SENDMMSG | RECVMMSG),
        Field::NamelenRoom => Some(RECVMSG | RECVFROM),
        Field::ControllenRoom => Some(RECVMSG),
        Field::Sendfile
        | Field::InFd
        | Field::InFile
        | Field::OutFd
        | Field::OutFile
        | Field::Offset
        | Field::OffsetAfter
        | Field::Count => Some(SENDFILE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_of_its_own() {
        for &field in Field::ALL {
            assert_eq!(Field::of(field.name()), Some(field));
        }
        assert_eq!(Field::of("process.name"), None);
    }
}
