//! Which container a cgroup belongs to, by the names that runtimes give to cgroups. Pure.

use weir_sdk::event::{PROCESS_CONTAINER, PROCESS_POD, PROCESS_RUNTIME};

use super::parts;

/// Characters of a container's id.
const ID: usize = 64;

/// What the names of cgroups start with, before `-` and the container's id, and what runs it.
/// Other prefixes count only in a systemd scope's name.
const PREFIXES: [(&[u8], Option<&str>); 6] = [
    (b"docker", Some("docker")),
    (b"cri-containerd", Some("containerd")),
    (b"nerdctl", Some("containerd")),
    (b"crio", Some("cri-o")),
    (b"libpod", Some("podman")),
    // Podman within a systemd unit's cgroup (--cgroups=split).
    (b"libpod-payload", Some("podman")),
];

/// Folders whose children are named by container ids alone, if the name says what runs them.
const FOLDERS: [(&[u8], &str); 2] = [(b"docker", "docker"), (b"libpod_parent", "podman")];

/// A container, as far as the path of its cgroup shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// The whole id: 64 hexadecimal digits.
    pub id: String,
    /// What runs it: `docker`, `containerd`, `cri-o` or `podman`.
    pub runtime: Option<&'static str>,
    /// Uid of its Kubernetes pod.
    pub pod: Option<String>,
}

impl Container {
    /// Adds it to the parts of [`weir_sdk::event::Head::process`].
    pub fn encode(&self, to: &mut Vec<u8>) {
        parts::push(to, PROCESS_CONTAINER, self.id.as_bytes());
        if let Some(runtime) = self.runtime {
            parts::push(to, PROCESS_RUNTIME, runtime.as_bytes());
        }
        if let Some(pod) = &self.pod {
            parts::push(to, PROCESS_POD, pod.as_bytes());
        }
    }
}

/// The container that a cgroup's path names; of nested ones the innermost.
pub fn container(path: &[u8]) -> Option<Container> {
    let names: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
    let (at, (id, runtime)) = names.iter().enumerate().rev().find_map(|(at, name)| {
        let above = at.checked_sub(1).map_or(&b""[..], |above| names[above]);
        Some((at, named(name, above)?))
    })?;
    let pod = names[..=at].iter().rev().find_map(|name| pod(name));
    Some(Container { id, runtime, pod })
}

/// Id and runtime in a cgroup's name.
fn named(name: &[u8], above: &[u8]) -> Option<(String, Option<&'static str>)> {
    if let Some(id) = id_alone(name) {
        let folder = FOLDERS.iter().find(|(folder, _)| *folder == above);
        return Some((id, folder.map(|(_, runtime)| *runtime)));
    }
    // runc's own form SLICE:PREFIX:ID, where nobody told it that systemd is there.
    let mut pieces = name.split(|&byte| byte == b':');
    if let [Some(_), Some(prefix), Some(id), None] = [(); 4].map(|()| pieces.next()) {
        return id_alone(id).map(|id| (id, known(prefix).flatten()));
    }
    let scope = name.strip_suffix(b".scope");
    let (rest, id) = scope.unwrap_or(name).split_last_chunk::<ID>()?;
    let (id, prefix) = (id_alone(id)?, rest.strip_suffix(b"-")?);
    // The process that watches a container is not in it.
    if prefix.ends_with(b"conmon") {
        return None;
    }
    match known(prefix) {
        Some(runtime) => Some((id, runtime)),
        None => scope.map(|_| (id, None)),
    }
}

fn known(prefix: &[u8]) -> Option<Option<&'static str>> {
    PREFIXES.iter().find(|(known, _)| *known == prefix).map(|(_, runtime)| *runtime)
}

fn id_alone(name: &[u8]) -> Option<String> {
    (name.len() == ID && name.iter().all(is_hex)).then(|| ascii(name))
}

