//! What `weir workload` says it did is what `weir run` says it saw.

use std::{collections::BTreeMap, process::Command};

use serde_json::{Value, json};

use crate::{calls::settle, live, on_each_backend};

#[test]
fn every_call_of_the_workload_is_seen() {
    on_each_backend(|weir| {
        let wants = &weir.get("/api/v1/scripts/own")["describe"]["wants"]["calls"];
        let output = Command::new(live::binary())
            .args(["workload", "--seconds", "1", "--rate", "5", "--json"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        settle(weir);
        let done: Value = serde_json::from_slice(&output.stdout).unwrap();
        let events = weir.events("own", |event| event["process"]["pid"] == done["pid"]);
        let kinds = done["kinds"].as_object().unwrap();
        assert!(kinds.len() >= 17, "{kinds:?}");
        for (kind, tally) in kinds {
            if !tally["stopped"].is_null() {
                eprintln!("skipped: kind {kind}: {}", tally["stopped"]);
                continue;
            }
            let comm = format!("wl-{kind}");
            let of_kind: Vec<_> =
                events.iter().filter(|event| event["process"]["comm"] == comm).collect();
            check(kind, "sendmsg", tally, &of_kind);
            // Of other calls than it wants, the script does not keep this process's alone.
            let wanted = |call: &str| wants.as_array().unwrap().contains(&json!(call));
            let relatives = tally["relatives"].as_object().unwrap();
            for (call, tally) in relatives.iter().filter(|(call, _)| wanted(call)) {
                check(kind, call, tally, &of_kind);
            }
        }
    });
}

/// As many events as calls, and with the same errors.
fn check(kind: &str, call: &str, tally: &Value, events: &[&Value]) {
    let of_call: Vec<_> = events.iter().filter(|event| event["call"] == call).collect();
    assert_eq!(json!(of_call.len()), tally["calls"], "{kind}: {call}");
    let mut errors = BTreeMap::<_, u64>::new();
    for event in of_call {
        if let Some(error) = event["error"].as_str() {
            *errors.entry(error).or_default() += 1;
        }
    }
    assert_eq!(json!(errors), tally["errors"], "{kind}: {call}");
}
