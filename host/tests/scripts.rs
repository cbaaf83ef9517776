//! What users hand in: modules of every wrong kind, scripts that misbehave, requests and command
//! lines that are refused. Whatever comes, what runs goes on. Needs root.

mod calls;
mod guest;
mod live;

#[path = "scripts/command_line.rs"]
mod command_line;
#[path = "scripts/commands.rs"]
mod commands;
#[path = "scripts/configuration.rs"]
mod configuration;
#[path = "scripts/envelopes.rs"]
mod envelopes;
#[path = "scripts/fault.rs"]
mod fault;
#[path = "scripts/folder.rs"]
mod folder;
#[path = "scripts/hostile.rs"]
mod hostile;
#[path = "scripts/inside.rs"]
mod inside;
#[path = "scripts/loading.rs"]
mod loading;
#[path = "scripts/printed.rs"]
mod printed;
#[path = "scripts/refusal.rs"]
mod refusal;
#[path = "scripts/request.rs"]
mod request;

#[path = "scripts/swap.rs"]
mod swap;
#[path = "scripts/terminal.rs"]
mod terminal;

use std::fs;

use live::Weir;
use serde_json::Value;
use tempfile::TempDir;

/// A host with the pipelines `keep` and `other`, each of one script that keeps everything, and the
/// folder that these were loaded from.
fn with_two_pipelines(args: &[&str]) -> (Weir, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["keep", "other"].map(|name| {
        let path = folder.path().join(format!("{name}.wasm"));
        fs::write(&path, guest::script(guest::KEEP)).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let mut all = vec!["-s", &paths[0], "-s", &paths[1]];
    all.extend(args);
    (Weir::start(all), folder)
}

/// Asserts that both pipelines run as they were started, and get events.
fn check_unharmed(weir: &Weir) {
    let kept = |weir: &Weir| {
        ["keep", "other"].map(|name| live::row(live::pipeline(&weir.ledger(), name), "kept"))
    };
    let before = kept(weir);
    calls::settle(weir);
    live::wait_for("event in both pipelines", || {
        kept(weir).into_iter().zip(before).all(|(now, before)| now > before).then_some(())
    });
    for name in ["keep", "other"] {
        let script = script(weir, name);
        assert_eq!(script["state"], "running", "{script}");
        assert_eq!(script["faults"]["trapped"], 0, "{script}");
        assert_eq!(script["faults"]["timed_out"], 0, "{script}");
        assert_eq!(script["size_bytes"], guest::script(guest::KEEP).len(), "{script}");
    }
}

fn script(weir: &Weir, name: &str) -> Value {
    weir.get(&format!("/api/v1/scripts/{name}"))
}
