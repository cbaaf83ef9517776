//! Control messages: what goes along with a message beside its bytes, as descriptors do.

use std::mem::offset_of;

use super::{Event, Files, Text};
use crate::event::Head;

/// `SOL_SOCKET` (include/uapi/asm-generic/socket.h).
const SOL_SOCKET: i32 = 1;
/// `SCM_RIGHTS` (include/linux/socket.h).
const SCM_RIGHTS: i32 = 1;
/// `SCM_CREDENTIALS` (include/linux/socket.h).
const SCM_CREDENTIALS: i32 = 2;
/// `SCM_PIDFD` (include/linux/socket.h).
const SCM_PIDFD: i32 = 4;
/// Bytes of `struct cmsghdr` on a 64-bit machine.
const HEADER_BYTES: usize = 16;

impl<'a> Event<'a> {
    /// The control messages, as far as the event shows them. The walk ends where one is malformed.
    pub fn control(&self) -> Controls<'a> {
        let files = Files::new(self.part::<{ offset_of!(Head, files) }>());
        Controls { rest: self.part::<{ offset_of!(Head, control) }>(), files }
    }

    /// The descriptors that all control messages pass (`SCM_RIGHTS`), with what they are.
    pub fn rights(&self) -> impl Iterator<Item = Descriptor<'a>> + use<'a> {
        self.control().flat_map(|message| message.rights())
    }
}

/// The control messages of an event, one after the other: [`Event::control`].
#[derive(Clone, Debug)]
pub struct Controls<'a> {
    rest: &'a [u8],
    /// From the next message's first descriptor on.
    files: Files<'a>,
}

impl<'a> Controls<'a> {
    /// Messages of which it is not known what their descriptors are.
    pub(super) fn without_files(rest: &'a [u8]) -> Self {
        Self { rest, files: Files::new(&[]) }
    }
}

impl<'a> Iterator for Controls<'a> {
    type Item = Control<'a>;

    fn next(&mut self) -> Option<Control<'a>> {
        let (header, _) = self.rest.split_first_chunk::<HEADER_BYTES>()?;
        let [l0, l1, l2, l3, l4, l5, l6, l7, v0, v1, v2, v3, t0, t1, t2, t3] = *header;
        let len = usize::try_from(u64::from_le_bytes([l0, l1, l2, l3, l4, l5, l6, l7])).ok()?;
        let data = self.rest.get(HEADER_BYTES..len)?;
        let message = Control {
            level: i32::from_le_bytes([v0, v1, v2, v3]),
            cmsg_type: i32::from_le_bytes([t0, t1, t2, t3]),
            data,
            files: self.files,
        };
        // The last one need not be padded.
        self.rest = self.rest.get(len.next_multiple_of(8)..).unwrap_or_default();
        (0..message.descriptors()).for_each(|_| _ = self.files.next());
        Some(message)
    }
}

/// A control message.
#[derive(Clone, Copy, Debug)]
pub struct Control<'a> {
    level: i32,
    cmsg_type: i32,
    data: &'a [u8],
    files: Files<'a>,
}

impl<'a> Control<'a> {
    /// The protocol that it is for (`SOL_*`, `IPPROTO_*`).
    pub fn level(&self) -> i32 {
        self.level
    }

    /// Its type, by level (`SCM_*`, `IP_*`, …).
    pub fn cmsg_type(&self) -> i32 {
        self.cmsg_type
    }

    /// Its data, without padding.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The descriptors that it passes, with what they are; none, if it is not of the type `SCM_RIGHTS`.
    pub fn rights(&self) -> impl Iterator<Item = Descriptor<'a>> + use<'a> {
        let is_rights = (self.level, self.cmsg_type) == (SOL_SOCKET, SCM_RIGHTS);
        let data = if is_rights { self.data } else { &[] };
        let mut files = self.files;
        let fds = data.as_chunks::<4>().0.iter();
        fds.map(move |&fd| Descriptor {
            fd: i32::from_le_bytes(fd),
            file: files.next().and_then(|known| known.file),
        })
    }

