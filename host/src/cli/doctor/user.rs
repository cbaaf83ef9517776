//! What this user may do, and where.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
};

use caps::{CapSet, Capability};
use rustix::fs::{Access, access};

use super::Check;

/// What is needed, and what for.
const NEEDED: [(Capability, &str); 4] = [
    (Capability::CAP_BPF, "to load programs"),
    (Capability::CAP_PERFMON, "to attach programs"),
    (Capability::CAP_SYS_PTRACE, "to name what processes of other users run"),
    (Capability::CAP_DAC_READ_SEARCH, "to look processes and cgroups of other users up"),
];

pub fn capabilities() -> Vec<Check> {
    let has = caps::read(None, CapSet::Effective).unwrap_or_default();
    let binary = std::env::current_exe().unwrap_or_else(|_| "weir".into());
    let fix = format!(
        "run as root, or sudo setcap cap_bpf,cap_perfmon,cap_sys_ptrace,cap_dac_read_search=ep {}",
        binary.display()
    );
    let check = |(capability, purpose): (Capability, &str)| {
        let name = capability.to_string();
        // CAP_SYS_ADMIN stands for the two that were taken out of it (capabilities(7)).
        let part = matches!(capability, Capability::CAP_BPF | Capability::CAP_PERFMON);
        if has.contains(&capability) || part && has.contains(&Capability::CAP_SYS_ADMIN) {
            Check::ok(name, purpose)
        } else {
            Check::lacks(name, format!("lacks; it is {purpose}")).fix(&fix)
        }
    };
    NEEDED.into_iter().map(check).collect()
}

pub fn cgroups() -> Vec<Check> {
    const NAME: &str = "cgroup v2";
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    // proc_pid_mountinfo(5): the file system's type stands behind a dash.
    let at = mounts.lines().find_map(|line| {
        let (mount, file_system) = line.split_once(" - ")?;
        file_system.starts_with("cgroup2 ").then(|| mount.split(' ').nth(4))?
    });
    vec![match at {
        Some(at) => Check::ok(NAME, format!("mounted at {at}")),
        None => Check::lacks(NAME, "not mounted: process.cgroup and container are not seen")
            .fix("sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup"),
    }]
}

/// Whether the folder, or the nearest one above that exists, can be written to.
pub fn folder(folder: &Path) -> Check {
    const NAME: &str = "data folder";
    let found = folder.display();
    // Of a relative path none may be left.
    let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let writable = there.is_dir() && access(there, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    match (writable, there == folder) {
        (true, true) => Check::ok(NAME, format!("{found} is writable")),
        (true, false) => Check::ok(NAME, format!("{found} can be made")),
        (false, _) => Check::lacks(NAME, format!("{found} cannot be written to"))
            .fix("choose another with --data-dir"),
    }
}

pub fn port(listen: SocketAddr) -> Check {
    const NAME: &str = "port";
    if !listen.ip().is_loopback() {
        return Check::lacks(NAME, format!("{listen} is not a loopback address"))
            .fix("choose another with --listen");
    }
    match TcpListener::bind(listen) {
        Ok(_) => Check::ok(NAME, format!("{listen} is free")),
        Err(error) => Check::lacks(NAME, format!("{listen}: {error}"))
            .fix("choose another with --listen, or stop what serves there"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_are_not_there_can_be_made() {
        let there = tempfile::tempdir().unwrap();
        assert!(folder(there.path()).ok);
        let inner = folder(&there.path().join("a/b"));
        assert!(inner.ok && inner.found.ends_with("can be made"), "{inner:?}");
        let file = there.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(!folder(&file).ok && !folder(&file.join("a")).ok);
        assert!(folder(Path::new("name")).ok);
        assert!(there.path().read_dir().unwrap().count() == 1, "nothing is made");
    }

    #[test]
    fn a_port_in_use_is_not_free() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert!(!port(address).ok);
        drop(listener);
        assert!(port(address).ok);
        assert!(!port("0.0.0.0:0".parse().unwrap()).ok);
    }
}
