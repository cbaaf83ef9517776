//! A process, from procfs (proc(5)).

use std::{fs, os::unix::ffi::OsStringExt};

/// Path of the executable of the process that has this id and started then.
pub fn exe(pid: u32, start_ns: u64) -> Option<Vec<u8>> {
    let link = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    // Looked at after the link: if it is still the same process now, it was then.
    let same = start_ticks(pid)? == start_ns / tick_ns();
    same.then(|| link.into_os_string().into_vec())
}

/// When the process started, in clock ticks since boot: field 22 of its stat file.
pub(super) fn start_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let after_name = stat.iter().rposition(|&byte| byte == b')')? + 2;
    let field = stat.get(after_name..)?.split(|&byte| byte == b' ').nth(22 - 3)?;
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// Nanoseconds of a clock tick.
pub(super) fn tick_ns() -> u64 {
    1_000_000_000 / rustix::param::clock_ticks_per_second()
}
