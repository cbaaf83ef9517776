//! The ways to see a call, and what each cannot see.

use std::path::Path;

use serde::Serialize;

/// How calls are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// kprobes on `__sys_sendmsg` and its like, and the `sys_exit` tracepoint for their return.
    Kprobe,
    /// The same functions by fentry and fexit, which cost least.
    Fentry,
    /// The `sys_enter` and `sys_exit` tracepoints, for kernels without the others.
    Tracepoint,
}

/// What the user asked for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum, utoipa::ToSchema,
)]
#[schema(as = RequestedBackend)]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// The first that works on this kernel: kprobe, then fentry, then tracepoint.
    #[default]
    Auto,
    /// kprobes on __sys_sendmsg and its like.
    Kprobe,
    /// The same functions by fentry and fexit, which cost least.
    Fentry,
    /// The system call tracepoints, for kernels without the others.
    Tracepoint,
}

impl Request {
    /// Which to try, best first.
    pub fn candidates(self) -> &'static [Backend] {
        match self {
            Self::Auto => &[Backend::Kprobe, Backend::Fentry, Backend::Tracepoint],
            Self::Kprobe => &[Backend::Kprobe],
            Self::Fentry => &[Backend::Fentry],
            Self::Tracepoint => &[Backend::Tracepoint],
        }
    }
}

/// A backend that was tried.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Tried {
    /// Which.
    pub name: Backend,
    /// Whether it could be attached.
    pub works: bool,
    /// Why not, or what was attached.
    pub reason: String,
}

/// The backend in use, and why.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Choice {
    /// The one in use.
    pub name: Backend,
    /// What was asked for.
    pub requested: Request,
    /// Why this one.
    pub why: String,
    /// What this backend and version cannot see, in the order of weight.
    pub cannot_see: Vec<String>,
    /// All that were tried, in order.
    pub tried: Vec<Tried>,
}

impl Backend {
    /// Its name on the command line and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kprobe => "kprobe",
            Self::Fentry => "fentry",
            Self::Tracepoint => "tracepoint",
        }
    }

    /// Where it sees sendmsg enter.
    pub fn entry(self) -> &'static str {
        match self {
            Self::Kprobe => "a kprobe to __sys_sendmsg",
            Self::Fentry => "fentry and fexit to __sys_sendmsg",
            Self::Tracepoint => "to the raw tracepoints sys_enter and sys_exit",
        }
    }

    /// What this kernel lacks for it, as far as can be told without trying.
    pub fn lacks(self) -> Option<String> {
        const KPROBES: &str = "/sys/bus/event_source/devices/kprobe";
        match self {
            Self::Kprobe if !Path::new(KPROBES).exists() => {
                Some(format!("this kernel has no kprobes ({KPROBES} is missing)"))
            }
            _ => None,
        }
    }

    /// Its blind spots, in the order of weight.
    pub fn cannot_see(self) -> Vec<&'static str> {
        const OWN: &[&str] = &[
            "the kernel's own copy of the message, so there is no TOCTOU verdict",
            "sends that io_uring makes",
            "calls that old 32-bit programs make through socketcall(2)",
            "the messages of sendmmsg before the call returns: the duration is that of the whole call, \
             and the error that ends a call after its first message is lost, as it is to the caller",
        ];
        const FUNCTIONS: &[&str] = &[
            "sendfile calls whose offset the kernel cannot read (EFAULT)",
            "the kernel's copy of a sendmmsg message that has control messages and the address of the \
             message before: its TOCTOU verdict is unread",
        ];
        const ALL: &[&str] = &[
            "sends and receives by write, read, splice and their like",
            "the messages of recvmmsg before the call returns: the duration is that of the whole call, \
             and the error that ends a call after its first message is lost, as it is to the caller",
        ];
        match self {
            Self::Kprobe | Self::Fentry => [FUNCTIONS, ALL].concat(),
            Self::Tracepoint => [OWN, ALL].concat(),
        }
    }
}
