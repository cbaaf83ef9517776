//! The ways to see a call, and what each cannot see.

use std::path::Path;

use serde::Serialize;

/// How calls are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// A kprobe on `__sys_sendmsg`, and the `sys_exit_sendmsg` tracepoint for its return.
    Kprobe,
    /// The `sys_enter_sendmsg` and `sys_exit_sendmsg` tracepoints, for kernels without kprobes.
    Tracepoint,
}

/// What the user asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// The first that works on this kernel: kprobe, then tracepoint.
    #[default]
    Auto,
    /// A kprobe on __sys_sendmsg.
    Kprobe,
    /// The syscall tracepoints, for kernels without kprobes.
    Tracepoint,
}

impl Request {
    /// Which to try, best first.
    pub fn candidates(self) -> &'static [Backend] {
        match self {
            Self::Auto => &[Backend::Kprobe, Backend::Tracepoint],
            Self::Kprobe => &[Backend::Kprobe],
            Self::Tracepoint => &[Backend::Tracepoint],
        }
    }
}

/// A backend that was tried.
#[derive(Clone, Debug, Serialize)]
pub struct Tried {
    /// Which.
    pub name: Backend,
    /// Whether it could be attached.
    pub works: bool,
    /// Why not, or what was attached.
    pub reason: String,
}

/// The backend in use, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Choice {
    /// The one in use.
    pub name: Backend,
    /// What was asked for.
    pub requested: Request,
    /// Why this one.
    pub why: String,
    /// What this backend and version cannot see, in the order of weight.
    pub cannot_see: Vec<&'static str>,
    /// All that were tried, in order.
    pub tried: Vec<Tried>,
}

impl Backend {
    /// Its name on the command line and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kprobe => "kprobe",
            Self::Tracepoint => "tracepoint",
        }
    }

    /// The program and hook of the entry.
    pub fn entry(self) -> (&'static str, &'static str) {
        match self {
            Self::Kprobe => ("sendmsg_enter", "__sys_sendmsg"),
            Self::Tracepoint => ("sys_enter_sendmsg", "syscalls:sys_enter_sendmsg"),
        }
    }

    /// What this kernel lacks for it, as far as can be told without trying.
    pub fn lacks(self) -> Option<String> {
        const KPROBES: &str = "/sys/bus/event_source/devices/kprobe";
        match self {
            Self::Kprobe if !Path::new(KPROBES).exists() => {
                Some(format!("this kernel has no kprobes ({KPROBES} is missing)"))
            }
            Self::Kprobe | Self::Tracepoint => None,
        }
    }

    /// Its blind spots.
    pub fn cannot_see(self) -> Vec<&'static str> {
        let own = match self {
            Self::Kprobe => {
                "sendmsg calls of 32-bit programs: their entry is seen, their return is not, so \
                 they end in the row unpaired"
            }
            Self::Tracepoint => "sendmsg calls of 32-bit programs: not counted at all",
        };
        vec![
            "the kernel's own copy of the message, so there is no TOCTOU verdict",
            own,
            "sends that io_uring makes",
            "sendmmsg, sendto, recvmsg, recvmmsg, recvfrom, sendfile",
            "payload bytes, iovec entries, control messages and the socket behind fd",
        ]
    }
}
