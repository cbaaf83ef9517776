//! The page: `web/` becomes `web/dist/`.

use std::{fs, path::Path, time::SystemTime};

use anyhow::{Context, Result};

use crate::{
    command::{npm, run},
    workspace::{entries, name, root, write_if_changed},
};

/// Installs the packages if the lock file has changed since, and builds if a source has.
pub fn build() -> Result<()> {
    install()?;
    let web = root().join("web");
    let built = modified(&web.join("dist/index.html"));
    if built.is_none_or(|built| newest(&web) > Some(built)) {
        run(npm()?.args(["run", "build"]))?;
    }
    Ok(())
}

/// `npm ci`, unless the packages are those of the lock file.
fn install() -> Result<()> {
    let web = root().join("web");
    let lock =
        fs::read(web.join("package-lock.json")).context("cannot read web/package-lock.json")?;
    let stamp = web.join("node_modules/.weir-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    run(npm()?.args(["ci", "--no-audit", "--no-fund"]))?;
    write_if_changed(&stamp, &lock)?;
    Ok(())
}

/// What npm, Vite and the tests leave in `web/`, or read there, is no source of the page.
const NO_SOURCES: [&str; 4] = ["node_modules", "dist", "tests", "test-results"];

/// When a source of the page was last changed.
fn newest(path: &Path) -> Option<SystemTime> {
    if !path.is_dir() {
        return modified(path);
    }
    entries(path)
        .iter()
        .filter(|entry| !NO_SOURCES.contains(&name(entry).as_str()))
        .filter_map(|entry| newest(entry))
        .max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}
