//! A cgroup's path, from the cgroup v2 file system, where its id is the inode of its folder.

use std::{
    collections::HashMap,
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often at most the whole tree is walked.
const WALK: Duration = Duration::from_secs(1);

/// The cgroups that were there when the tree was walked last.
#[derive(Default)]
pub struct Cgroups {
    paths: HashMap<u64, Vec<u8>>,
    walked: Option<Instant>,
}

impl Cgroups {
    /// Path of a cgroup from the root of the hierarchy, such as `/system.slice`.
    pub fn path(&mut self, id: u64) -> Option<Vec<u8>> {
        let stale = self.walked.is_none_or(|walked| walked.elapsed() >= WALK);
        if !self.paths.contains_key(&id) && stale {
            self.walked = Some(Instant::now());
            self.paths.clear();
            if let Some(root) = mount() {
                self.walk(&root, &root);
            }
        }
        self.paths.get(&id).cloned()
    }

    fn walk(&mut self, root: &Path, folder: &Path) {
        let Ok(metadata) = fs::metadata(folder) else { return };
        let below = folder.strip_prefix(root).unwrap_or(folder);
        let path = [b"/", below.as_os_str().as_bytes()].concat();
        self.paths.insert(metadata.ino(), path);
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.walk(root, &entry.path());
            }
        }
    }
}

/// Where the cgroup v2 hierarchy is mounted.
fn mount() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mut mounts = mounts.lines().map(|line| line.split(' '));
    mounts.find_map(|mut fields| {
        let (_, at, kind) = (fields.next()?, fields.next()?, fields.next()?);
        (kind == "cgroup2").then(|| PathBuf::from(at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_root() {
        let Some(root) = mount() else { return eprintln!("skipped: no cgroup v2 is mounted") };
        let id = fs::metadata(root).unwrap().ino();
        assert_eq!(Cgroups::default().path(id).unwrap(), b"/");
        assert_eq!(Cgroups::default().path(u64::MAX), None);
    }
}
