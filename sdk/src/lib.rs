//! What a script's author needs, and the layout that kernel programs, host and scripts share.
//!
//! A script is a Wasm module that Weir hands events to, in batches. It keeps or drops them, adds attributes
//! to them, or sums them up in tables. The smallest one is a function:
//!
//! ```
//! # extern crate weir_sdk as weir;
//! /// Keeps what root sends.
//! #[weir::script]
//! fn root(event: &weir::Event) -> bool {
//!     event.uid() == 0
//! }
//! # fn main() {}
//! ```
//!
//! A script with parameters, state and tables implements [`Script`]:
//!
//! ```
//! # extern crate weir_sdk as weir;
//! use weir::{About, Counter, Event, Out, Param, Params, Script, Table, Verdict};
//!
//! const CALLS: Table = Table::counter("calls", &["process", "destination"]).help("slow calls");
//!
//! struct Slow {
//!     min_ns: u64,
//!     calls: Counter,
//! }
//!
//! #[weir::script]
//! impl Script for Slow {
//!     const ABOUT: About = About::filter("Keeps slow calls and counts them")
//!         .params(&[Param::duration("min", "10ms", "how long a slow call takes at least")])
//!         .tables(&[CALLS]);
//!
//!     fn start(params: &Params) -> Result<Self, String> {
//!         let min = params.duration("min")?;
//!         Ok(Self { min_ns: min.as_nanos() as u64, calls: Counter::open(&CALLS) })
//!     }
//!
//!     fn event(&mut self, event: &Event, _out: &mut Out) -> Verdict {
//!         let slow = event.duration_ns() >= self.min_ns;
//!         if slow {
//!             self.calls.add((event.comm(), event.destination()), 1);
//!         }
//!         slow.into()
//!     }
//! }
//!
//! # fn main() {
//! // A unit test runs it on this machine, without Weir and without Wasm.
//! use weir::testing::{Call, Run};
//! let mut run = Run::<Slow>::start(&[("min", "1us")]).unwrap();
//! let verdicts = run.batch(&[
//!     Call::new().comm("curl").to("127.0.0.1:53").duration_ns(5_000),
//!     Call::new().comm("curl").to("127.0.0.1:53").duration_ns(500),
//! ]);
//! assert_eq!(verdicts, [Verdict::Keep, Verdict::Drop]);
//! assert_eq!(run.rows("calls"), [("curl, 127.0.0.1:53".into(), vec![1])]);
//! # }
//! ```
//!
//! Its `Cargo.toml` has `crate-type = ["cdylib"]` and `weir = { package = "weir-sdk", … }`; it is built with
//! `--target wasm32-unknown-unknown`.
//!
//! Without the feature `guest`, which is on by default, there is only [`event`] and [`Errno`], and no `std`; with
//! `view` alone there are the views of events besides.
#![cfg_attr(not(feature = "view"), no_std)]

// The attribute's output says `::weir`, in this crate's own tests too.
#[cfg(all(test, feature = "guest"))]
extern crate self as weir;

mod errno;
pub mod event;

#[cfg(feature = "guest")]
mod about;
#[cfg(feature = "view")]
mod call;
#[cfg(feature = "guest")]
mod calls;
#[cfg(feature = "guest")]
#[doc(hidden)]
pub mod entry;
#[cfg(feature = "guest")]
mod json;
#[cfg(feature = "guest")]
mod params;
#[cfg(feature = "guest")]
mod script;
#[cfg(feature = "view")]
#[cfg_attr(not(feature = "guest"), allow(dead_code, reason = "hosts make no keys"))]
mod short;
#[cfg(feature = "guest")]
mod table;
#[cfg(all(feature = "guest", not(target_arch = "wasm32")))]
pub mod testing;
#[cfg(feature = "view")]
mod view;

pub use errno::Errno;
#[cfg(feature = "guest")]
pub use {
    about::{About, Param, Role},
    calls::{
        emit::emit,
        log::{Level, log},
        process::process,
    },
    params::Params,
    script::{Out, Script, Verdict},
    table::{Counter, Distinct, Gauge, Histogram, Label, Labels, Rate, Table, TopK},
    weir_sdk_macros::script,
};
#[cfg(feature = "view")]
pub use {
    call::Call,
    view::{
        Address, Batch, BatchError, Container, Control, Controls, Credentials, Descriptor,
        Destination, Event, Group, Iov, Kernel, Parent, Sendfile, Socket, Status, Text, Toctou,
    },
};
