//! What is handed on: to the parser of Prometheus, to a collector, to a file; and what becomes of it when
//! those are slow, full or gone. Needs root.

mod calls;
mod guest;
mod live;

#[path = "exports/collector.rs"]
mod collector;
#[path = "exports/file.rs"]
mod file;
#[path = "exports/metrics.rs"]
mod metrics;
#[path = "exports/otlp.rs"]
mod otlp;

use live::Weir;
use serde_json::Value;

/// Makes so many calls, each an event of the pipeline `own`.
fn make_calls(count: i32) {
    for number in 0..count {
        calls::sendmsg(-5000 - number, std::ptr::null(), 0).unwrap_err();
    }
}

/// What became of an export.
fn export(weir: &Weir, name: &str) -> Value {
    let status = weir.get("/api/v1/status");
    let exports = status["exports"].as_array().unwrap();
    let found = exports.iter().find(|export| export["export"] == name);
    found.unwrap_or_else(|| panic!("no export {name} in {exports:?}")).clone()
}

/// A number of it.
fn count(export: &Value, name: &str) -> u64 {
    export[name].as_u64().unwrap_or_else(|| panic!("no {name} in {export}"))
}
