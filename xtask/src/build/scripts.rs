//! The ready-made scripts: each folder of `scripts/` becomes `target/scripts/NAME.wasm`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    command::{program, run},
    toolchain::{Toolchain, WASM, clang},
    workspace::{entries, name, root, target, write_if_changed},
};

/// Builds the scripts in Rust (folders with a `Cargo.toml`) and in C (folders with a `NAME.c`).
/// Scripts that need other compilers are not built here.
pub fn build(toolchain: Toolchain) -> Result<()> {
    let folders = entries(&root().join("scripts"));
    let in_rust: Vec<String> = folders
        .iter()
        .filter(|folder| folder.join("Cargo.toml").is_file())
        .map(|folder| name(folder))
        .collect();
    if !in_rust.is_empty() {
        build_rust(toolchain, &in_rust)?;
    }
    for folder in &folders {
        let source = folder.join(format!("{}.c", name(folder)));
        if source.is_file() {
            build_c(&source, &name(folder))?;
        }
    }
    remove_others(&folders)
}

fn build_rust(toolchain: Toolchain, names: &[String]) -> Result<()> {
    let mut build = toolchain.build_wasm();
    build.args(["--profile", "wasm", "--target-dir"]);
    build.arg(target("wasm"));
    for name in names {
        build.args(["--package", &format!("weir-script-{name}")]);
    }
    run(&mut build)?;
    for name in names {
        // The library is named as the folder; cargo writes `-` as `_`.
        let file = format!("{}.wasm", name.replace('-', "_"));
        publish(&target("wasm").join(WASM).join("wasm").join(file), name)?;
    }
    Ok(())
}

fn build_c(source: &Path, name: &str) -> Result<()> {
    let folder = target("wasm/c");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let module = folder.join(format!("{name}.wasm"));
    run(program(clang()?)
        .args(["--target=wasm32", "-O2", "-Wall", "-Werror", "-nostdlib"])
        // The source marks its exports by attributes; there is no `main`.
        .args(["-Wl,--no-entry", "-Wl,--export-dynamic", "-I", "sdk/c"])
        .arg("-o")
        .args([&module, source]))?;
    publish(&module, name)
}

fn publish(module: &Path, name: &str) -> Result<()> {
    let bytes = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    write_if_changed(&target("scripts").join(format!("{name}.wasm")), &bytes)?;
    Ok(())
}

/// The host embeds all of `target/scripts/`: a script that is gone from the sources must go there too.
fn remove_others(folders: &[PathBuf]) -> Result<()> {
    for module in entries(&target("scripts")) {
        let known = folders.iter().any(|folder| folder.file_name() == module.file_stem());
        if !known {
            fs::remove_file(&module)
                .with_context(|| format!("cannot remove {}", module.display()))?;
        }
    }
    Ok(())
}
