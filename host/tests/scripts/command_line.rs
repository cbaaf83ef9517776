//! Command lines that cannot be done: exit code 1, and one line that names what is in the way.

use std::{
    fs,
    io::{ErrorKind, Read},
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    guest,
    live::{self, wait_for},
};

const ANY_PORT: &str = "127.0.0.1:0";
/// A user with no capabilities (`nobody`).
const NOBODY: u32 = 65534;

fn run(folder: &Path) -> Command {
    run_with(ANY_PORT, &folder.join("data"))
}

fn run_with(listen: &str, data: &Path) -> Command {
    let mut command = Command::new(live::binary());
    command.args(["run", "--listen", listen, "--data-dir"]).arg(data);
    command
}

/// Runs a command that must fail, and returns the line it leaves on stderr.
fn fail(command: &mut Command) -> String {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    // While another test starts a process, that one may have inherited the copied binary, open for
    // writing.
    let mut child = wait_for("free binary", || match command.spawn() {
        Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => None,
        child => Some(child.unwrap()),
    });
    let status = wait_for("end", || child.try_wait().unwrap());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{stderr}");
    let line = stderr.strip_suffix('\n').unwrap();
    assert!(line.starts_with("weir: ") && !line.contains('\n'), "{stderr}");
    line.to_owned()
}

fn check(command: &mut Command, texts: &[&str]) {
    let line = fail(command);
    for text in texts {
        assert!(line.contains(text), "{text:?} is not in {line:?}");
    }
}

#[test]
fn a_port_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    check(&mut run_with(&address, folder.path()), &[&address, "--listen"]);
    check(&mut run_with("0.0.0.0:0", folder.path()), &["0.0.0.0:0", "loopback"]);
}

/// These are refused by clap, before anything is done.
#[test]
fn calls_and_payload_that_cannot_be_had() {
    let folder = tempfile::tempdir().unwrap();
    for (args, text) in
        [(["--calls", "sendmsg,write"], "recvmmsg"), (["--payload", "4097"], "0..=4096")]
    {
        let output = run(folder.path()).args(args).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(text), "{text:?} is not in {stderr}");
    }
}

#[test]
fn scripts_that_cannot_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let missing = path("missing.wasm");
    check(run(folder.path()).args(["-s", &missing]), &[&missing, "No such file"]);
    let directory = path("directory.wasm");
    fs::create_dir(&directory).unwrap();
    check(run(folder.path()).args(["-s", &directory]), &[&directory]);
    check(run(folder.path()).args(["-s", "no-such-script"]), &["no-such-script", "bundled"]);
    check(run(folder.path()).args(["-s", " | "]), &["a script is missing"]);
    let keep = path("keep.wasm");
    fs::write(&keep, guest::script(guest::KEEP)).unwrap();
    check(run(folder.path()).args(["-s", &format!("{keep}?limit")]), &["keep", "limit"]);
}

/// These are found out only once the programs are attached, so there are lines of the log as well.
#[test]
fn scripts_that_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.wasm");
    fs::write(&path, b"not Wasm").unwrap();
    let output = run(folder.path()).arg("-s").arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let line = stderr.lines().last().unwrap();
    assert!(line.starts_with("weir: script `broken`: "), "{stderr}");
}

#[test]
fn a_data_folder_that_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let below = file.join("below");
    for path in [&file, &below, Path::new("/proc/weir")] {
        check(&mut run_with(ANY_PORT, path), &[path.to_str().unwrap(), "--data-dir"]);
    }
    // Root's, and for root alone.
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    check(&mut unprivileged(folder.path()), &[data.to_str().unwrap(), "--data-dir"]);
}

#[test]
fn an_unprivileged_user() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    std::os::unix::fs::chown(&data, Some(NOBODY), Some(NOBODY)).unwrap();
    check(&mut unprivileged(folder.path()), &["CAP_BPF", "CAP_PERFMON", "root"]);
}

/// The binary, run as nobody, from where that user can reach it.
fn unprivileged(folder: &Path) -> Command {
    let binary = folder.join("weir");
    fs::copy(live::binary(), &binary).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(&binary);
    command.args(["run", "--listen", ANY_PORT, "--data-dir"]).arg(folder.join("data"));
    command.uid(NOBODY).gid(NOBODY);
    command
}

#[test]
fn a_full_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let full = folder.path().join("full");
    fs::create_dir(&full).unwrap();
    let mount = |program: &str, args: &[&str]| {
        assert!(
            Command::new(program).args(args).arg(&full).status().unwrap().success(),
            "{program}"
        );
    };
    mount("mount", &["-t", "tmpfs", "-o", "size=4k,mode=0700", "tmpfs"]);
    // All the room there is, but not the name.
    let filled = fs::write(full.join("ballast"), [0; 4096]);
    let line = filled.map(|()| fail(&mut run_with(ANY_PORT, &full)));
    mount("umount", &[]);
    let line = line.unwrap();
    for text in ["full/token", "No space left on device", "--data-dir"] {
        assert!(line.contains(text), "{text:?} is not in {line:?}");
    }
}
