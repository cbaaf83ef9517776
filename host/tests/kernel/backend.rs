//! Which backend is in use, what it says of itself, and that the host does not see itself.

use std::{
    path::Path,
    process::{Command, Stdio},
    ptr,
};

use serde_json::{Value, json};

use crate::{
    calls::{Calls, assert_says},
    live::{self, KPROBES, Weir},
    on_each_backend,
};

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn the_best_that_works_is_chosen() {
    let weir = Weir::start([] as [&str; 0]);
    let status = weir.get("/api/v1/status");
    let backend = &status["backend"];
    let tried = if Path::new(KPROBES).exists() {
        assert_eq!(backend["why"], "the first choice, and it works on this kernel");
        "kprobe"
    } else {
        let why = backend["why"].as_str().unwrap();
        assert!(why.contains("no kprobes") && why.contains(KPROBES), "{why}");
        assert_says(&backend["tried"][0], &json!({"name": "kprobe", "works": false}));
        "tracepoint"
    };
    assert_says(backend, &json!({"name": tried, "requested": "auto"}));
    let last = backend["tried"].as_array().unwrap().last().unwrap();
    assert_says(last, &json!({"name": tried, "works": true}));
    weir.stop();
}

#[test]
fn each_says_what_it_cannot_see() {
    on_each_backend(|weir| {
        let status = weir.get("/api/v1/status");
        let backend = &status["backend"];
        let name = backend["name"].as_str().unwrap();
        assert_eq!(backend["requested"], name);
        assert_eq!(backend["why"], format!("asked for with --backend {name}"));
        let cannot_see = texts(&backend["cannot_see"]);
        let own: &[_] = match name {
            "tracepoint" => {
                &["no TOCTOU verdict", "io_uring", "socketcall(2)", "the messages of sendmmsg"]
            }
            _ => &["sendfile calls whose offset", "a sendmmsg message"],
        };
        let all = ["write, read, splice", "the messages of recvmmsg"];
        assert_eq!(cannot_see.len(), own.len() + all.len(), "{cannot_see:#?}");
        for (text, says) in cannot_see.iter().zip(own.iter().chain(&all)) {
            assert!(text.contains(says), "{says} is not in {text:?}");
        }
        let log = weir.stderr();
        for text in cannot_see {
            assert!(log.contains(text), "{text:?} is not in the log:\n{log}");
        }
    });
}

#[test]
fn kprobes_are_refused_where_there_are_none() {
    if Path::new(KPROBES).exists() {
        return eprintln!("skipped: this kernel has kprobes");
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(live::binary())
        .args(["run", "--listen", "127.0.0.1:0", "--backend", "kprobe", "--data-dir"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let error = stderr.lines().last().unwrap();
    assert!(error.starts_with("weir: no backend works on this kernel: "), "{stderr}");
    assert!(error.contains("no kprobes") && error.contains(KPROBES), "{stderr}");
}

/// The host greets its programs with a sendmsg call, which makes it known to them.
#[test]
fn the_host_does_not_see_itself() {
    on_each_backend(|weir| {
        let mut calls = Calls::new();
        calls.call(-1, ptr::null(), 0, json!({})).unwrap_err();
        calls.check(weir);
        for path in ["/healthz", "/api/v1/scripts", "/api/v1/ledger"] {
            weir.get(path);
        }
        let own = weir.events("own", |event| event["process"]["pid"] == weir.pid());
        assert!(own.is_empty(), "{own:#?}");
    });
}
