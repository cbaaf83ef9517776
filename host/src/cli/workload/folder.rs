//! The folder for socket files, gone when the workload ends.

use std::{
    env, fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};

/// A new folder that only this user can enter.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes it where temporary files go.
    pub fn make() -> Result<Self> {
        // A process that was killed may have left its folder, and its id to this one.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("weir-workload-{}-{}", std::process::id(), now.as_nanos());
        let path = env::temp_dir().join(name);
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self { path })
    }

    /// A path in it.
    pub fn join(&self, name: &str) -> PathBuf {
        Path::new(&self.path).join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("cannot remove the folder {}: {error}", self.path.display());
        }
    }
}