    /// The process that it tells of (`SCM_CREDENTIALS`).
    pub fn credentials(&self) -> Option<Credentials> {
        let is_credentials = (self.level, self.cmsg_type) == (SOL_SOCKET, SCM_CREDENTIALS);
        let data: &[u8; 12] = self.data.first_chunk().filter(|_| is_credentials)?;
        let [pid, uid, gid] = [0, 4, 8]
            .map(|at| u32::from_le_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]));
        Some(Credentials { pid, uid, gid })
    }

    /// How many of the event's files are its.
    fn descriptors(&self) -> usize {
        match (self.level, self.cmsg_type) {
            (SOL_SOCKET, SCM_RIGHTS) => self.data.len() / 4,
            (SOL_SOCKET, SCM_PIDFD) => (self.data.len() / 4).min(1),
            _ => 0,
        }
    }
}

/// A descriptor, and what it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Descriptor<'a> {
    /// Its number in the calling process.
    pub fd: i32,
    /// What it is, where that was seen, as the link in /proc/PID/fd says: a path, `socket:[…]`, `pipe:[…]`,
    /// `anon_inode:[eventfd]`, …
    pub file: Option<Text<'a>>,
}

impl<'a> Descriptor<'a> {
    pub(super) fn new(fd: i32, file: Option<Text<'a>>) -> Self {
        Self { fd, file }
    }
}

/// A process and whom it acts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Process id.
    pub pid: u32,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Batch,
        testing::{Call, batch},
    };

    /// Shows the one event to a function.
    fn with(call: Call, look: impl FnOnce(&Event)) {
        let bytes = batch(&[call]);
        look(&Batch::new(&bytes).unwrap().get(0).unwrap());
    }

    fn rights(event: &Event) -> Vec<(i32, String)> {
        let file = |file: Option<Text>| file.map_or("-".to_owned(), |file| file.to_string());
        event.rights().map(|passed| (passed.fd, file(passed.file))).collect()
    }

    #[test]
    fn messages_and_what_is_in_them() {
        let call = Call::new()
            .credentials(100, 1000, 1000)
            .rights(&[(5, "/etc/passwd"), (6, "")])
            .control(41, 52, &[64, 0, 0, 0])
            .control(SOL_SOCKET, SCM_PIDFD, &[9, 0, 0, 0])
            .file(9, "anon_inode:[pidfd]")
            .rights(&[(7, "socket:[77]")]);
        with(call, |event| {
            let kinds: Vec<_> =
                event.control().map(|it| (it.level(), it.cmsg_type(), it.data().len())).collect();
            assert_eq!(kinds, [(1, 2, 12), (1, 1, 8), (41, 52, 4), (1, 4, 4), (1, 1, 4)]);
            let mut messages = event.control();
            let credentials = messages.next().unwrap();
            let expected = Credentials { pid: 100, uid: 1000, gid: 1000 };
            assert_eq!(credentials.credentials(), Some(expected));
            assert_eq!(
                (credentials.rights().count(), messages.next().unwrap().credentials()),
                (0, None)
            );
            let owned = |fd, file: &str| (fd, file.to_owned());
            let all = [owned(5, "/etc/passwd"), owned(6, "-"), owned(7, "socket:[77]")];
            assert_eq!(rights(event), all);
            let last = event.control().last().unwrap();
            assert_eq!(last.rights().next().unwrap().file.unwrap(), "socket:[77]");
        });
    }

    #[test]
    fn more_descriptors_than_files() {
        with(Call::new().control(1, 1, &[5, 0, 0, 0, 6, 0, 0, 0, 7]).file(5, "/x"), |event| {
            assert_eq!(rights(event), [(5, "/x".to_owned()), (6, "-".to_owned())]);
        });
    }

    #[test]
    fn the_walk_ends_where_one_is_malformed() {
        let header = |len: u64| [&len.to_le_bytes()[..], &[1, 0, 0, 0, 1, 0, 0, 0]].concat();
        for (len, count) in [(0, 1), (15, 1), (16, 2), (17, 1), (u64::MAX, 1), (u64::MAX - 6, 1)] {
            with(Call::new().control(1, 99, b"abc").control_bytes(&header(len)), |event| {
                assert_eq!(event.control().count(), count, "{len}");
            });
        }
        with(Call::new().control_bytes(&header(16)[..15]), |event| {
            assert_eq!(event.control().count(), 0);
        });
    }
}
