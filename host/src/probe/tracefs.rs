//! The kernel's list of tracepoints is a file system that somebody must have mounted.

use std::{io, path::Path};

use rustix::io::Errno;

use super::Error;

const PLACES: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// Finds tracefs, or mounts it where it belongs.
pub fn mounted() -> Result<(), Error> {
    let found = || PLACES.iter().any(|place| Path::new(place).join("events").is_dir());
    if found() {
        return Ok(());
    }
    rustix::mount::mount(
        "tracefs",
        PLACES[0],
        "tracefs",
        rustix::mount::MountFlags::NOSUID | rustix::mount::MountFlags::NOEXEC,
        None,
    )
    .map_err(|errno| match errno {
        // Where it is mounted, it can be looked into by root alone.
        Errno::PERM | Errno::ACCESS => {
            Error::Privilege { action: format!("look up tracepoints in {}", PLACES[0]) }
        }
        errno => Error::Tracefs(errno.into()),
    })?;
    tracing::info!("mounted tracefs at {}, where the kernel lists its tracepoints", PLACES[0]);
    if found() { Ok(()) } else { Err(Error::Tracefs(io::ErrorKind::NotFound.into())) }
}
