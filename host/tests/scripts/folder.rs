//! A watched folder: what is put there is loaded, what changes is swapped, what goes is unloaded.

use std::fs;

use crate::{check_unharmed, guest, live::wait_for, script, with_two_pipelines};

#[test]
fn files_are_loaded_swapped_and_unloaded() {
    let folder = tempfile::tempdir().unwrap();
    let early = folder.path().join("early.wasm");
    fs::write(&early, guest::script(guest::KEEP)).unwrap();
    let (weir, _scripts) = with_two_pipelines(&["--scripts", folder.path().to_str().unwrap()]);
    let state = |name: &str| {
        let (status, script) = weir.request("GET", &format!("/api/v1/scripts/{name}"), &[], &[]);
        (status == 200).then_some(script)
    };
    assert_eq!(script(&weir, "early")["state"], "running");

    let late = folder.path().join("late.wasm");
    fs::write(&late, guest::script(guest::KEEP)).unwrap();
    let first = wait_for("script late", || state("late"));
    assert_eq!(first["pipelines"], serde_json::json!(["late"]));

    fs::write(&late, guest::script(guest::DROP)).unwrap();
    wait_for("swap of script late", || {
        state("late").filter(|script| script["sha256"] != first["sha256"])
    });

    // What is no script leaves the version before at work, and says so.
    fs::write(&late, "no module").unwrap();
    wait_for("line on the broken file", || {
        weir.stderr().contains("late.wasm: script `late`: not a valid Wasm module").then_some(())
    });
    assert_eq!(state("late").unwrap()["state"], "running");
    // What does not end in .wasm is nobody's business.
    fs::write(folder.path().join("README.md"), "no module").unwrap();

    fs::remove_file(&early).unwrap();
    wait_for("end of script early", || state("early").is_none().then_some(()));
    check_unharmed(&weir);
    weir.stop();
}
