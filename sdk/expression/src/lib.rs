//! Weir's expressions, compiled.
//!
//! `call == "sendmsg" && error != null | count by process.comm` is a filter and what is done with the events
//! that fit. The host parses it, checks names and types, and makes a [`Program`] of it; the bundled script
//! `expression` is given the program and runs it over the events of a batch. Both know the event's parts by
//! [`Field`]. With the feature `run` the program can be run, by a script and by the host.
#![forbid(unsafe_code)]

mod field;
mod program;
#[cfg(feature = "run")]
pub mod run;

pub use field::{Field, Kind, calls_of};
pub use program::{
    Aggregate, Arithmetic, DecodeError, Item, Label, Names, Number, Order, Part, Program, Step,
    Sum, Target, Test, Text,
};
