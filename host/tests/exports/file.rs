//! Lines of JSON in files.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    calls, count, export,
    live::{Weir, pipeline, row, wait_for},
    make_calls,
};

/// The events in a file and in older ones, oldest first. Every line must be whole.
fn lines(path: &Path) -> Vec<Value> {
    let older = (1..).map(|number| PathBuf::from(format!("{}.{number}", path.display())));
    let mut paths: Vec<_> = older.take_while(|path| path.exists()).collect();
    paths.reverse();
    paths.push(path.to_owned());
    let texts = paths.iter().map(|path| fs::read_to_string(path).unwrap());
    texts
        .flat_map(|text| {
            assert!(text.is_empty() || text.ends_with('\n'));
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_kept_event_is_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let text = path.to_str().unwrap();
    let size = ["--events-file-size", "64KiB", "--events-file-count", "1000"];
    let weir = Weir::start_wanting(
        &["sendmsg"],
        16,
        ["--events-file", text, "--events-file-pipelines", "own"].into_iter().chain(size),
    );
    make_calls(500);
    let message = calls::Message::of_parts(&[b"s3cret"]);
    calls::sendmsg(-1, &*message.header, 0).unwrap_err();
    calls::settle(&weir);
    // Other tests of this process make such calls as well.
    let first = |event: &Value| event["fd"] == -5000 && event["process"]["tid"] == calls::tid();
    let in_api = weir.events("own", first);
    let ledger = weir.stop();
    let lines = lines(&path);
    assert_eq!(lines.len() as u64, row(pipeline(&ledger, "own"), "kept"));
    assert!(lines.is_sorted_by_key(|line| line["seq"].as_u64().unwrap()));
    assert!(fs::metadata(format!("{text}.1")).unwrap().len() <= 64 << 10);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // As in the API, but for the payload, which is asked for by another option.
    let line = lines.iter().find(|line| first(line)).unwrap();
    assert_eq!(line["pipeline"], "own");
    for key in ["seq", "time", "call", "process", "ret", "error", "socket", "attrs"] {
        assert_eq!(line[key], in_api[0][key], "{key}");
    }
    assert!(lines.iter().all(|line| line["msg"]["payload"].is_null()));
}

#[test]
fn payload_where_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let arguments = ["--export-payload", "--events-file", path.to_str().unwrap()];
    let weir = Weir::start_wanting(&["sendmsg"], 16, arguments);
    let (a, _b) = std::os::unix::net::UnixStream::pair().unwrap();
    let message = calls::Message::of_parts(&[b"s3cret"]);
    let fd = std::os::fd::AsRawFd::as_raw_fd(&a);
    calls::sendmsg(fd, &*message.header, 0).unwrap();
    calls::settle(&weir);
    weir.stop();
    assert!(lines(&path).iter().any(|line| line["msg"]["payload"] == "czNjcmV0"));
}

/// Waits until the export is as it should be, with events to try it.
fn wait_for_export(weir: &Weir, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    wait_for(what, || {
        make_calls(1);
        let info = export(weir, "events_file");
        is(&info).then_some(info)
    })
}

#[test]
fn a_folder_that_vanishes_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let path = inner.join("events.jsonl");
    let weir = Weir::start(["--events-file", path.to_str().unwrap()]);
    wait_for_export(&weir, "first event", |info| count(info, "sent") > 0);
    fs::remove_dir_all(&inner).unwrap();
    let info = wait_for_export(&weir, "drop", |info| count(&info["dropped_by"], "failed") > 0);
    assert_eq!(info["ok"], false);
    assert!(info["last_error"]["message"].as_str().unwrap().contains("events.jsonl"), "{info}");
    fs::create_dir(&inner).unwrap();
    let info = wait_for_export(&weir, "success", |info| info["ok"] == true);
    let dropped = count(&info, "dropped");
    wait_for("line", || (path.exists() && !lines(&path).is_empty()).then_some(()));
    assert!(dropped > 0);
    let ledger = weir.stop();
    assert_eq!(row(pipeline(&ledger, "own"), "queue_full"), 0);
}

#[test]
fn a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let full = folder.path().join("full");
    fs::create_dir(&full).unwrap();
    let mount = |program: &str, args: &[&str]| {
        let status = Command::new(program).args(args).arg(&full).status().unwrap();
        assert!(status.success(), "{program}");
    };
    mount("mount", &["-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs"]);
    let path = full.join("events.jsonl");
    let weir = Weir::start(["--events-file", path.to_str().unwrap()]);
    let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        make_calls(200);
        let info = wait_for_export(&weir, "drop", |info| count(&info["dropped_by"], "failed") > 0);
        assert!(info["last_error"]["message"].as_str().unwrap().contains("space"), "{info}");
        // What is there are whole lines.
        let before = lines(&path).len();
        assert!(before > 0);
        // Room for all that is made until the file is tried again.
        mount("mount", &["-o", "remount,size=256m"]);
        wait_for_export(&weir, "success", |info| info["ok"] == true);
        wait_for("more lines", || (lines(&path).len() > before).then_some(()));
    }));
    let ledger = weir.stop();
    mount("umount", &[]);
    tried.unwrap();
    assert_eq!(row(pipeline(&ledger, "own"), "queue_full"), 0);
}

#[test]
fn a_file_that_cannot_be_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["/none/events.jsonl", "/dev/null", folder.path().to_str().unwrap()] {
        let mut command = Command::new(crate::live::binary());
        command.args(["run", "--listen", "127.0.0.1:0", "--data-dir"]).arg(folder.path().join("d"));
        let output = command.args(["--events-file", path]).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        let last = stderr.lines().last().unwrap();
        assert!(last.starts_with("weir: --events-file: ") && last.contains(path), "{stderr}");
    }
}
