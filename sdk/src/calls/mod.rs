//! What a script can ask of the host: one call a file, as in the host.
//!
//! Outside of Wasm the calls go to [`recorder`], so that a script's unit tests run on any machine.

pub mod attr;
pub mod emit;
pub mod log;
pub mod param;
pub mod process;
#[cfg(not(target_arch = "wasm32"))]
pub mod recorder;
pub mod table_add_many;
pub mod table_open;
