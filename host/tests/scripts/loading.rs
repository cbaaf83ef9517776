//! Loads over the API: large modules, limits, results, and versions that are rolled back.

use std::{fmt::Write, fs, os::unix::fs::PermissionsExt};

use serde_json::json;

use crate::{
    calls::settle,
    check_unharmed,
    guest::{self, FRAME, KEEP},
    live::wait_for,
    script, with_two_pipelines,
};

/// A module that takes seconds to compile.
fn large(functions: usize) -> Vec<u8> {
    let mut text = format!("(module {FRAME} {KEEP}\n");
    for index in 0..functions {
        let mut body = String::new();
        for step in 0..20 {
            write!(
                body,
                "(local.set 1 (i64.add (i64.rotl (local.get 1) (local.get 0))
                    (i64.mul (local.get 0) (i64.const {}))))
                 (if (i64.eqz (local.get 1)) (then (i64.store (i32.const {step}) (local.get 0))))",
                index * 31 + step
            )
            .unwrap();
        }
        writeln!(text, "(func (param i64) (result i64) (local i64) {body} (local.get 1))").unwrap();
    }
    text.push(')');
    guest::text(&text)
}

#[test]
fn a_large_module_is_compiled_while_everything_goes_on() {
    let (weir, _folder) = with_two_pipelines(&[]);
    let module = large(20_000);
    let (status, answer) = weir.change("PUT", "/api/v1/scripts/large", &module);
    // A machine with many processors may be done within the second that is waited for.
    if status == 202 {
        let follow = answer["follow"].as_str().unwrap().to_owned();
        assert_eq!(answer["state"], "compiling", "{answer}");
        assert_eq!(follow, "/api/v1/scripts/large/load");
        check_unharmed(&weir);
        let load =
            wait_for("load", || Some(weir.get(&follow)).filter(|it| it["state"] == "loaded"));
        assert!(load["took_ms"].as_u64().unwrap() >= 1000, "{load}");
    } else {
        assert!(matches!(status, 200 | 201), "{answer}");
    }
    assert_eq!(script(&weir, "large")["size_bytes"], module.len());
    check_unharmed(&weir);
    // From the cache it is there at once.
    let (status, answer) = weir.put("again", &module);
    assert!(matches!(status, 200 | 201), "{answer}");
    let took_ms = weir.get("/api/v1/scripts/again/load")["took_ms"].as_u64().unwrap();
    assert!(took_ms < 1000, "{took_ms}");
    let compiled = weir.folder().join("data/compiled");
    assert_eq!(fs::metadata(compiled).unwrap().permissions().mode() & 0o777, 0o700);

    let (status, answer) = weir.put("broken", &guest::text("(module)"));
    assert_eq!(status, 422, "{answer}");
    let load = weir.get("/api/v1/scripts/broken/load");
    assert_eq!((&load["state"], &load["error"]), (&json!("refused"), &answer["message"]));
    let loads = weir.get("/api/v1/loads");
    let names: Vec<_> = loads["loads"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["again", "broken", "large"]);
    let (status, answer) = weir.request("GET", "/api/v1/scripts/keep/load", &[], &[]);
    assert_eq!((status, &answer["code"]), (404, &json!("unknown_load")));
    weir.stop();
}

/// A module that takes more than a host with these options lets compiling take.
fn check_compile_limit(args: &[&str]) {
    let (weir, _folder) = with_two_pipelines(args);
    let (status, answer) = weir.put("large", &large(20_000));
    assert_eq!((status, &answer["code"]), (422, &json!("compile_limit")), "{answer}");
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains(args[0]), "{message}");
    let load = weir.get("/api/v1/scripts/large/load");
    assert_eq!((&load["state"], &load["code"]), (&json!("refused"), &json!("compile_limit")));
    // Of a script that runs, the version before goes on.
    let (status, answer) = weir.put("keep", &large(20_000));
    assert_eq!((status, &answer["code"]), (422, &json!("compile_limit")), "{answer}");
    check_unharmed(&weir);
    // Others are compiled all the same.
    assert!(matches!(weir.put("small", &guest::script(KEEP)).0, 200 | 201));
    weir.stop();
}

#[test]
fn a_module_that_takes_too_long_to_compile_is_refused() {
    check_compile_limit(&["--compile-time", "1s"]);
}

#[test]
fn a_module_that_takes_too_much_memory_to_compile_is_refused() {
    check_compile_limit(&["--compile-memory", "209715200"]);
}

