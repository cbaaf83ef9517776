//! Scripts: Wasm modules that users supply, run under limits.
//!
//! The only module that knows wasmtime.

mod bundled;
mod calls;
mod describe;
mod engine;
mod guest;
mod instance;
mod limits;
mod log;
mod wants;

use std::time::SystemTime;

use serde::Serialize;

pub use bundled::bundled;
pub use describe::{Describe, Param, Role};
pub use engine::{Engine, Module};
pub use instance::{Effects, Instance};
pub use limits::Limits;
pub use log::{Line, Log};
pub use wants::{Wants, call_names, call_number};

/// Why a module was not taken as a script. The one that runs, if there is one, runs on.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are no Wasm module, or one that this engine refuses.
    #[error("not a valid Wasm core module: {0}")]
    Invalid(String),
    /// The bytes are a component.
    #[error(
        "a Wasm component: this version takes core modules only (build without a component adapter)"
    )]
    Component,
    /// Too many bytes.
    #[error(
        "the module has {bytes} bytes, more than the limit of {limit}: raise --script-bytes or build it smaller"
    )]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// An export is missing or of another type.
    #[error(
        "export `{name}` is missing or not {expected}: see docs/scripting.md for what a script exports"
    )]
    Export {
        /// Its name.
        name: &'static str,
        /// What it ought to be.
        expected: &'static str,
    },
    /// An import that the host does not offer.
    #[error("import `{module}`.`{name}` does not exist: a script may import only what `weir` offers ({})", calls::NAMES.join(", "))]
    Import {
        /// The module it is imported from.
        module: String,
        /// Its name.
        name: String,
    },
    /// An import of a name that the host offers, with another type.
    #[error(
        "import `weir`.`{name}` has another type than the host's: rebuild the script with this version's SDK"
    )]
    ImportType {
        /// Its name.
        name: String,
    },
    /// Another version of the interface.
    #[error("the script speaks ABI {found}, this host speaks ABI {expected}: rebuild the script with this version's SDK", expected = weir_sdk::event::ABI)]
    Abi {
        /// What `weir_abi` returned.
        found: u32,
    },
    /// `weir_describe` gave something else than a description.
    #[error("weir_describe does not return a description: {0}")]
    Describe(String),
    /// A parameter that the script does not have.
    #[error("the script has no parameter `{name}`; it has: {known}")]
    UnknownParam {
        /// What was given.
        name: String,
        /// What there is.
        known: String,
    },
    /// It trapped or ran out of time before its first batch.
    #[error("{during} failed: {fault}")]
    Fault {
        /// Which function.
        during: &'static str,
        /// How.
        fault: Box<Fault>,
    },
    /// `weir_start` said no.
    #[error("weir_start refused: {0}")]
    Refused(String),
}

/// How a script failed.
#[derive(Clone, Debug, Serialize)]
pub struct Fault {
    /// When, as RFC 3339.
    #[serde(serialize_with = "rfc3339")]
    pub time: SystemTime,
    /// What happened.
    pub kind: FaultKind,
    /// In words.
    pub message: String,
    /// The guest's functions, innermost first.
    pub backtrace: Vec<String>,
}

/// What ended a script's run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultKind {
    /// It trapped.
    Trap,
    /// It ran longer than its time per batch.
    Timeout,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        match self.backtrace.first() {
            Some(frame) => write!(f, " (in {frame})"),
            None => Ok(()),
        }
    }
}

fn rfc3339<S: serde::Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(*time))
}
