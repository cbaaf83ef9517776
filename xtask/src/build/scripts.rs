//! The ready-made scripts: each folder of `scripts/` becomes a module. Small ones, which the host embeds, come
//! into `target/scripts/`; large ones, with a runtime in them, into `target/scripts-large/`, for tests and to
//! be loaded by path. The guests of the conformance suite come into `target/conformance/`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::languages::{self, Language};
use crate::{
    toolchain::Toolchain,
    workspace::{entries, name, root, target, write_if_changed},
};

/// Where the guests of the conformance suite are, and the filter of the benchmarks: a folder for each language.
const GUESTS: &str = "host/tests/conformance/guests";
const FILTERS: &str = "host/benches/filter";

/// Builds the scripts that the host embeds.
pub fn build(toolchain: Toolchain) -> Result<()> {
    let scripts: Vec<_> =
        scripts()?.into_iter().filter(|(_, language)| language.is_small()).collect();
    let in_rust = scripts.iter().filter(|(_, language)| *language == Language::Rust);
    let in_rust: Vec<_> = in_rust.map(|(folder, _)| name(folder)).collect();
    let packages: Vec<_> = in_rust.iter().map(|name| format!("weir-script-{name}")).collect();
    let modules = languages::rust(toolchain, &packages)?;
    for name in &in_rust {
        // The library is named as the folder; cargo writes `-` as `_`.
        let module = modules.join(format!("{}.wasm", name.replace('-', "_")));
        publish(&module, "scripts", name)?;
    }
    for (folder, language) in scripts.iter().filter(|(_, language)| *language != Language::Rust) {
        publish(&language.build(folder, &name(folder))?, "scripts", &name(folder))?;
    }
    remove_others("scripts", &scripts)
}

/// Builds what tests need beyond that: scripts in languages that bring a runtime, and the guests.
pub fn build_for_tests(toolchain: Toolchain) -> Result<()> {
    let scripts: Vec<_> =
        scripts()?.into_iter().filter(|(_, language)| !language.is_small()).collect();
    for (folder, language) in &scripts {
        publish(&language.build(folder, &name(folder))?, "scripts-large", &name(folder))?;
    }
    remove_others("scripts-large", &scripts)?;
    build_in_each(toolchain, GUESTS, "guest", "weir-conformance", "conformance")
}

/// Builds the filter that benchmarks run, in each language, into `target/filters/`.
pub fn build_for_bench(toolchain: Toolchain) -> Result<()> {
    build_in_each(toolchain, FILTERS, "filter", "weir-bench-filter", "filters")
}

/// Builds what there is in each language: in `from`, by folders, files of this name, in Rust a package.
fn build_in_each(
    toolchain: Toolchain,
    from: &str,
    file: &str,
    package: &str,
    to: &str,
) -> Result<()> {
    let modules = languages::rust(toolchain, &[package.to_owned()])?;
    publish(&modules.join(format!("{}.wasm", package.replace('-', "_"))), to, "rust")?;
    let folders = entries(&root().join(from));
    for folder in folders.iter().filter(|folder| folder.is_dir() && name(folder) != "rust") {
        let language = Language::of(folder, file)
            .with_context(|| format!("{} has no {file}.*", folder.display()))?;
        publish(&language.build(folder, file)?, to, &name(folder))?;
        if language == Language::JavaScript {
            publish(&Language::StarlingMonkey.build(folder, file)?, to, "starlingmonkey")?;
        }
    }
    Ok(())
}

/// All ready-made scripts, with their languages.
fn scripts() -> Result<Vec<(PathBuf, Language)>> {
    let folders = entries(&root().join("scripts")).into_iter().filter(|folder| folder.is_dir());
    let of = |folder: PathBuf| {
        let language = Language::of(&folder, &name(&folder));
        let language =
            language.with_context(|| format!("{} is in no known language", folder.display()))?;
        Ok((folder, language))
    };
    folders.map(of).collect()
}

fn publish(module: &Path, to: &str, name: &str) -> Result<()> {
    let bytes = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    write_if_changed(&target(to).join(format!("{name}.wasm")), &bytes)?;
    Ok(())
}

/// The host embeds all of `target/scripts/`: a script that is gone from the sources must go there too.
fn remove_others(from: &str, scripts: &[(PathBuf, Language)]) -> Result<()> {
    for module in entries(&target(from)) {
        let known = scripts.iter().any(|(folder, _)| folder.file_name() == module.file_stem());
        if !known {
            fs::remove_file(&module)
                .with_context(|| format!("cannot remove {}", module.display()))?;
        }
    }
    Ok(())
}
