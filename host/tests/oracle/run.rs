//! Programs under strace, and the events of theirs that weir keeps.

use std::{
    env, fs,
    mem::offset_of,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
};

use serde_json::{Value as Json, json};
use weir_sdk::event::{Head, PAYLOAD_BYTES};

use crate::{
    guest,
    live::{Weir, wait_for},
    strace::{Call, Trace},
    value::Value,
};

/// Tells this binary which program to be.
pub const PROGRAM: &str = "WEIR_ORACLE_PROGRAM";
/// Name of the pipeline that keeps the programs' events.
const PIPELINE: &str = "oracle";
/// Descriptor of the call that a program makes last.
pub const LAST: i32 = -4711;

/// The kernel's release.
pub fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").unwrap().trim().to_owned()
}

/// The version of strace, if there is one that runs.
pub fn version() -> Result<String, String> {
    let output = Command::new("strace").arg("-V").output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().map(str::to_owned).ok_or_else(|| format!("{}", output.status))
}

/// Writes a script that wants these calls with their payload, and keeps the events of this process's
/// children; returns where it is. Its name is the pipeline's.
pub fn script(folder: &Path, calls: &[&str]) -> PathBuf {
    let describe = json!({
        "name": PIPELINE, "version": "1",
        "wants": { "calls": calls, "payload": PAYLOAD_BYTES },
    });
    let describe = describe.to_string();
    let module = guest::script(&format!(
        r#"(data (i32.const 1024) "{}")
        (func (export "weir_describe") (result i64)
            (i64.const {}))
        (func (export "weir_batch") (param $at i32) (param i32)
            (local $event i32) (local $head i32) (local $verdict i32)
            (local.set $head (i32.add (local.get $at) (i32.load offset=12 (local.get $at))))
            (local.set $verdict (i32.add (local.get $at) (i32.load offset=16 (local.get $at))))
            (loop $next
                (i32.store8 (local.get $verdict)
                    (i32.ne (i32.load offset={} (local.get $head)) (i32.const {})))
                (local.set $verdict (i32.add (local.get $verdict) (i32.const 1)))
                (local.set $head (i32.add (local.get $head) (i32.load offset=8 (local.get $at))))
                (local.set $event (i32.add (local.get $event) (i32.const 1)))
                (br_if $next
                    (i32.lt_u (local.get $event) (i32.load offset=4 (local.get $at))))))"#,
        describe.replace('"', "\\22"),
        1024_u64 << 32 | describe.len() as u64,
        offset_of!(Head, ppid),
        process::id(),
    ));
    let path = folder.join(format!("{PIPELINE}.wasm"));
    fs::write(&path, module).unwrap();
    path
}

/// Runs a program under strace.
pub fn traced(program: &str, folder: &Path) -> Trace {
    let file = folder.join(format!("{program}.strace"));
    let mut strace = Command::new("strace")
        // The program is then this process's child, and strace is not between.
        .arg("-D")
        // Threads; texts of descriptors; all of strings and structs, as bytes; times.
        .args(["-f", "-y", "-v", "-xx", "-T", "-s", "4096"])
        .args(["-e", &format!("trace={}", crate::expected::CALLS.join(","))])
        .arg("-o")
        .arg(&file)
        .arg("--")
        .arg(env::current_exe().unwrap())
        .args(["--exact", "program", "--nocapture", "--test-threads=1"])
        .env(PROGRAM, program)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pid = strace.id();
    let status = wait_for("end of a program", || strace.try_wait().unwrap());
    assert!(status.success(), "program {program}: {status}");
    let pid_text = pid.to_string();
    // strace outlives the program by a moment.
    let text = wait_for("end of strace", || {
        let text = fs::read_to_string(&file).unwrap();
        let ends = |line: &str| {
            // A short id is padded.
            line.split_once(' ')
                .is_some_and(|(tid, said)| tid == pid_text && said.trim_start().starts_with("+++"))
        };
        text.lines().any(ends).then_some(text)
    });
    Trace::parse(pid, &text).unwrap_or_else(|error| panic!("program {program}: {error}"))
}

/// Whether a call is that by which a program says that it has ended.
pub fn is_last(call: &Call) -> bool {
    call.arguments.first().and_then(Value::number) == Some(LAST.into())
}

/// The events of a process that has ended, oldest first, without that of its last call, by which it
/// is seen that all are there.
pub fn events(weir: &Weir, pid: u32) -> Vec<Json> {
    let last = |event: &Json| event["process"]["pid"] == pid && event["fd"] == LAST;
    wait_for("event of a program's last call", || weir.has_event(PIPELINE, last).then_some(()));
    weir.events(PIPELINE, |event| event["process"]["pid"] == pid && event["fd"] != LAST)
}
