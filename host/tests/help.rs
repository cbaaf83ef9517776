//! What `--help` says, command by command. `TRYCMD=overwrite cargo test --release -p weir --test help`
//! writes it anew.

use std::{env, path::PathBuf, process::Command};

fn binary() -> PathBuf {
    env::var_os("WEIR_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_weir").into()).into()
}

#[test]
fn every_command_explains_itself() {
    let cases = trycmd::TestCases::new();
    cases.register_bin("weir", binary());
    // What is in force here must not show.
    for variable in ["WEIR_LISTEN", "WEIR_DATA_DIR", "WEIR_CONFIG", "WEIR_URL", "WEIR_TOKEN_FILE"] {
        cases.env(variable, "");
    }
    cases.env("COLUMNS", "100").case("tests/help/*.trycmd");
}

#[test]
fn completions_and_manual() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, expected) in
        [("bash", "complete -F _weir"), ("zsh", "#compdef weir"), ("fish", "complete -c weir")]
    {
        let output = Command::new(binary()).args(["completions", shell]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.contains(expected), "{text}");
        for known in ["run", "batch-time", "tracepoint"] {
            assert!(text.contains(known), "{shell} does not know {known}");
        }
    }
    let manual = folder.path().join("man1");
    let status = Command::new(binary()).arg("man").arg(&manual).output().unwrap().status;
    assert!(status.success());
    for page in ["weir.1", "weir-run.1", "weir-config.1", "weir-script-load.1"] {
        let text = std::fs::read_to_string(manual.join(page)).unwrap();
        assert!(text.contains(".SH NAME"), "{page}: {text}");
    }
}
