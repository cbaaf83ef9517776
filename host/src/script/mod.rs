//! Scripts: Wasm modules that users supply, run under limits.
//!
//! The only module that knows wasmtime.

mod bundled;
mod cache;
mod calls;
mod clock;
mod compiler;
mod describe;
mod digest;
mod emitted;
mod engine;
mod envelope;
mod fault;
mod guest;
mod instance;
mod limits;
mod log;
mod native;
mod output;
mod params;
mod processes;
mod turns;
mod wants;
mod wasi;

use std::time::{Duration, SystemTime};

use serde::Serialize;

pub use bundled::bundled;
pub use cache::{Cache, CacheError};
pub use clock::processor_time;
pub use compiler::{Compiler, CompilerLimits, serve as serve_compiler};
pub use describe::{Describe, Param, Role};
pub use digest::sha256;
pub use emitted::{Emitted, EmittedResult};
pub use engine::{Engine, Form, Module};
pub use guest::Sinks;
pub use instance::{Effects, Instance};
pub use limits::{LimitError, LimitValues, Limits};
pub use log::{Line, Log};
pub use processes::Processes;
pub use wants::{Wants, call_names, call_number};

use crate::expression::ExpressionError;

/// Why a module was not taken as a script. The one that runs, if there is one, runs on.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are no Wasm module, or one that this engine refuses.
    #[error("not a valid Wasm module or component: {0}")]
    Invalid(String),
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
    /// Compiling took too much of the processor.
    #[error(
        "compiling the module took more than {} of the processor: build it smaller, or raise --compile-time",
        humantime::format_duration(*.0)
    )]
    CompileTime(Duration),
    /// Compiling took too much memory.
    #[error(
        "compiling the module took more than {0} bytes of memory: build it smaller, or raise --compile-memory"
    )]
    CompileMemory(u64),
    /// The compiler failed, which is not the module's fault, or a fault of the compiler.
    #[error("the module cannot be compiled: {0}")]
    Compiler(String),
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
    #[error(
        "import `{module}`.`{name}` does not exist: a script may import only WASI preview 1, and what \
         `weir` offers ({})",
        calls::NAMES.join(", ")
    )]
    Import {
        /// The module it is imported from.
        module: String,
        /// Its name.
        name: String,
    },
    /// An import of a name that the host offers, with another type.
    #[error(
        "import `{module}`.`{name}` has another type than the host's: rebuild the script with this version's SDK"
    )]
    ImportType {
        /// The module it is imported from.
        module: String,
        /// Its name.
        name: String,
    },
    /// An interface that a component imports and the host does not offer, or not like that.
    #[error(
        "import `{name}`: {why}; a component may import only WASI preview 2 and `{}`",
        calls::INTERFACE
    )]
    Interface {
        /// Its name.
        name: String,
        /// What does not fit.
        why: String,
    },
    /// Another version of the interface.
    #[error("the script speaks ABI {found}, this host speaks ABI {expected}: rebuild the script with this version's SDK", expected = weir_sdk::event::ABI)]
    Abi {
        /// What `weir_abi` returned.
        found: u32,
    },
    /// `describe` gave something else than a description.
    #[error("what describe returns is not a description: {0}")]
    Describe(String),
    /// A parameter that the script does not have.
    #[error("the script has no parameter `{name}`; it has: {known}")]
    UnknownParam {
        /// What was given.
        name: String,
        /// What there is.
        known: String,
    },
    /// A parameter's value that is not of its type.
    #[error("parameter `{name}`: `{value}` is not {needed}")]
    BadParam {
        /// The parameter.
        name: String,
        /// What was given.
        value: String,
        /// The type, with an example.
        needed: String,
    },
    /// A parameter's value that is not an expression.
    #[error("parameter `{name}`: {source}")]
    Expression {
        /// The parameter.
        name: String,
        /// What is wrong with it.
        source: Box<ExpressionError>,
    },
    /// It trapped or ran out of time before its first batch.
    #[error("{during} failed: {fault}")]
    Fault {
        /// Which function.
        during: String,
        /// How.
        fault: Box<Fault>,
    },
    /// `start` said no.
    #[error("the script refuses to start: {0}")]
    Refused(String),
}

impl LoadError {
    /// A word that stays the same, for programs; see docs/api.md.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "module_too_large",
            Self::Invalid(_) => "invalid_module",
            Self::CompileTime(_) | Self::CompileMemory(_) => "compile_limit",
            Self::Compiler(_) => "compiler_failed",
            Self::Export { .. } => "missing_export",
            Self::Import { .. } | Self::Interface { .. } => "unknown_import",
            Self::ImportType { .. } => "import_type",
            Self::Abi { .. } => "wrong_abi",
            Self::Describe(_) => "bad_describe",
            Self::UnknownParam { .. } => "unknown_param",
            Self::BadParam { .. } => "bad_param",
            Self::Expression { .. } => "bad_expression",
            Self::Fault { .. } => "start_failed",
            Self::Refused(_) => "start_refused",
        }
    }
}

/// How a script failed.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Fault {
    /// When, as RFC 3339.
    #[serde(serialize_with = "rfc3339")]
    #[schema(value_type = String)]
    pub time: SystemTime,
    /// What happened.
    pub kind: FaultKind,
    /// In words.
    pub message: String,
    /// The guest's functions, innermost first.
    pub backtrace: Vec<String>,
}

/// What ended a script's run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
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
