//! Weir as packaging/ runs it: with the capabilities of its unit and no others, as a user of its own. Needs
//! root.

mod calls;
mod guest;
mod live;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use live::wait_for;

const NOBODY: &str = "65534";

fn packaging(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a line of the unit is set to.
fn set<'a>(unit: &'a str, name: &str) -> &'a str {
    let line = unit.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    line.unwrap_or_else(|| panic!("no {name} in the unit"))
}

fn capabilities(unit: &str) -> BTreeSet<String> {
    let names = set(unit, "AmbientCapabilities").split(' ');
    names.map(|name| name.strip_prefix("CAP_").unwrap().to_lowercase()).collect()
}

/// Ends it, whatever the test finds.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
fn the_units_capabilities_are_enough() {
    let capabilities: Vec<_> =
        capabilities(&packaging("systemd/weir.service")).into_iter().collect();
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::copy(live::binary(), path("weir")).unwrap();
    fs::write(path("own.wasm"), guest::own()).unwrap();
    fs::create_dir(path("data")).unwrap();
    let nobody = NOBODY.parse().ok();
    std::os::unix::fs::chown(path("data"), nobody, nobody).unwrap();
    let manager = UnixDatagram::bind(path("notify")).unwrap();
    fs::set_permissions(path("notify"), fs::Permissions::from_mode(0o777)).unwrap();

    let only = format!("-all,+{}", capabilities.join(",+"));
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--no-new-privs"])
        .args(["--bounding-set", &only, "--inh-caps", &only, "--ambient-caps", &only])
        .arg(path("weir"))
        .args(["run", "--listen", "127.0.0.1:0", "--metrics", "--data-dir"])
        .arg(path("data"))
        .arg("-s")
        .arg(path("own.wasm"))
        .arg("--events-file")
        .arg(path("data").join("events.jsonl"))
        .env("NOTIFY_SOCKET", path("notify"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(fs::File::create(path("stderr")).unwrap());
    let Ok(child) = command.spawn() else {
        eprintln!("skipped: there is no setpriv (Debian's package util-linux)");
        return;
    };
    let mut weir = Ended(child);
    manager.set_read_timeout(Some(live::PATIENCE)).unwrap();
    let mut message = [0; 32];
    let said = |message: &mut [u8]| {
        let len = manager.recv(message).unwrap_or_else(|error| {
            panic!("{error}; on stderr:\n{}", fs::read_to_string(path("stderr")).unwrap())
        });
        String::from_utf8(message[..len].to_vec()).unwrap()
    };
    assert_eq!(said(&mut message), "READY=1");
    // It is read to the end, or the ledger has nowhere to go.
    let mut lines = BufReader::new(weir.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let link = lines.find(|line| line.contains("/#token="));
    let link = link.unwrap();
    let url = link[link.find("http://").unwrap()..].split("/#").next().unwrap().to_owned();
    let agent = ureq::agent();
    let get = |at: &str| {
        let _named = guest::Asking::new();
        agent.get(format!("{url}{at}")).call().unwrap().body_mut().read_to_string().unwrap()
    };
    assert_eq!(get("/healthz"), "ok");
    calls::sendmsg(-7777, std::ptr::null(), 0).unwrap_err();
    let event = wait_for("event", || {
        let events: serde_json::Value =
            serde_json::from_str(&get("/api/v1/events?pipeline=own&limit=100")).unwrap();
        let events = events["events"].as_array().unwrap();
        events.iter().find(|event| event["fd"] == -7777).cloned()
    });
    assert_eq!(event["process"]["pid"], std::process::id());
    // The program of another user's process, which two of the capabilities are for.
    let program = wait_for("program", || {
        calls::sendmsg(-7777, std::ptr::null(), 0).unwrap_err();
        let events: serde_json::Value =
            serde_json::from_str(&get("/api/v1/events?pipeline=own&limit=1")).unwrap();
        events["events"][0]["process"]["exe"].as_str().map(PathBuf::from)
    });
    assert_eq!(program, std::env::current_exe().unwrap());
    assert!(get("/metrics").contains("weir_calls_seen_total"));

    // SAFETY: the child is not waited for yet, so the id is still its own.
    unsafe { libc::kill(weir.0.id() as i32, libc::SIGTERM) };
    assert_eq!(said(&mut message), "STOPPING=1");
    assert!(lines.any(|line| line == "ledger"));
    assert!(wait_for("end", || weir.0.try_wait().unwrap()).success());
    assert!(fs::metadata(path("data").join("events.jsonl")).unwrap().len() > 0);
}

#[test]
fn one_list_of_capabilities() {
    let unit = packaging("systemd/weir.service");
    assert_eq!(set(&unit, "AmbientCapabilities"), set(&unit, "CapabilityBoundingSet"));
    let list = |text: &str| -> BTreeSet<String> {
        let names = text.split([',', ' ', '[', ']', '"']).filter(|name| !name.is_empty());
        names.map(str::to_lowercase).collect()
    };
    let capabilities = capabilities(&unit);
    let manifest = packaging("kubernetes/daemonset.yaml");
    let add = manifest.lines().find_map(|line| line.trim().strip_prefix("add: ")).unwrap();
    assert_eq!(list(add), capabilities);
    let image = packaging("Containerfile");
    let add = image.lines().find_map(|line| line.split_once("--cap-add=")).unwrap().1;
    assert_eq!(list(add.trim_end_matches([' ', '\\'])), capabilities);
    for name in &capabilities {
        let comment = format!("# CAP_{} ", name.to_uppercase());
        assert!(unit.contains(&comment), "{name} is not explained");
    }
}

/// That the manager knows every line of the unit.
#[test]
fn the_unit_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("weir.service");
    let text = packaging("systemd/weir.service");
    let binary = live::binary().canonicalize().unwrap();
    fs::write(&unit, text.replace("/usr/bin/weir", binary.to_str().unwrap())).unwrap();
    let mut analyze = Command::new("systemd-analyze");
    let Ok(output) = analyze.arg("verify").arg(&unit).output() else {
        eprintln!("skipped: there is no systemd-analyze (Debian's package systemd)");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("weir.service"), "{said}");
}

/// That the manifest is one that Kubernetes takes.
#[test]
fn the_manifest_is_understood() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/kubernetes/daemonset.yaml");
    let mut validate = Command::new("kubernetes-validate");
    let Ok(output) = validate.arg("--strict").arg(&path).output() else {
        eprintln!("skipped: there is no kubernetes-validate (from PyPI)");
        return;
    };
    assert!(output.status.success(), "{output:?}");
}
