//! Modules that are not taken.

use crate::{
    check_unharmed,
    guest::{self, FRAME, GREEDY, KEEP},
    live::Weir,
    with_two_pipelines,
};

/// A script that does this when it starts.
fn starting(body: &str) -> Vec<u8> {
    guest::script(&format!(r#"{KEEP} (func (export "weir_start") (result i64) {body})"#))
}

/// Hands a module in as a new script and in the place of one that runs; both must be refused with
/// this code and a message that holds this text.
fn check(weir: &Weir, module: &[u8], code: &str, text: &str) {
    for name in ["new", "keep"] {
        check_as(weir, name, module, 422, code, text);
    }
}

fn check_as(weir: &Weir, name: &str, module: &[u8], status: u16, code: &str, text: &str) {
    let (answered, answer) = weir.put(name, module);
    assert_eq!((answered, answer["code"].as_str()), (status, Some(code)), "{answer}");
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains(text), "{text:?} is not in {message:?}");
    assert!(!message.contains('\n'), "{message:?}");
    let (gone, answer) = weir.request("GET", "/api/v1/scripts/new", &[], &[]);
    assert_eq!(gone, 404, "{answer}");
}

#[test]
fn what_is_no_module() {
    let (weir, _folder) = with_two_pipelines(&[]);
    let whole = guest::script(KEEP);
    let mut changed = whole.clone();
    // The first section's kind.
    changed[8] = 0xff;
    let invalid: [&[u8]; 7] = [
        b"",
        b"\0as",
        b"not Wasm at all",
        b"\x7fELF\x02\x01\x01",
        &whole[..8],
        &whole[..40],
        &changed,
    ];
    for module in invalid {
        // A header alone is a module, with nothing in it.
        let code = if module.len() == 8 { "missing_export" } else { "invalid_module" };
        check(&weir, module, code, "");
    }
    check(&weir, &guest::text("(component)"), "missing_export", "weir:script/guest@1.0.0");
    let imports =
        guest::text(r#"(component (import "a:b/c@1.0.0" (instance (export "f" (func)))))"#);
    check(&weir, &imports, "unknown_import", "`a:b/c@1.0.0`");
    check_unharmed(&weir);
    weir.stop();
}

#[test]
fn exports_that_are_missing() {
    let (weir, _folder) = with_two_pipelines(&[]);
    for name in ["memory", "weir_abi", "weir_alloc", "weir_batch"] {
        let text = format!("(module {FRAME} {KEEP})");
        let without = guest::text(&text.replace(&format!("{name:?}"), "\"elsewhere\""));
        check(&weir, &without, "missing_export", name);
    }
    for (parts, name) in [
        (r#"(func (export "weir_batch") (param i32))"#.to_owned(), "weir_batch"),
        (r#"(global (export "weir_batch") i32 (i32.const 0))"#.to_owned(), "weir_batch"),
        (format!(r#"{KEEP} (func (export "weir_tick"))"#), "weir_tick"),
        (format!(r#"{KEEP} (func (export "weir_start"))"#), "weir_start"),
    ] {
        check(&weir, &guest::script(&parts), "missing_export", name);
    }
    let other_abi = format!("(module {FRAME} {KEEP})").replace("(i32.const 1))", "(i32.const 2))");
    check(&weir, &guest::text(&other_abi), "wrong_abi", "ABI 2");
    check_unharmed(&weir);
    weir.stop();
}

#[test]
fn imports_that_nobody_offers() {
    let (weir, _folder) = with_two_pipelines(&[]);
    for (module, name) in
        [("env", "puts"), ("weir", "no_such_call"), ("wasi_snapshot_preview1", "no_such_call")]
    {
        let text = format!(r#"(module (import "{module}" "{name}" (func)) {FRAME} {KEEP})"#);
        check(&weir, &guest::text(&text), "unknown_import", name);
    }
    let text = format!(r#"(module (import "weir" "memory" (memory 1)) {KEEP})"#);
    check(&weir, &guest::text(&text), "unknown_import", "memory");
    let text = format!(r#"(module (import "weir" "log" (func)) {FRAME} {KEEP})"#);
    check(&weir, &guest::text(&text), "import_type", "log");
    check_unharmed(&weir);
    weir.stop();
}

#[test]
fn scripts_that_fail_to_start() {
    let (weir, _folder) = with_two_pipelines(&["--batch-time", "50ms"]);
    let instantiating =
        |body: &str| guest::script(&format!("{KEEP} (func $begin {body}) (start $begin)"));
    let too_large = "(export \"memory\") 60000";
    let too_large = format!("(module {FRAME} {KEEP})").replace("(export \"memory\") 4", too_large);
    let endless = "(loop $again (br $again)) unreachable";
    for (module, text) in [
        (instantiating("unreachable"), "instantiation failed"),
        (instantiating(endless), "50ms"),
        (instantiating(GREEDY), "of memory (limit"),
        (starting("unreachable"), "weir_start failed"),
        (starting(endless), "50ms"),
        (starting(GREEDY), "of memory (limit"),
        // A text beyond the memory, and one that is too long.
        (starting("(i64.const 0x7fff_ffff_0000_0010)"), "memory"),
        (starting("(i64.const 0x7fff_ffff)"), "more than"),
        (guest::text(&too_large), "memory"),
    ] {
        check(&weir, &module, "start_failed", text);
    }
    check_unharmed(&weir);
    weir.stop();
}

/// A script with a function that returns a text, which lies at 16.
fn returning(function: &str, text: &str) -> Vec<u8> {
    let len = text.replace(r"\22", "'").len();
    guest::script(&format!(
        r#"{KEEP} (data (i32.const 16) "{text}")
           (func (export "{function}") (result i64) (i64.const {}))"#,
        16 << 32 | len
    ))
}

#[test]
fn scripts_that_start_and_refuse() {
    let (weir, _folder) = with_two_pipelines(&[]);
    let why = "the limit is too low";
    check(&weir, &returning("weir_start", why), "start_refused", why);

    for (describe, text) in [
        ("not JSON", "describe"),
        (r"{\22role\22:\22cook\22}", "cook"),
        (
            r"{\22wants\22:{\22calls\22:[\22write\22]}}",
            "there is no call `write`; there are: sendmsg",
        ),
        (r"{\22wants\22:{\22payload\22:4097}}", "4097 bytes are too many; there are 0 to 4096"),
    ] {
        check(&weir, &returning("weir_describe", describe), "bad_describe", text);
    }
    let keep = guest::script(KEEP);
    let params = "?params=%7B%22no%22%3A%221%22%7D";
    for name in ["new", "keep"] {
        check_as(&weir, &format!("{name}{params}"), &keep, 422, "unknown_param", "`no`");
    }
    check_unharmed(&weir);
    weir.stop();
}

#[test]
fn modules_that_are_too_large() {
    let (weir, _folder) = with_two_pipelines(&["--script-bytes", "4096"]);
    // Data of which the module is made up to a size.
    let of = |bytes: usize| {
        let with = |data: usize| {
            guest::script(&format!(r#"{KEEP} (data (i32.const 16) "{}")"#, "x".repeat(data)))
        };
        with(2000 + bytes - with(2000).len())
    };
    assert_eq!(of(4096).len(), 4096);
    for name in ["new", "keep"] {
        check_as(&weir, name, &of(4097), 413, "module_too_large", "4096");
        check_as(&weir, name, &of(20_000), 413, "module_too_large", "4096");
    }
    check_unharmed(&weir);
    let (status, answer) = weir.put("new", &of(4096));
    assert_eq!(status, 201, "{answer}");
    weir.stop();
}
