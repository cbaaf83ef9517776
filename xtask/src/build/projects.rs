//! A project of `weir new` in each language, built by the command in its README: `target/new/LANGUAGE.wasm`.

use std::{fs, io::ErrorKind, os::unix::fs::symlink, path::Path, process::Command};

use anyhow::{Context, Result};

use super::languages::go_here;
use crate::{
    command::{program, run, tool, tools},
    toolchain::{Toolchain, WASM, clang},
    workspace::{target, weir, write_if_changed},
};

/// The languages as `--lang` has them, and where npm's packages of each are below `target/tools`.
const LANGUAGES: [(&str, Option<&str>); 8] = [
    ("rust", None),
    ("c", None),
    ("zig", None),
    ("go", None),
    ("assemblyscript", Some("assemblyscript")),
    ("javascript", Some("javascript")),
    ("python", None),
    ("wat", None),
];

/// Makes and builds them all, unless weir is the one that made them last.
pub fn build(toolchain: Toolchain) -> Result<()> {
    for (language, _) in LANGUAGES {
        let folder = target("new").join(language);
        let module = folder.with_extension("wasm");
        if !newer(&module, &weir()) {
            make(toolchain, language, &folder, "made", &[])?;
        }
    }
    Ok(())
}

/// Makes a project of this name in a folder, writes these files into it, and builds it by the command in its README.
/// The module comes beside the folder.
pub fn make(
    toolchain: Toolchain,
    language: &str,
    folder: &Path,
    name: &str,
    files: &[(String, String)],
) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(folder)?,
    }
    run(program(weir()).current_dir(folder).args(["new", name, "--lang", language]))?;
    let project = folder.join(name);
    if let Some((_, Some(packages))) = LANGUAGES.iter().find(|(known, _)| *known == language) {
        // As `npm install` would, without fetching them again.
        symlink(tools().join(packages).join("node_modules"), project.join("node_modules"))?;
    }
    for (path, text) in files {
        let path = project.join(path);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let readme = fs::read_to_string(project.join("README.md"))?;
    let command = first_command(&readme).with_context(|| format!("{language}: README.md"))?;
    if language == "rust" {
        rust(toolchain, &project, name)?;
    } else {
        run(&mut shell(command, &project)?)?;
    }
    let bytes = fs::read(project.join(format!("{name}.wasm")))
        .with_context(|| format!("{language}: `{command}` made no {name}.wasm"))?;
    let module = folder.with_extension("wasm");
    write_if_changed(&module, &bytes)?;
    // Its time says which weir made it, even where nothing has changed.
    fs::File::options().write(true).open(&module)?.set_modified(std::time::SystemTime::now())?;
    Ok(())
}

/// The README's command is for rustup's target; this is the same with the compiler that there is.
fn rust(toolchain: Toolchain, project: &Path, name: &str) -> Result<()> {
    let mut build = toolchain.build_wasm();
    run(build
        .args(["--release", "--manifest-path"])
        .arg(project.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target("new/rust-target")))?;
    let module = target("new/rust-target").join(WASM).join(format!("release/{name}.wasm"));
    fs::copy(&module, project.join(format!("{name}.wasm")))
        .with_context(|| format!("cannot copy {}", module.display()))?;
    Ok(())
}

pub fn shell(command: &str, project: &Path) -> Result<Command> {
    // The system's clang has a version in its name.
    let clang = clang()?.display().to_string();
    let command = match command.strip_prefix("clang ") {
        Some(rest) => format!("{clang} {rest}"),
        None => command.to_owned(),
    };
    let mut shell = tool("sh")?;
    let caches = go_here()?;
    let caches = caches.get_envs().filter(|(name, _)| *name != "PATH");
    shell.envs(caches.filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(project).arg("-ec").arg(command);
    Ok(shell)
}

/// What a README says first that one should type.
pub fn first_command(readme: &str) -> Option<&str> {
    let (_, after) = readme.split_once("```sh\n")?;
    after.split_once("\n```").map(|(command, _)| command)
}

/// Whether a file is there, and newer than another.
pub fn newer(file: &Path, than: &Path) -> bool {
    let modified = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    modified(file) > modified(than)
}
