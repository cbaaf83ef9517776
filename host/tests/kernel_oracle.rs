//! Weir beside strace: the same calls of the same processes, seen by both and compared field by
//! field. Needs root and strace.
//!
//! The programs are this binary itself, started once more under strace while weir traces. strace
//! stops the caller at entry and at return and reads its memory, with a decoder of its own: what
//! both say alike was not made up by either.

mod calls;
mod guest;
mod live;

#[path = "oracle/compare.rs"]
mod compare;
#[path = "oracle/differs.rs"]
mod differs;
#[path = "oracle/expected.rs"]
mod expected;
#[path = "oracle/names.rs"]
mod names;
#[path = "oracle/programs/mod.rs"]
mod programs;
#[path = "oracle/run.rs"]
mod run;
#[path = "oracle/sockaddr.rs"]
mod sockaddr;
#[path = "oracle/strace.rs"]
mod strace;
#[path = "oracle/value.rs"]
mod value;

use compare::Report;
use live::Weir;
use strace::Call;

/// Restricts the comparison to some calls, separated by commas, sendmsg among them.
const CALLS: &str = "WEIR_ORACLE_CALLS";

#[test]
fn the_events_say_what_strace_says() {
    if let Err(error) = run::version() {
        return eprintln!("skipped: no strace to compare with: {error}");
    }
    let asked = std::env::var(CALLS).unwrap_or_else(|_| expected::CALLS.join(","));
    let calls: Vec<_> = asked.split(',').collect();
    for line in differs::NOT_SHOWN {
        eprintln!("oracle: not compared: {line}");
    }
    let mut failures = Vec::new();
    for backend in live::backends() {
        let folder = tempfile::tempdir().unwrap();
        let script = run::script(folder.path(), &calls);
        let script = script.to_str().unwrap();
        let weir = Weir::start(["--backend", backend, "--show-payload", "-s", script]);
        let status = weir.get("/api/v1/status");
        assert_eq!(status["backend"]["name"], backend);
        let mut report = Report::default();
        for program in programs::ALL {
            let trace = run::traced(program.name, folder.path());
            let seen = |call: &&Call| !run::is_last(call) && !differs::is_unseen(backend, call);
            let calls: Vec<_> = trace.calls(&calls).filter(seen).collect();
            let events = run::events(&weir, trace.pid);
            report.program(program.name, &calls, &events);
        }
        eprintln!("oracle: backend {backend} on {}: {report}", run::kernel());
        if !report.failures.is_empty() {
            // It may say why.
            eprintln!("oracle: weir with {backend} said:\n{}", weir.stderr());
        }
        failures.extend(report.failures.into_iter().map(|line| format!("{backend}: {line}")));
        weir.stop();
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

/// Not a test: where this binary starts again as one of the programs. Does nothing else.
#[test]
fn program() {
    if let Ok(name) = std::env::var(run::PROGRAM) {
        programs::run(&name);
    }
}
