//! Load the kernel programs, choose how to attach them, and hand their records on as bytes.
//!
//! The only module that knows aya.

mod attach;
mod backend;
mod btf;
mod counters;
#[cfg(test)]
mod events_doc;
mod load;
mod plan;
mod ring;
pub mod survey;
mod thread;

use std::path::PathBuf;

pub use backend::{Backend, Choice, Request, Tried};
pub use counters::{Kernel, ProgramState};
pub use ring::Ring;
pub use thread::{Options, Probe, Want, Wants};

/// Why the kernel side could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The build found no kernel programs to embed.
    #[error("this build of weir holds no kernel programs: build it with `cargo xtask build`")]
    NoPrograms,
    /// A file of the kernel's could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The kernel's BTF is not what its documentation says.
    #[error("cannot parse the kernel's BTF in /sys/kernel/btf/vmlinux")]
    Btf,
    /// No permission.
    #[error(
        "cannot {action}: not permitted; run as root, or give the binary CAP_BPF, CAP_PERFMON and \
         CAP_DAC_READ_SEARCH: `sudo setcap cap_bpf,cap_perfmon,cap_dac_read_search=ep weir`"
    )]
    Privilege {
        /// What was tried.
        action: String,
    },
    /// The kernel refused the programs or their maps.
    #[error("cannot load the kernel programs: {0}")]
    Load(#[source] Box<aya::EbpfError>),
    /// A program could not be loaded or attached.
    #[error("cannot attach {program} to {hook}: {reason}")]
    Attach {
        /// The program.
        program: &'static str,
        /// Where to.
        hook: String,
        /// Why.
        reason: String,
    },
    /// Some calls cannot be traced; the others are.
    #[error("cannot trace {0}")]
    NotTraced(String),
    /// The ring buffer could not be waited for.
    #[error("cannot wait for the ring buffer: {0}")]
    Poll(#[source] std::io::Error),
    /// The thread that owns the programs could not be started.
    #[error("cannot start the thread that attaches the kernel programs: {0}")]
    Thread(#[source] std::io::Error),
    /// No backend works on this kernel.
    #[error("no backend works on this kernel: {0}")]
    NoBackend(String),
    /// A map is missing or of another type: host and programs are of different builds.
    #[error("the kernel programs have no usable map {0}: build host and programs together")]
    Map(&'static str),
    /// A map could not be read or written.
    #[error("cannot access the map {name}: {reason}")]
    MapAccess {
        /// The map.
        name: &'static str,
        /// Why.
        reason: String,
    },
}

/// The innermost cause: aya's own messages only name the step.
fn cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}

/// Whether a lack of privilege is at the bottom of it.
fn is_permission(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut source = Some(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && matches!(io.raw_os_error(), Some(libc::EPERM | libc::EACCES))
        {
            return true;
        }
        source = inner.source();
    }
    false
}
