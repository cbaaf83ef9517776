//! docs/tutorial.md: its code, which `cargo xtask test` puts into projects and builds, and its commands, which are run
//! against a running host.

mod calls;
mod guest;
mod live;

#[path = "tutorial/blocks.rs"]
mod blocks;
#[path = "ready_made/script.rs"]
mod script;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use live::Weir;
use script::Script;
use serde_json::Value;
use weir_sdk::testing::Call;

const TEXT: &str = include_str!("../../docs/tutorial.md");
const LANGUAGES: [&str; 8] =
    ["rust", "c", "zig", "go", "assemblyscript", "javascript", "python", "wat"];

/// Where the projects of the tutorial are.
fn built(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tutorial").join(language)
}

/// What was built is what stands in the text now.
fn check_built() {
    let mut languages = Vec::new();
    for (info, block) in blocks::of(TEXT) {
        if let Some((_, made)) = block.split_once("weir new slow --lang ") {
            languages.push(made.lines().next().unwrap().to_owned());
        } else if let Some((_, path)) = info.split_once(" slow/") {
            let file = built(languages.last().unwrap().as_str()).join("slow").join(path);
            let is_built = fs::read_to_string(&file).is_ok_and(|there| there == block);
            assert!(
                is_built,
                "{} is not as the text has it: run `cargo xtask test`",
                file.display()
            );
        }
    }
    assert_eq!(languages, LANGUAGES);
}

#[test]
fn each_script_does_what_the_text_says() {
    check_built();
    const MS: u64 = 1_000_000;
    let call = |comm: &str, duration_ns| Call::new().comm(comm).duration_ns(duration_ns);
    let calls = [
        call("curl", 10 * MS - 1),
        call("curl", 10 * MS),
        call("curl", 20 * MS).error("EAGAIN"),
        call("größe", u64::MAX),
        call("curl", 11 * MS).error("EAGAIN"),
    ];
    for language in LANGUAGES {
        let module = built(language).with_extension("wasm");
        let mut script = Script::load(&module, &[]);
        assert_eq!(
            (script.describe().name.as_str(), &*script.describe().language),
            ("slow", language)
        );
        let did = script.batch(&calls);
        assert_eq!(did.kept(), [false, true, true, true, true], "{language}");
        if language == "wat" {
            script.check("calls", &[("curl", 3), ("größe", 1)]);
            continue;
        }
        script.check("calls", &[("curl / EAGAIN", 2), ("curl / ok", 1), ("größe / ok", 1)]);
        assert_eq!(
            (did.attrs(1), did.attrs(2)),
            (vec!["slow=ok".into()], vec!["slow=EAGAIN".into()])
        );
        let less = if language == "rust" { ("min", "3us") } else { ("min_us", "3") };
        let mut script = Script::load(&module, &[less]);
        let did = script.batch(&[call("a", 2_999), call("a", 3_000)]);
        assert_eq!(did.kept(), [false, true], "{language}");
    }
}

/// What a reader types, in the order of the text. Needs root.
#[test]
fn the_commands_work() {
    check_built();
    let weir = Weir::start::<&str>([]);
    let folder = tempfile::tempdir().unwrap();
    fs::copy(built("rust").with_extension("wasm"), folder.path().join("slow.wasm")).unwrap();
    let (mut ran, mut said) = (0, String::new());
    for (info, block) in blocks::of(TEXT) {
        match info {
            "sh run" => {
                said = block.lines().map(|line| type_in(&weir, folder.path(), line)).collect();
                ran += 1;
            }
            "text check" => {
                let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
                let lines: Vec<_> = said.lines().map(words).collect();
                for line in block.lines() {
                    assert!(lines.contains(&words(line)), "{line:?} is not in {said}");
                }
            }
            "json table" => {
                let told: Value = serde_json::from_str(&block).unwrap();
                let table: Value = serde_json::from_str(&said).unwrap();
                for (key, value) in told.as_object().unwrap() {
                    assert_eq!(&table[key], value, "{key}");
                }
                assert!(table["rows"].as_u64() > Some(0), "{table}");
            }
            _ => {}
        }
    }
    assert_eq!(ran, 4);
    assert_eq!(weir.get("/api/v1/scripts/slow")["params"]["min"], "2us");
    weir.stop();
}

/// Runs a line, and says what it prints.
fn type_in(weir: &Weir, folder: &Path, line: &str) -> String {
    if let Some(path) = line.strip_prefix("curl -s localhost:7070") {
        // There are slow calls by now, or will be.
        let answer = live::wait_for("row", || {
            calls::settle(weir);
            Some(weir.get(path)).filter(|table| table["rows"] != 0)
        });
        return answer.to_string();
    }
    let words: Vec<_> = line.trim_start_matches("sudo ").split(' ').collect();
    assert_eq!(words[0], "weir", "{line}");
    let output = Command::new(live::binary())
        .args(&words[1..])
        .current_dir(folder)
        .env("WEIR_URL", &weir.url)
        .env("WEIR_TOKEN", &weir.token)
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{line}: {said}");
    said
}
