//! What the host knows of the calling process beyond what the kernel side saw. All of it is looked up, so
//! it may be missing in a process's first events.

use std::mem::offset_of;

use super::{Event, Text};
use crate::event::{
    Head, PROCESS_CMDLINE, PROCESS_CONTAINER, PROCESS_PARENT, PROCESS_POD, PROCESS_RUNTIME,
    PROCESS_STARTED, PROCESS_USER,
};

impl<'a> Event<'a> {
    /// The arguments of the command line, the program's name first; none, where they are not known.
    pub fn cmdline(&self) -> impl Iterator<Item = Text<'a>> + use<'a> {
        let line = self.process_part(PROCESS_CMDLINE);
        line.into_iter().flat_map(|line| line.split(|&byte| byte == 0)).map(Text::new)
    }

    /// Name of the user.
    pub fn user(&self) -> Option<Text<'a>> {
        self.process_part(PROCESS_USER).map(Text::new)
    }

    /// When the process started: nanoseconds since the Unix epoch.
    pub fn started_ns(&self) -> Option<u64> {
        Some(u64::from_le_bytes(*self.process_part(PROCESS_STARTED)?.first_chunk()?))
    }

    /// The ancestors, the parent first.
    pub fn parents(&self) -> impl Iterator<Item = Parent<'a>> + use<'a> {
        let parents = self.process_parts().filter(|&(kind, _)| kind == PROCESS_PARENT);
        parents.filter_map(|(_, part)| {
            let (pid, name) = part.split_first_chunk()?;
            Some(Parent { pid: u32::from_le_bytes(*pid), comm: Text::new(name) })
        })
    }

    /// The container that the process is in.
    pub fn container(&self) -> Option<Container<'a>> {
        let part = |kind| self.process_part(kind).map(Text::new);
        let id = part(PROCESS_CONTAINER)?;
        Some(Container { id, runtime: part(PROCESS_RUNTIME), pod: part(PROCESS_POD) })
    }

    /// The first part of a kind that is not empty.
    fn process_part(&self, kind: u16) -> Option<&'a [u8]> {
        let mut parts = self.process_parts();
        parts.find(|&(known, part)| known == kind && !part.is_empty()).map(|(_, part)| part)
    }

    fn process_parts(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut rest = self.part::<{ offset_of!(Head, process) }>();
        std::iter::from_fn(move || {
            let (&[k0, k1, l0, l1], part) = rest.split_first_chunk()?;
            let (part, after) = part.split_at_checked(u16::from_le_bytes([l0, l1]).into())?;
            rest = after;
            Some((u16::from_le_bytes([k0, k1]), part))
        })
    }
}

/// An ancestor of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parent<'a> {
    /// Process id.
    pub pid: u32,
    /// Its name.
    pub comm: Text<'a>,
}

/// A container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Container<'a> {
    /// Its id.
    pub id: Text<'a>,
    /// What runs it: `docker`, `containerd`, `cri-o`, `podman`.
    pub runtime: Option<Text<'a>>,
    /// Uid of the Kubernetes pod.
    pub pod: Option<Text<'a>>,
}
