//! `weir script` against a running host, and expressions on its command line.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{
    calls, guest, live,
    live::{Weir, wait_for},
    with_two_pipelines,
};

/// Runs `weir script` against a host; whether it ended well, and what it printed.
fn script(weir: &Weir, token: &str, args: &[&str]) -> (bool, String) {
    let output = Command::new(live::binary())
        .arg("script")
        .args(args)
        .args(["--url", &weir.url])
        .env("WEIR_TOKEN", token)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[track_caller]
fn done(weir: &Weir, args: &[&str]) -> String {
    let (done, text) = script(weir, &weir.token, args);
    assert!(done, "{args:?}: {text}");
    text
}

#[track_caller]
fn refused(weir: &Weir, args: &[&str], expected: &str) {
    let (done, text) = script(weir, &weir.token, args);
    assert!(!done && text.contains(expected), "{expected:?} is not in {text}");
}

#[test]
fn the_life_of_a_script() {
    let (weir, folder) = with_two_pipelines(&[]);
    let path = folder.path().join("third.wasm");
    fs::write(&path, guest::script(guest::KEEP)).unwrap();
    let path = path.to_str().unwrap();
    refused(&weir, &["swap", path], "weir script load");
    assert!(done(&weir, &["load", path, "--pipeline", "keep"]).contains("running"));
    refused(&weir, &["load", path], "weir script swap");
    done(&weir, &["swap", path]);
    let list: Value = serde_json::from_str(&done(&weir, &["ls", "--json"])).unwrap();
    assert_eq!(list["scripts"].as_array().unwrap().len(), 4);
    assert!(done(&weir, &["ls"]).contains("third"));
    done(&weir, &["order", "keep", "third", "keep"]);
    let pipelines = weir.get("/api/v1/pipelines");
    assert_eq!(pipelines["pipelines"][0]["scripts"], serde_json::json!(["third", "keep"]));
    refused(&weir, &["order", "keep", "third"], "third, keep");
    assert!(done(&weir, &["disable", "third"]).contains("disabled"));
    assert!(done(&weir, &["enable", "third"]).contains("running"));
    assert!(done(&weir, &["params", "third"]).contains("no parameters"));
    refused(&weir, &["params", "third", "x=1"], "no parameter `x`");
    assert_eq!(done(&weir, &["logs", "third"]), "");
    done(&weir, &["rm", "third"]);
    refused(&weir, &["rm", "third"], "there are: keep, other, own");
    weir.stop();
}

#[test]
fn what_stands_in_the_way() {
    let (weir, folder) = with_two_pipelines(&[]);
    let (done, text) = script(&weir, "wrong", &["disable", "keep"]);
    assert!(!done && text.contains("the token of WEIR_TOKEN is not that of the host"), "{text}");
    let missing = folder.path().join("no-token");
    let missing = missing.to_str().unwrap();
    refused(&weir, &["disable", "keep", "--token-file", missing], missing);
    refused(&weir, &["rm", "a b"], "`a b` is not a name");
    refused(&weir, &["load", "/no/such.wasm"], "/no/such.wasm");
    let url = weir.url.clone();
    weir.stop();
    let output =
        Command::new(live::binary()).args(["script", "ls", "--url", &url]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("no weir runs at") && text.contains("weir run"), "{text}");
}

#[test]
fn an_expression_counts_and_is_changed_while_it_runs() {
    let weir = Weir::start(["-e", "call == \"sendmsg\" | count by process.comm, error"]);
    let e1 = weir.get("/api/v1/scripts/e1");
    assert_eq!(e1["params"]["expression"], "call == \"sendmsg\" | count by process.comm, error");
    assert_eq!(e1["describe"]["wants"]["calls"], serde_json::json!(["sendmsg"]));
    calls::settle(&weir);
    let rows = |table: &str| {
        let (status, table) = weir.request("GET", &format!("/api/v1/tables/e1/{table}"), &[], &[]);
        (status == 200 && table["rows"].as_u64() > Some(0)).then_some(table)
    };
    let table = wait_for("row", || rows("count_by_process.comm_error"));
    assert_eq!(table["labels"], serde_json::json!(["process.comm", "error"]));
    refused(&weir, &["params", "e1", "expression=fd = 3"], "column 4: write == to compare");
    done(&weir, &["params", "e1", "expression=fd < 0 | histogram(duration_ns)"]);
    calls::settle(&weir);
    wait_for("row", || {
        calls::settle(&weir);
        rows("histogram_duration_ns")
    });
    weir.stop();
}

#[test]
fn an_expression_that_is_wrong_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(live::binary())
        .args(["run", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path())
        .args(["-e", "true", "-e", "fd == 3 && comm == 'x'"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let expected = "weir: expression e2, column 12: there is no `comm`; did you mean `process.comm`?\n    \
                    fd == 3 && comm == 'x'\n               ^^^^\n";
    assert_eq!(text, expected);
}
