//! The README's script, built and loaded as the README says.

use std::fs;

use anyhow::{Context, Result};
use nix::unistd::geteuid;

use crate::{
    command::run,
    report::Outcome,
    toolchain::{Toolchain, WASM},
    traced::Traced,
    workspace::{root, target, weir},
};

/// Makes a project of the README's blocks, builds it, and runs a weir with it.
pub fn check() -> Result<Outcome> {
    let readme = fs::read_to_string(root().join("README.md")).context("cannot read README.md")?;
    let folder = target("readme");
    fs::create_dir_all(folder.join("src")).context("cannot make target/readme")?;
    let sdk = root().join("sdk");
    let manifest = block(&readme, "toml")?.replace("../weir/sdk", &sdk.display().to_string());
    // It stands in this workspace's folder, and is none of its members.
    let manifest = format!("{manifest}\n[workspace]\n");
    fs::write(folder.join("Cargo.toml"), manifest).context("cannot write target/readme")?;
    fs::write(folder.join("src/lib.rs"), block(&readme, "rust")?)
        .context("cannot write target/readme")?;

    let mut build = Toolchain::needed()?.build_wasm();
    build.args(["--release", "--manifest-path"]).arg(folder.join("Cargo.toml"));
    run(build.arg("--target-dir").arg(folder.join("target")))?;
    let module = folder.join(format!("target/{WASM}/release/failures.wasm"));
    if !geteuid().is_root() {
        return Ok(Outcome::Skipped("it is built; to load it, weir needs root".into()));
    }
    let module = module.display().to_string();
    print!("{}", Traced::start(&weir(), &["-s", &module])?.stop()?);
    Ok(Outcome::Passed)
}

/// The first block of the README in this language.
fn block<'a>(readme: &'a str, language: &str) -> Result<&'a str> {
    let fence = format!("```{language}\n");
    let after = readme.split_once(&fence).map(|(_, after)| after);
    let block = after.and_then(|after| after.split_once("```")).map(|(block, _)| block);
    block.with_context(|| format!("README.md has no block of {language}"))
}