/// Uid of the pod that a cgroup is of: `podUID`, or `kubepods-CLASS-podUID.slice`, where systemd
/// wants another character than `-`.
fn pod(name: &[u8]) -> Option<String> {
    let name = name.split(|&byte| byte == b':').next()?;
    let uid = match name.strip_suffix(b".slice") {
        Some(slice) => {
            let at = slice.windows(4).rposition(|part| part == b"-pod")?;
            let (class, uid) = (&slice[..at], &slice[at + 4..]);
            class.windows(8).any(|part| part == b"kubepods").then_some(uid)?
        }
        None => name.strip_prefix(b"pod")?,
    };
    let uid: Vec<u8> = uid.iter().map(|&byte| if byte == b'_' { b'-' } else { byte }).collect();
    is_uid(&uid).then(|| ascii(&uid))
}

/// A UUID, or the hash that pods from files have instead.
fn is_uid(uid: &[u8]) -> bool {
    match uid.len() {
        32 => uid.iter().all(is_hex),
        36 => uid.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => is_hex(byte),
        }),
        _ => false,
    }
}

fn is_hex(byte: &u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn ascii(text: &[u8]) -> String {
    text.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4c01db0b339c1d1a2b9be54a1e1b2b3b0a6d2bd8a4ad1a2bfb9ee0a2f3cf5e0d";
    const OUTER: &str = "0a6d2bd8a4ad1a2bfb9ee0a2f3cf5e0d4c01db0b339c1d1a2b9be54a1e1b2b3b";
    const POD: &str = "2f1e4b52-7a3c-4d0e-9b1f-0c5d6e7f8a9b";
    const STATIC_POD: &str = "d41d8cd98f00b204e9800998ecf8427e";

    /// Paths as they are seen on hosts: ID, OUTER, POD, P_O_D (with underscores) and STATIC stand
    /// for the constants; then runtime and pod.
    const SHOWN: &[(&str, Option<&str>, Option<&str>)] = &[
        // Docker: cgroupfs, systemd, rootless, with processes in cgroups of their own.
        ("/docker/ID", Some("docker"), None),
        ("/docker/ID/init.scope", Some("docker"), None),
        ("/docker/ID/system.slice/ssh.service", Some("docker"), None),
        ("/system.slice/docker-ID.scope", Some("docker"), None),
        (
            "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-ID.scope",
            Some("docker"),
            None,
        ),
        ("/system.slice:docker:ID", Some("docker"), None),
        ("/my-parent/ID", None, None),
        // Docker and cri-dockerd under Kubernetes.
        (
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podP_O_D.slice/docker-ID.scope",
            Some("docker"),
            Some(POD),
        ),
        // Containerd under Kubernetes: systemd for each class, cgroupfs, runc without systemd.
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podP_O_D.slice/cri-containerd-ID.scope",
            Some("containerd"),
            Some(POD),
        ),
        (
            "/kubepods.slice/kubepods-podP_O_D.slice/cri-containerd-ID.scope",
            Some("containerd"),
            Some(POD),
        ),
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podSTATIC.slice/cri-containerd-ID.scope",
            Some("containerd"),
            Some(STATIC_POD),
        ),
        ("/kubepods/burstable/podPOD/ID", None, Some(POD)),
        ("/kubepods/podPOD/ID", None, Some(POD)),
        ("/kubepods/besteffort/podSTATIC/ID", None, Some(STATIC_POD)),
        (
            "/system.slice/containerd.service/kubepods-burstable-podP_O_D.slice:cri-containerd:ID",
            Some("containerd"),
            Some(POD),
        ),
        // kind: a node is a container.
        ("/docker/OUTER/kubelet/kubepods/burstable/podPOD/ID", None, Some(POD)),
        (
            "/system.slice/docker-OUTER.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-podP_O_D.slice/cri-containerd-ID.scope",
            Some("containerd"),
            Some(POD),
        ),
        // Docker in a pod.
        (
            "/kubepods.slice/kubepods-podP_O_D.slice/cri-containerd-OUTER.scope/docker/ID",
            Some("docker"),
            Some(POD),
        ),
        // CRI-O: systemd, cgroupfs, with crun's cgroup below.
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podP_O_D.slice/crio-ID.scope",
            Some("cri-o"),
            Some(POD),
        ),
        (
            "/kubepods.slice/kubepods-podP_O_D.slice/crio-ID.scope/container",
            Some("cri-o"),
            Some(POD),
        ),
        ("/kubepods/besteffort/podPOD/crio-ID", Some("cri-o"), Some(POD)),
        // Podman: root, user, cgroupfs, in a unit, in a pod of its own.
        ("/machine.slice/libpod-ID.scope", Some("podman"), None),
        ("/machine.slice/libpod-ID.scope/container", Some("podman"), None),
        (
            "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope/container",
            Some("podman"),
            None,
        ),
        ("/libpod_parent/libpod-ID", Some("podman"), None),
        ("/libpod_parent/ID", Some("podman"), None),
        ("/system.slice/web.service/libpod-payload-ID", Some("podman"), None),
        (
            "/machine.slice/machine-libpod_pod_OUTER.slice/libpod-ID.scope/container",
            Some("podman"),
            None,
        ),
        // nerdctl and plain containerd.
        ("/system.slice/nerdctl-ID.scope", Some("containerd"), None),
        ("/default/ID", None, None),
        ("/k8s.io/ID", None, None),
        // ECS, and runtimes that are not known here.
        ("/ecs/d41d8cd98f00b204e9800998ecf8427e/ID", None, None),
        (
            "/ecstasks.slice/ecstasks-d41d8cd98f00b204e9800998ecf8427e.slice/docker-ID.scope",
            Some("docker"),
            None,
        ),
        ("/system.slice/isulad-ID.scope", None, None),
    ];

    /// Paths that are not a container's.
    const OTHERS: &[&str] = &[
        "",
        "/",
        "/init.scope",
        "/system.slice/docker.service",
        "/system.slice/containerd.service",
        "/user.slice/user-1000.slice/session-3.scope",
        "/docker",
        "/docker/buildkit/t9g0g1l3k0xzfkgvbb6sxsmw5",
        "/docker/4c01db0b339c",
        "/kubepods.slice/kubepods-podP_O_D.slice",
        "/kubepods/burstable/podPOD",
        "/kubepods.slice/kubepods-podP_O_D.slice/crio-conmon-ID.scope",
        "/machine.slice/libpod-conmon-ID.scope",
        "/system.slice/ID.service",
        "/system.slice/var-lib-docker-overlay2-ID-merged.mount",
        "/system.slice/docker-IDa.scope",
        "/system.slice/-ID",
        "/system.slice/ID.scope",
        "/default/4C01DB0B339C1D1A2B9BE54A1E1B2B3B0A6D2BD8A4AD1A2BFB9EE0A2F3CF5E0D",
        "/a:b:c",
    ];

    fn path(shown: &str) -> String {
        let underscores = POD.replace('-', "_");
        let shown = shown.replace("P_O_D", &underscores).replace("podPOD", &format!("pod{POD}"));
        shown.replace("STATIC", STATIC_POD).replace("OUTER", OUTER).replace("ID", ID)
    }

    #[test]
    fn knows_the_forms() {
        for &(shown, runtime, pod) in SHOWN {
            let expected = Container { id: ID.to_owned(), runtime, pod: pod.map(str::to_owned) };
            assert_eq!(container(path(shown).as_bytes()), Some(expected), "{shown}");
        }
    }

    #[test]
    fn takes_nothing_else_for_a_container() {
        for shown in OTHERS {
            assert_eq!(container(path(shown).as_bytes()), None, "{shown}");
        }
    }

    #[test]
    fn a_container_in_a_container_watched_by_conmon_is_the_outer() {
        let found = container(path("/docker/OUTER/x/libpod-conmon-ID.scope").as_bytes()).unwrap();
        assert_eq!(found.id, OUTER);
    }
}
