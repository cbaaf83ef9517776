//! The fields of an event that Rust's views show as they are.

use std::fmt::Write;

use weir::Event;

use crate::parts::hex;

macro_rules! numbers {
    ($out:ident, $($name:ident = $value:expr),* $(,)?) => {
        $(writeln!($out, concat!(stringify!($name), "={}"), $value).expect("a string takes all");)*
    };
}

/// A line for each; of what was not seen none.
pub fn of(event: &Event) -> String {
    let mut out = String::new();
    numbers!(
        out,
        seq = event.seq(),
        time_ns = event.time_ns(),
        duration_ns = event.duration_ns(),
        ret = event.ret(),
        cgroup_id = event.cgroup_id(),
        msg_ptr = event.msg_ptr(),
        pid = event.pid(),
        tid = event.tid(),
        uid = event.uid(),
        gid = event.gid(),
        cpu = event.cpu(),
        fd = event.fd(),
        flags = event.flags(),
        family = event.family(),
        compat = u8::from(event.compat()),
        payload = hex(event.payload()),
    );
    let seen = [
        ("ppid", event.ppid().map(i128::from)),
        ("bytes", event.bytes().map(i128::from)),
        ("start_ns", event.start_ns().map(i128::from)),
        ("namelen", event.namelen().map(i128::from)),
        ("iovlen", event.iovlen().map(i128::from)),
        ("controllen", event.controllen().map(i128::from)),
        ("netns", event.netns().map(i128::from)),
        ("index", event.index().map(i128::from)),
        ("vlen", event.vlen().map(i128::from)),
        ("msg_flags", event.msg_flags().map(i128::from)),
        ("name_room", event.name_room().map(i128::from)),
        ("control_room", event.control_room().map(i128::from)),
    ];
    for (name, value) in seen.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        writeln!(out, "{name}={value}").expect("a string takes all");
    }
    if let Some(socket) = event.socket() {
        numbers!(
            out,
            sock_family = socket.family(),
            sock_type = socket.socket_type(),
            sock_protocol = socket.protocol(),
            sock_state = socket.state(),
            sock_inode = socket.inode(),
        );
    }
    out
}
