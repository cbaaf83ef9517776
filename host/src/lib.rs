//! A WebAssembly-scriptable tracer of Linux socket calls. The modules follow an event's way.

pub mod cli;
pub mod decode;
pub mod enrich;
pub mod export;
pub mod expression;
pub mod http;
pub mod pipeline;
pub mod probe;
pub mod script;
pub mod store;
pub mod table;
pub mod trust;
