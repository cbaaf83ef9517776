//! Where strace and weir differ for a reason, and what strace does not show. Both are said in the
//! output of the test.

use crate::{strace::Call, value::Value};

/// A field that differs for a reason.
pub struct Differs {
    /// The call, or `*`.
    pub call: &'static str,
    /// The field, with `[]` for every place in a list.
    pub field: &'static str,
    /// The program in which it does, or `*`.
    pub program: &'static str,
    /// A part of what is said of the difference, so that it does not stand for others.
    pub says: &'static str,
    /// Why it does.
    pub reason: &'static str,
}

/// Fields that differ for a reason: counted, and not a failure.
pub const DIFFERS: &[Differs] = &[
    Differs {
        call: "*",
        field: "msg.control[].fds[].file",
        program: "control-rights",
        says: "weir \"ns:[",
        reason: "the kind of a namespace is in no name of its file, but in the kernel's functions for it",
    },
    Differs {
        call: "*",
        field: "msg.name.raw",
        program: "family-inet",
        says: "no such field",
        reason: "weir shows address and port if both are there, strace if `sin_zero` is there as well",
    },
    Differs {
        call: "sendmsg",
        field: "msg.bytes",
        program: "failure-sockets",
        says: "strace 1025, weir 1024",
        reason: "the kernel refuses a table of more than 1024 entries, and weir adds no more up",
    },
    Differs {
        call: "sendmsg",
        field: "msg.bytes",
        program: "failure-sockets",
        says: "weir 9223372036854775807",
        reason: "the kernel refuses lengths that no memory has, and weir's sum ends there",
    },
];

/// Whether a backend does not see a call, as it says itself in `cannot_see`: `do_sendfile`, to which kprobe and
/// fentry are attached, is not reached when the offset cannot be read.
pub fn is_unseen(backend: &str, call: &Call) -> bool {
    let offset = call.arguments.get(2).and_then(Value::address);
    backend != "tracepoint"
        && call.name == "sendfile"
        && call.error.as_deref() == Some("EFAULT")
        && offset.is_some()
}

/// What strace does not show, so that there is nothing to compare.
pub const NOT_SHOWN: &[&str] = &[
    "msg.ptr and msg.iov.base: strace shows what is there instead of the address, unless it cannot be read",
    "msg.controllen_room: strace shows msg_controllen as the kernel left it",
    "data of IPV6_*, UDP_*, SCM_PIDFD and unknown control messages: strace 6.1 shows level, type and length",
    "what recvmsg, recvmmsg and recvfrom were given, when they fail: strace then reads nothing but the addresses",
    "payload of netlink messages: strace decodes them, weir shows bytes",
    "of sendmmsg and recvmmsg the times of single messages: strace has the one of the whole call",
    "of sendmmsg the error that ended it, when messages before it were sent: no caller is told",
    "process, cpu, time, toctou, kernel, peer and local addresses: strace is told none of it but the thread's id",
    "io_uring: strace sees io_uring_enter, not what is in the ring",
];
