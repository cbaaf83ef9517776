//! The guest's files: busybox, strace, the test binaries, the release binary, the scripts and the
//! libraries that these need, packed as an initramfs.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, ensure};

use super::{BACKENDS, BY_BACKEND};
use crate::{
    command::{need, program, run},
    toolchain::strip,
    workspace::{entries, name, target, weir},
};

const INIT: &str = include_str!("init.sh");

/// Calls that the test of honest callers makes on each backend (host/tests/kernel/honest.rs).
const HONEST: &str = "WEIR_HONEST";

/// Folders that init mounts something on, or that programs expect.
const FOLDERS: [&str; 10] =
    ["bin", "dev", "etc", "proc", "root", "run", "scripts", "sys", "tests", "tmp"];

/// Enough for programs that look a user, a group or a host up.
const FILES: [(&str, &str); 3] = [
    ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"),
    ("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    ("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
];

/// Packs the guest's files and says where the archive is.
pub fn pack(tests: &[PathBuf], compat: &Path, filter: Option<&str>) -> Result<PathBuf> {
    let root = target("vm/root");
    if root.exists() {
        fs::remove_dir_all(&root).with_context(|| format!("cannot remove {}", root.display()))?;
    }
    for folder in FOLDERS {
        fs::create_dir_all(root.join(folder))
            .with_context(|| format!("cannot make {folder} in {}", root.display()))?;
    }
    for (path, text) in FILES {
        write(&root.join(path), text)?;
    }
    let init = root.join("init");
    write(&init, &with_variables(filter)?)?;
    fs::set_permissions(&init, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", init.display()))?;

    let busybox = need(&["busybox"])?;
    copy(&busybox, &root.join("bin/busybox"))?;
    let mut libraries: BTreeSet<PathBuf> = libraries_of(&busybox)?.into_iter().collect();
    let strace = need(&["strace"])?;
    copy(&strace, &root.join("bin/strace"))?;
    libraries.extend(libraries_of(&strace)?);
    let mut binaries = vec![(weir(), root.join("bin/weir"))];
    for test in tests {
        binaries.push((test.clone(), root.join("tests").join(stem(test))));
    }
    let strip = strip()?;
    for (from, to) in &binaries {
        run(program(&strip).arg("--strip-debug").arg("-o").args([to, from]))?;
        libraries.extend(libraries_of(from)?);
    }
    for library in &libraries {
        let below = library.strip_prefix("/").context("ldd writes absolute paths")?;
        copy(library, &root.join(below))?;
    }
    for script in entries(&target("scripts")) {
        copy(&script, &root.join("scripts").join(name(&script)))?;
    }
    for caller in entries(compat) {
        copy(&caller, &root.join("compat").join(name(&caller)))?;
    }
    archive(&root)
}

/// The name of a test without the hash that cargo adds.
pub fn stem(test: &Path) -> String {
    let name = name(test);
    match name.rsplit_once('-') {
        Some((stem, _)) => stem.into(),
        None => name,
    }
}

/// init with what it is told as variables at its head.
fn with_variables(filter: Option<&str>) -> Result<String> {
    let filter = filter.unwrap_or_default();
    ensure!(
        filter.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c)),
        "{filter:?} is no part of a test's name"
    );
    let (shebang, rest) = INIT.split_once('\n').context("init has lines")?;
    let backends = BACKENDS.join(" ");
    // What asks tests for more than they do by themselves.
    let more: u64 = match std::env::var(HONEST) {
        Ok(calls) => calls.parse().with_context(|| format!("{HONEST}={calls} is no number"))?,
        Err(_) => 0,
    };
    let more = if more == 0 { String::new() } else { format!("export {HONEST}={more}\n") };
    Ok(format!(
        "{shebang}\nFILTER={filter}\nBY_BACKEND={BY_BACKEND}\nBACKENDS='{backends}'\n{more}{rest}"
    ))
}

/// What a binary is linked with. ldd fails on a static one, which has no libraries.
fn libraries_of(binary: &Path) -> Result<Vec<PathBuf>> {
    let output = program("ldd").arg(binary).output();
    let output = output.context("cannot start ldd")?;
    Ok(libraries_in(&String::from_utf8_lossy(&output.stdout)))
}

/// The paths in what ldd writes: `NAME => PATH (ADDRESS)`, or for the loader `PATH (ADDRESS)`.
fn libraries_in(listed: &str) -> Vec<PathBuf> {
    listed
        .lines()
        .flat_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(PathBuf::from)
        .collect()
}

/// `cpio` of everything below `root`, not compressed: emulated processors unpack slowly.
fn archive(root: &Path) -> Result<PathBuf> {
    let path = target("vm/initramfs.cpio");
    let file =
        fs::File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    let mut cpio = program(need(&["cpio"])?)
        .args(["--create", "--format=newc", "--owner=0:0", "--quiet"])
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(file)
        .spawn()
        .context("cannot start cpio")?;
    let mut list = cpio.stdin.take().context("cpio reads a list")?;
    for path in below(root) {
        let path = path.strip_prefix(root).context("the list is of the root's files")?;
        writeln!(list, "{}", path.display()).context("cpio does not take its list")?;
    }
    drop(list);
    let status = cpio.wait().context("cannot wait for cpio")?;
    ensure!(status.success(), "cpio failed with {status}");
    Ok(path)
}

/// Every path below a folder, folders before what is in them.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for entry in entries(folder) {
        let inner = if entry.is_dir() { below(&entry) } else { Vec::new() };
        paths.push(entry);
        paths.extend(inner);
    }
    paths
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let folder = to.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_found_in_what_ldd_writes() {
        let listed = "\
\tlinux-vdso.so.1 (0x00007ffc1a5f2000)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f0e0c000000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f0e0c2b5000)
";
        let expected = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(libraries_in(listed), expected.map(PathBuf::from));
    }

    #[test]
    fn a_filter_cannot_carry_shell_text() {
        assert!(with_variables(Some("a; reboot")).is_err());
        let init = with_variables(Some("probe::kprobe")).unwrap();
        assert!(init.starts_with("#!/bin/busybox sh\nFILTER=probe::kprobe\n"));
    }
}
