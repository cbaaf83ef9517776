//! What the benchmark of loads makes of a trace. The benchmark itself has no place for tests.

#[path = "../benches/loads/trace.rs"]
#[allow(dead_code, reason = "no trace is made here")]
mod trace;