#[test]
fn limits_of_one_script() {
    let (weir, _folder) = with_two_pipelines(&["--table-keys", "77"]);
    let keep = guest::script(KEEP);
    let (status, answer) = weir.put("x?limits=%7B%22batch_time_ms%22%3A7%7D", &keep);
    assert!(matches!(status, 200 | 201), "{answer}");
    let limits = |answer: &serde_json::Value| {
        let limits = &answer["limits"];
        (limits["batch_time_ms"].clone(), limits["table_keys"].clone())
    };
    assert_eq!(limits(&answer), (json!(7), json!(77)));
    assert_eq!(limits(&script(&weir, "keep")), (json!(100), json!(77)));
    let path = "/api/v1/scripts/x/limits";
    let (status, answer) = weir.change("PATCH", path, br#"{"table_keys": 5}"#);
    assert_eq!((status, limits(&answer)), (200, (json!(7), json!(5))));
    assert_eq!(limits(&weir.put("x", &keep).1), (json!(7), json!(5)));
    for (body, code) in [
        (&br#"{"table_keys": 0}"#[..], "bad_limit"),
        (br#"{"colour": 1}"#, "bad_parameter"),
        (b"{", "bad_parameter"),
    ] {
        let (status, answer) = weir.change("PATCH", path, body);
        assert_eq!((status, &answer["code"]), (400, &json!(code)), "{answer}");
    }
    let (status, answer) = weir.put("x?limits=%7B%22memory_bytes%22%3A1%7D", &keep);
    assert_eq!((status, &answer["code"]), (400, &json!("bad_limit")), "{answer}");
    let (status, answer) = weir.change("PATCH", "/api/v1/scripts/none/limits", b"{}");
    assert_eq!((status, &answer["code"]), (404, &json!("unknown_script")), "{answer}");
    assert_eq!(weir.request("PATCH", path, &[], b"{}").0, 401);
    check_unharmed(&weir);
    weir.stop();
}

#[test]
fn results_and_rollbacks_are_shown() {
    let (weir, _folder) = with_two_pipelines(&[]);
    let emits = guest::text(&format!(
        r#"(module (import "weir" "emit" (func $emit (param i32 i32))) {FRAME}
            (data (i32.const 16) "{{\22found\22:[1]}}")
            (func (export "weir_batch") (param i32 i32)
                (call $emit (i32.const 16) (i32.const 13))))"#
    ));
    assert!(matches!(weir.put("x", &emits).0, 200 | 201));
    let path = "/api/v1/scripts/x/emitted?limit=1";
    let emitted = wait_for("result", || {
        settle(&weir);
        Some(weir.get(path)).filter(|it| it["total"] != 0)
    });
    assert_eq!(emitted["results"][0]["value"], json!({"found": [1]}));
    assert_eq!(emitted["refused"], 0);
    let (status, answer) = weir.request("GET", "/api/v1/scripts/none/emitted", &[], &[]);
    assert_eq!((status, &answer["code"]), (404, &json!("unknown_script")));

    let sha256 = script(&weir, "x")["sha256"].clone();
    let traps = guest::script(r#"(func (export "weir_batch") (param i32 i32) unreachable)"#);
    let (status, answer) = weir.put("x", &traps);
    assert_eq!(status, 200, "{answer}");
    let shown = wait_for("rollback", || {
        settle(&weir);
        Some(script(&weir, "x")).filter(|it| it["sha256"] == sha256)
    });
    assert_eq!(shown["state"], "running", "{shown}");
    let fault = &shown["rolled_back"]["fault"];
    assert!(fault["message"].as_str().unwrap().contains("unreachable"), "{shown}");
    check_unharmed(&weir);
    let ledger = weir.stop();
    let rows = crate::live::pipeline(&ledger, "x");
    assert_eq!(crate::live::row(rows, "trapped"), 0, "{rows}");
}

#[test]
fn a_module_that_is_only_checked_changes_nothing() {
    let (weir, _folder) = with_two_pipelines(&[]);
    let before = weir.get("/api/v1/scripts");
    let (status, answer) = weir.change("POST", "/api/v1/scripts/keep/check", &guest::script(KEEP));
    assert_eq!(status, 200, "{answer}");
    assert_eq!((&answer["name"], &answer["form"]), (&json!("keep"), &json!("core")), "{answer}");
    assert_eq!(answer["describe"]["wants"]["calls"], json!(["sendmsg"]), "{answer}");
    let (status, answer) = weir.change("POST", "/api/v1/scripts/new/check", b"garbage");
    assert_eq!((status, answer["code"].as_str()), (422, Some("invalid_module")), "{answer}");
    let after = weir.get("/api/v1/scripts");
    let names = |list: &serde_json::Value| -> Vec<_> {
        let scripts = list["scripts"].as_array().unwrap();
        scripts.iter().map(|script| (script["name"].clone(), script["sha256"].clone())).collect()
    };
    assert_eq!(names(&before), names(&after));
    assert_eq!(weir.get("/api/v1/loads")["loads"], json!([]));
    check_unharmed(&weir);
    weir.stop();
}
