//! `weir.toml` with a real host: what it says is what runs.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::{
    calls, guest, live,
    live::{Weir, wait_for},
    script,
};

/// Runs `weir config`; whether it ended well, and what it printed.
fn config(args: &[&str]) -> (bool, String) {
    let output = Command::new(live::binary()).arg("config").args(args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn what_a_file_says_of_scripts() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.wasm"), guest::script(guest::KEEP)).unwrap();
    let file = folder.path().join("weir.toml");
    let text = r#"
keep-events = 500
table-keys = 70
[pipeline.replaced]
scripts = ["mine"]
[script.mine]
module = "mine.wasm"
[script.mine.limits]
memory = "8MiB"
log-lines = 3
[script.failed]
expression = 'error != null | count by error'
[script.later.limits]
batch-time = "20ms"
"#;
    fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    let args = ["--config", path, "--limit", "mine.log-lines=4", "--table-keys", "80"];
    // A pipeline on the command line is there in the place of the file's.
    let weir = Weir::start(args.into_iter().chain(["-s", "mine | failed"]));
    let pipelines = weir.get("/api/v1/pipelines");
    let names: Vec<_> =
        pipelines["pipelines"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["mine-failed", "own"]);
    let both = &pipelines["pipelines"][0];
    assert_eq!(both["scripts"], json!(["mine", "failed"]));
    assert_eq!(both["kept_capacity"], 500);
    let limits = &script(&weir, "mine")["limits"];
    let found = ["memory_bytes", "log_lines_per_second", "table_keys", "batch_time_ms"]
        .map(|name| limits[name].as_u64().unwrap());
    assert_eq!(found, [8 << 20, 4, 80, 100]);
    assert_eq!(script(&weir, "failed")["params"]["expression"], "error != null | count by error");
    // What is said of a name holds for what is loaded later.
    let (status, answer) = weir.put("later", &guest::script(guest::KEEP));
    assert!(status < 300, "{answer}");
    assert_eq!(answer["limits"]["batch_time_ms"], 20);
    weir.stop();
}

#[test]
fn what_is_in_force_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    fs::write(folder.path().join("weir.toml"), "payload = 64\n").unwrap();
    let (done, text) = config(&["--data-dir", data, "--json", "--calls", "sendto"]);
    assert!(done, "{text}");
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["file"], format!("{data}/weir.toml"));
    let payload = &value["options"]["payload"];
    assert_eq!(
        *payload,
        json!({"value": 64, "from": "file", "place": format!("{data}/weir.toml:1")})
    );
    assert_eq!(value["options"]["calls"]["from"], "command_line");
    let (done, text) = config(&["--data-dir", data]);
    let payload = text.lines().find(|line| line.starts_with("payload = 64 "));
    assert!(done && payload.is_some_and(|line| line.ends_with("weir.toml:1")), "{text}");
}

#[test]
fn what_is_wrong_with_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.toml");
    let check = |text: &str, expected: &str| {
        fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        let (done, text) = config(&["--check", path]);
        let expected = expected.replace("FILE", path);
        assert!(!done && text.contains(&expected), "{expected:?} is not in {text}");
    };
    check(
        "a = 1\nkeep_events = 5",
        "FILE:2: there is no option `keep_events`; did you mean `keep-events`?",
    );
    check("[pipeline.p]\nscripts = [\"no-such\"]", "FILE: there is no bundled script `no-such`");
    check("expression = [\"fd = 3\"]", "FILE: expression e1, column 4: write == to compare");
    let output = Command::new(live::binary())
        .args(["run", "--listen", "127.0.0.1:0", "--config"])
        .arg(&path)
        .args(["--data-dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    fs::write(&path, "payload = 1\n[pipeline.p]\nscripts = []\n").unwrap();
    let (done, text) = config(&["--check", path.to_str().unwrap()]);
    assert!(done && text.ends_with("1 options, 1 pipelines\n"), "{text}");
    let (done, text) = config(&["--check", "/no/such.toml"]);
    assert!(!done && text.contains("cannot read the configuration file /no/such.toml"), "{text}");
}

#[test]
fn the_example_is_a_file_that_is_right() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/weir.toml");
    if !fs::exists(path).unwrap() {
        return eprintln!("skipped: there are no docs on this machine");
    }
    let (done, text) = config(&["--check", path]);
    assert!(done && text.ends_with("0 options, 0 pipelines\n"), "{text}");
}

#[test]
fn events_and_tables_of_a_running_host() {
    let weir = Weir::start(["-e", "true | count by call", "-e", "fd >= 0"]);
    calls::settle(&weir);
    let ask = |args: &[&str]| {
        let output = Command::new(live::binary()).args(args).args(["--url", &weir.url]).output();
        let output = output.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let (done, text) = wait_for("table", || {
        Some(ask(&["tables"])).filter(|(_, text)| text.contains("count_by_call"))
    });
    assert!(done && text.contains("counter"), "{text}");
    let (done, text) = wait_for("row", || {
        Some(ask(&["tables", "e1", "--sort", "key"])).filter(|(_, text)| text.contains("sendmsg"))
    });
    assert!(done && text.starts_with("CALL"), "{text}");
    let (done, text) = ask(&["tables", "e1", "count_by_call", "--json"]);
    let table: Value = serde_json::from_str(&text).unwrap();
    assert!(done && table["row_list"][0]["value"].as_u64() > Some(0), "{text}");
    let (done, text) = ask(&["tables", "e1", "--sort", "p99"]);
    assert!(!done && text.contains("choose from"), "{text}");
    let (done, text) = ask(&["tables", "e3"]);
    assert!(!done && text.contains("`e3` has no tables; e1 have"), "{text}");
    wait_for("event", || {
        // It fails, which is an event all the same.
        _ = calls::sendmsg(0, std::ptr::null(), 0);
        ask(&["events", "--pipeline", "e2"]).1.contains("fd=").then_some(())
    });
    let (done, text) = ask(&["events", "--pipeline", "e2", "--limit", "3", "--json"]);
    let seqs: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap())
        .collect();
    assert!(done && seqs.len() <= 3 && seqs.is_sorted(), "{text}");
    let (done, text) = ask(&["events", "--pipeline", "e2", "-n", "1"]);
    assert!(done && text.lines().count() == 1 && text.contains("fd="), "{text}");
    let (done, text) = ask(&["events", "--pipeline", "none"]);
    assert!(!done && text.contains("there are: own, e1, e2"), "{text}");
    weir.stop();
}
