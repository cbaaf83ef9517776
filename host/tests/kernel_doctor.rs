//! `weir doctor` as a process, and that `weir run` does what it says. Needs root.

mod calls;
mod guest;
mod live;

use std::{
    os::unix::process::CommandExt,
    process::{Command, Output},
};

use serde_json::Value;

use live::{Weir, binary};

const NOBODY: u32 = 65_534;

fn doctor(uid: Option<u32>, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new(binary());
    command.args(["doctor", "--listen", "127.0.0.1:0"]).args(arguments);
    if let Some(uid) = uid {
        command.uid(uid);
    }
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("skipped: user {uid:?} cannot run the binary: {error}");
            None
        }
    }
}

fn checks(output: &Output) -> Vec<Value> {
    let checks: Vec<Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    for check in &checks {
        let keys: Vec<_> = check.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["check", "fix", "found", "ok"], "{check}");
        assert!(check["check"].is_string() && check["found"].is_string(), "{check}");
        assert!(!check["ok"].as_bool().unwrap() || check["fix"].is_null(), "{check}");
    }
    checks
}

fn named<'a>(checks: &'a [Value], name: &str) -> &'a Value {
    checks
        .iter()
        .find(|check| check["check"] == name)
        .unwrap_or_else(|| panic!("no {name} in {checks:#?}"))
}

#[test]
fn agrees_with_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let output = doctor(None, &["--json", "--data-dir", data.to_str().unwrap()]).unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!data.exists());
    let checks = checks(&output);
    eprintln!("{:#}", Value::from(checks.clone()));

    let weir = Weir::start([] as [&str; 0]);
    let status = weir.get("/api/v1/status");
    let backend = &status["backend"];
    assert_eq!(named(&checks, "kernel")["found"], status["kernel"]);
    assert_eq!(named(&checks, "architecture")["found"], status["arch"]);
    assert_eq!(named(&checks, "backend auto")["found"], backend["name"]);
    for tried in backend["tried"].as_array().unwrap() {
        let name = format!("backend {}", tried["name"].as_str().unwrap());
        assert_eq!(named(&checks, &name)["ok"], tried["works"], "{tried}");
    }
    let works = named(&checks, &format!("backend {}", backend["name"].as_str().unwrap()));
    let blind = backend["cannot_see"][0].as_str().unwrap();
    assert!(works["found"].as_str().unwrap().contains(blind), "{works}");

    let programs = named(&checks, "programs");
    assert_eq!(programs["ok"], true);
    for program in status["kernel_programs"].as_array().unwrap() {
        let name = program["name"].as_str().unwrap();
        assert!(programs["found"].as_str().unwrap().contains(name), "{name}: {programs}");
    }
    for name in [
        "CAP_BPF",
        "CAP_PERFMON",
        "BTF",
        "raw tracepoints",
        "ring buffer",
        "bpf_loop",
        "data folder",
    ] {
        assert_eq!(named(&checks, name)["ok"], true, "{name}: {checks:#?}");
    }
    weir.stop();
}

#[test]
fn says_what_a_user_lacks() {
    let Some(output) = doctor(Some(NOBODY), &["--json", "--data-dir", "/proc/none"]) else {
        return;
    };
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let checks = checks(&output);
    for name in ["CAP_BPF", "CAP_PERFMON", "data folder"] {
        let check = named(&checks, name);
        assert!(check["ok"] == false && check["fix"].is_string(), "{check}");
    }
    assert_eq!(named(&checks, "backend auto")["ok"], false);
}

/// By a user who may load nothing, which is quick.
#[test]
fn a_line_per_check_in_columns() {
    let (Some(plain), Some(json)) = (doctor(Some(NOBODY), &[]), doctor(Some(NOBODY), &["--json"]))
    else {
        return;
    };
    let text = String::from_utf8(plain.stdout).unwrap();
    assert!(!text.contains('\x1b'), "{text}");
    let checks = checks(&json);
    assert_eq!(text.lines().count(), checks.len(), "{text}");
    let width = checks.iter().map(|check| check["check"].as_str().unwrap().len()).max().unwrap();
    for (line, check) in text.lines().zip(&checks) {
        let (name, rest) = line.split_at(width);
        assert_eq!(name.trim_end(), check["check"]);
        let mark = match (check["ok"].as_bool().unwrap(), check["fix"].is_null()) {
            (true, _) => "  ok   ",
            (false, true) => "  –    ",
            (false, false) => "  fix  ",
        };
        assert!(rest.starts_with(mark), "{line}");
    }
}
