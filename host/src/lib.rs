//! A WebAssembly-scriptable tracer of Linux socket calls. The modules follow an event's way.

pub mod probe;
