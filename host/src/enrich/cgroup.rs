//! A cgroup's path, from the cgroup v2 file system, where its id is the inode of its folder.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Component, Path, PathBuf},
    time::{Duration, Instant},
};

use super::container::{Container, container};

/// How often at most the whole tree is walked.
const WALK: Duration = Duration::from_secs(1);

/// The cgroups that were there when the tree was walked last.
#[derive(Default)]
pub struct Cgroups {
    paths: HashMap<u64, Vec<u8>>,
    walked: Option<Instant>,
    root: Option<PathBuf>,
}

impl Cgroups {
    /// Finds out where the hierarchy is mounted.
    pub fn new() -> Self {
        Self { root: mount(), ..Self::default() }
    }

    /// Path of a cgroup from the root of the hierarchy, such as `/system.slice`. `pid` is a
    /// process that was in it.
    pub fn path(&mut self, id: u64, pid: u32) -> Option<Vec<u8>> {
        if let Some(path) = self.paths.get(&id) {
            return Some(path.clone());
        }
        // A look at the process saves the walk, and finds what is newer than the last one.
        let of_process = Membership::read(pid).and_then(|of| of.v2).and_then(|path| self.at(path));
        if let Some((_, path)) = of_process.filter(|(found, _)| *found == id) {
            return Some(path);
        }
        if self.walked.is_none_or(|walked| walked.elapsed() >= WALK) {
            self.walked = Some(Instant::now());
            self.paths.clear();
            self.root = mount();
            if let Some(root) = self.root.clone() {
                self.walk(&root, &root);
            }
        }
        self.paths.get(&id).cloned()
    }

    /// Id of the cgroup that has this path, and the path.
    pub fn at(&self, path: Vec<u8>) -> Option<(u64, Vec<u8>)> {
        let below = Path::new(OsStr::from_bytes(path.strip_prefix(b"/")?));
        // What lies beyond the root of the namespace starts with `/..`.
        if !below.components().all(|part| matches!(part, Component::Normal(_))) {
            return None;
        }
        let folder = fs::metadata(self.root.as_ref()?.join(below)).ok()?;
        Some((folder.ino(), path))
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

/// The cgroups that a process is in (cgroups(7)).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// Path in the v2 hierarchy.
    pub v2: Option<Vec<u8>>,
    /// The container that a v1 hierarchy shows, on hosts where the v2 hierarchy shows none.
    pub v1_container: Option<Container>,
}

impl Membership {
    /// Reads it from procfs.
    pub fn read(pid: u32) -> Option<Self> {
        Some(Self::parse(&fs::read(format!("/proc/{pid}/cgroup")).ok()?))
    }

    /// Lines of `hierarchy:controllers:path`; the v2 hierarchy is number 0.
    fn parse(text: &[u8]) -> Self {
        let lines = || text.split(|&byte| byte == b'\n');
        let v2 = lines().find_map(|line| line.strip_prefix(b"0::"));
        let mut v1_container = None;
        if v2.and_then(container).is_none() {
            v1_container = lines()
                .filter_map(|line| line.splitn(3, |&byte| byte == b':').nth(2))
                .find_map(container);
        }
        Self { v2: v2.map(<[u8]>::to_vec), v1_container }
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
        assert_eq!(Cgroups::new().path(id, 0).unwrap(), b"/");
        assert_eq!(Cgroups::new().path(u64::MAX, 0), None);
        assert_eq!(Cgroups::new().at(b"/".to_vec()).unwrap(), (id, b"/".to_vec()));
        assert_eq!(Cgroups::new().at(b"/../x".to_vec()), None);
    }

    #[test]
    fn a_cgroup_newer_than_the_last_walk_is_found_by_its_process() {
        let Some(root) = mount() else { return eprintln!("skipped: no cgroup v2 is mounted") };
        let mut cgroups = Cgroups::new();
        assert_eq!(cgroups.path(u64::MAX, 0), None);
        let name = format!("weir-test-{}", std::process::id());
        let folder = root.join(&name);
        if fs::create_dir(&folder).is_err() {
            return eprintln!("skipped: no cgroup can be made here");
        }
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let moved = fs::write(folder.join("cgroup.procs"), child.id().to_string());
        let id = fs::metadata(&folder).unwrap().ino();
        let (by_walk, by_process) = (cgroups.path(id, 0), cgroups.path(id, child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        fs::remove_dir(&folder).unwrap();
        moved.unwrap();
        assert_eq!(by_walk, None);
        assert_eq!(by_process.unwrap(), format!("/{name}").as_bytes());
    }

    #[test]
    fn without_the_v2_hierarchy_there_is_no_path() {
        let mut cgroups = Cgroups { walked: Some(Instant::now()), ..Cgroups::default() };
        assert_eq!(cgroups.path(1, std::process::id()), None);
        assert_eq!(cgroups.at(b"/".to_vec()), None);
    }

    #[test]
    fn a_v1_hierarchy_shows_containers_where_the_v2_hierarchy_does_not() {
        let id = "ab".repeat(32);
        let v1 = format!("3:cpu,cpuacct:/docker/{id}\n1:name=systemd:/docker/{id}\n");
        let container = container(format!("/docker/{id}").as_bytes());
        assert!(container.is_some());
        let parse = |text: String| Membership::parse(text.as_bytes());
        assert_eq!(parse(v1.clone()), Membership { v2: None, v1_container: container.clone() });
        let root = Some(b"/".to_vec());
        assert_eq!(parse(v1.clone() + "0::/\n"), Membership { v2: root, v1_container: container });
        let v2 = format!("/docker/{id}");
        let whole = parse(format!("{v1}0::{v2}\n"));
        assert_eq!(whole, Membership { v2: Some(v2.into_bytes()), v1_container: None });
        assert_eq!(parse(String::new()), Membership::default());
    }
}
