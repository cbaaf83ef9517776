//! What `weir workload` says it did is what `weir run` says it saw.

use std::{collections::BTreeMap, process::Command};

use serde_json::{Value, json};

use crate::{calls::settle, live, on_each_backend};

#[test]
fn every_call_of_the_workload_is_seen() {
    on_each_backend(|weir| {
        let output = Command::new(live::binary())
            .args(["workload", "--seconds", "1", "--rate", "5", "--json"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        settle(weir);
        let done: Value = serde_json::from_slice(&output.stdout).unwrap();
        let events = weir.events("own", |event| event["process"]["pid"] == done["pid"]);
        let kinds = done["kinds"].as_object().unwrap();
        assert!(kinds.len() >= 13, "{kinds:?}");
        for (kind, tally) in kinds {
            if !tally["stopped"].is_null() {
                eprintln!("skipped: kind {kind}: {}", tally["stopped"]);
                continue;
            }
            let comm = format!("wl-{kind}");
            let of_kind: Vec<_> =
                events.iter().filter(|event| event["process"]["comm"] == comm).collect();
            assert_eq!(json!(of_kind.len()), tally["calls"], "{kind}");
            let mut errors = BTreeMap::<_, u64>::new();
            for event in of_kind {
                if let Some(error) = event["error"].as_str() {
                    *errors.entry(error).or_default() += 1;
                }
            }
            assert_eq!(json!(errors), tally["errors"], "{kind}");
        }
    });
}
