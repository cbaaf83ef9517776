//! docs/scripting.md: its code is built and run, and its numbers are those of the code.

#[path = "tutorial/blocks.rs"]
mod blocks;
#[path = "ready_made/script.rs"]
mod script;

use std::fs;

use script::Script;
use serde_json::Value;
use weir::script::{CompilerLimits, Limits, Role};
use weir_sdk::{
    event::{CONTROL_BYTES, HEAD_BYTES, IOV_SHOWN, PAYLOAD_BYTES},
    testing::Call,
};

const TEXT: &str = include_str!("../../docs/scripting.md");

/// The only block of a language.
fn block(language: &str) -> String {
    let all = blocks::of(TEXT).into_iter().filter(|(info, _)| *info == language);
    let [(_, block)] = all.collect::<Vec<_>>().try_into().unwrap();
    block
}

/// Starts a script that is WebAssembly text.
fn start(text: &str) -> Script {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.wasm");
    fs::write(&path, wat::parse_str(text).unwrap()).unwrap();
    Script::load(&path, &[])
}

#[test]
fn the_smallest_script_counts_what_it_is_given() {
    let mut script = start(&block("wat"));
    let calls: Vec<_> = (0..1024).map(|_| Call::new().payload(&[b'x'; 4096])).collect();
    assert_eq!(script.batch(&calls).kept(), [true; 1024]);
    script.batch(&calls[..1]);
    script.check("events", &[("events", 1025)]);
}

#[test]
fn the_description_is_one_that_the_host_takes() {
    let describe = block("json");
    serde_json::from_str::<Value>(&describe).unwrap();
    let len = describe.len();
    let data: String = describe.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let exports = format!(
        r#"(data (i32.const 4096) "{data}")
           (func (export "weir_describe") (result i64) (i64.const {}))"#,
        4096_u64 << 32 | len as u64
    );
    let smallest = block("wat");
    let script = start(&format!("{} {exports})", smallest.trim_end().strip_suffix(')').unwrap()));
    let about = script.describe();
    assert_eq!((about.name.as_str(), about.role), ("latency", Some(Role::Aggregate)));
    assert_eq!((about.params.len(), about.tables.len()), (1, 1));
}

#[test]
fn the_world_is_that_of_the_sdk() {
    let lines = include_str!("../../sdk/wit/weir.wit").lines();
    let without_remarks = lines.filter(|line| !line.trim_start().starts_with("///"));
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words(&block("wit")), words(&without_remarks.collect::<Vec<_>>().join("\n")));
}

#[test]
fn numbers_are_those_of_the_code() {
    let limits = Limits::default();
    let compiler = CompilerLimits::default();
    let mib = |bytes: usize| format!("{} MiB", bytes >> 20);
    let cells = [
        (format!("{} ms", limits.batch_time.as_millis()), "--batch-time"),
        (mib(limits.memory_bytes), "--script-memory"),
        (mib(limits.module_bytes), "--script-bytes"),
        (mib(limits.output_bytes), "--script-output"),
        (format!("{} lines a second", limits.log_lines), "--log-lines"),
        (format!("{},{:03}", limits.table_keys / 1000, limits.table_keys % 1000), "--table-keys"),
        (format!("{} s", compiler.time.as_secs()), "--compile-time"),
        (format!("{} GiB", compiler.memory_bytes >> 30), "--compile-memory"),
    ];
    for (value, option) in cells {
        let cells = format!("| {value} | `{option}`");
        assert!(TEXT.contains(&cells), "{cells}");
    }
    for text in [
        format!("the first {IOV_SHOWN} entries"),
        format!("up to {CONTROL_BYTES} bytes of control messages"),
        format!("its first bytes, up to {PAYLOAD_BYTES}"),
        format!("not by the {HEAD_BYTES} bytes"),
    ] {
        assert!(TEXT.contains(&text), "{text}");
    }
}

#[test]
fn refusals_have_the_codes_of_the_api() {
    let api = include_str!("../../docs/api.md");
    let (_, refusals) = TEXT.split_once("## Refusals").unwrap();
    let cells = refusals.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let codes: Vec<_> = cells.flat_map(|cell| cell.split("`, `")).collect();
    assert!(codes.len() > 10, "{codes:?}");
    for code in codes {
        let code = format!("`{}`", code.trim_end_matches('`'));
        assert!(api.contains(&code), "{code}");
    }
}
