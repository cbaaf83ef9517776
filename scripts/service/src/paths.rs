//! Services by unix path.

/// The service that listens at a path; an abstract path starts with `@`.
pub fn service(path: impl AsRef<[u8]>) -> Option<&'static str> {
    let path = path.as_ref();
    // /var/run has been a link to /run for long, and both are in use.
    let path = path.strip_prefix(b"/var").filter(|rest| rest.starts_with(b"/run/")).unwrap_or(path);
    let is_in = |&&(start, _): &&(&str, &str)| path.starts_with(start.as_bytes());
    let known = EXACT.iter().find(|(known, _)| known.as_bytes() == path);
    if let Some(&(_, service)) = known.or_else(|| PREFIXES.iter().find(is_in)) {
        return Some(service);
    }
    let rest = path.strip_prefix(b"/run/user/")?;
    let name = &rest[rest.iter().position(|&byte| byte == b'/')?..];
    let is_in = |&&(start, _): &&(&str, &str)| name.starts_with(start.as_bytes());
    PER_USER.iter().find(is_in).map(|&(_, service)| service)
}

const EXACT: &[(&str, &str)] = &[
    ("/dev/log", "syslog"),
    ("/run/systemd/notify", "systemd-notify"),
    ("/run/systemd/private", "systemd"),
    ("/run/docker.sock", "docker"),
    ("/run/acpid.socket", "acpid"),
    ("/run/pcscd/pcscd.comm", "pcscd"),
    ("/run/rpcbind.sock", "rpcbind"),
];

const PREFIXES: &[(&str, &str)] = &[
    ("/run/systemd/journal/syslog", "syslog"),
    ("/run/systemd/journal/dev-log", "syslog"),
    ("/run/systemd/journal/", "journald"),
    ("/run/systemd/journal.", "journald"),
    ("/run/systemd/resolve/", "resolved"),
    ("/run/systemd/userdb/", "userdb"),
    ("/run/dbus/", "dbus"),
    ("@/tmp/dbus-", "dbus"),
    ("/tmp/dbus-", "dbus"),
    ("/run/containerd/", "containerd"),
    ("/run/crio/", "cri-o"),
    ("/run/podman/", "podman"),
    ("/run/udev/", "udev"),
    ("/run/nscd/", "nscd"),
    ("/run/avahi-daemon/", "avahi"),
    ("/run/cups/", "cups"),
    ("/run/chrony/", "chrony"),
    ("/run/postgresql/", "postgres"),
    ("/tmp/.s.PGSQL.", "postgres"),
    ("/run/mysqld/", "mysql"),
    ("/run/redis/", "redis"),
    ("/tmp/.X11-unix/", "x11"),
    ("@/tmp/.X11-unix/", "x11"),
    ("/tmp/.ICE-unix/", "ice"),
    ("@/tmp/.ICE-unix/", "ice"),
];

/// Below /run/user/UID.
const PER_USER: &[(&str, &str)] = &[
    ("/bus", "dbus"),
    ("/dbus", "dbus"),
    ("/systemd/notify", "systemd-notify"),
    ("/systemd/private", "systemd"),
    ("/wayland-", "wayland"),
    ("/pipewire-", "pipewire"),
    ("/pulse/", "pulseaudio"),
    ("/docker.sock", "docker"),
    ("/podman/", "podman"),
    ("/gnupg/", "gnupg"),
    ("/keyring/", "keyring"),
    ("/ICEauthority", "ice"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_unknown() {
        for (path, expected) in [
            ("/dev/log", Some("syslog")),
            ("/run/systemd/journal/dev-log", Some("syslog")),
            ("/run/systemd/journal/socket", Some("journald")),
            ("/run/systemd/journal.debug/socket", Some("journald")),
            ("/run/systemd/notify", Some("systemd-notify")),
            ("/run/dbus/system_bus_socket", Some("dbus")),
            ("/var/run/dbus/system_bus_socket", Some("dbus")),
            ("/var/run/docker.sock", Some("docker")),
            ("@/tmp/.X11-unix/X0", Some("x11")),
            ("/run/user/1000/bus", Some("dbus")),
            ("/run/user/1000/wayland-0", Some("wayland")),
            ("/run/user/1000/own", None),
            ("/run/user/1000", None),
            ("/var/lib/x", None),
            ("@", None),
            ("", None),
        ] {
            assert_eq!(service(path), expected, "{path}");
        }
    }
}
