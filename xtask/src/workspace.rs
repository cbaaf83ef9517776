//! Where things are: paths below the workspace's root.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use anyhow::{Context, Result};

/// The workspace's root folder. Cargo says where it is now; the path of the build is for a direct start.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let package = std::env::var("CARGO_MANIFEST_DIR")
            .unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").into());
        Path::new(&package).parent().expect("xtask lies in the workspace").into()
    });
    &ROOT
}

/// `target/` and what is below it.
pub fn target(below: impl AsRef<Path>) -> PathBuf {
    root().join("target").join(below)
}

/// The release binary.
pub fn weir() -> PathBuf {
    target("release/weir")
}

/// Writes `bytes` to `path` unless they are there already, so that nothing which depends on the
/// file's time is built again for nothing. Says whether it wrote.
pub fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let folder = path.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // Written aside and renamed: an interrupted build leaves no half of a file.
    let aside = path.with_added_extension("new");
    fs::write(&aside, bytes).with_context(|| format!("cannot write {}", aside.display()))?;
    fs::rename(&aside, path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(true)
}

/// The entries of a folder, sorted; none if there is no such folder.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    paths.sort();
    paths
}

/// The last part of a path, as text.
pub fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
