//! How a part of an event was read.

use crate::event::{
    GROUP_CONTROL, GROUP_IOV, GROUP_MSG, GROUP_NAME, GROUP_PAYLOAD, GROUP_PPID, GROUP_SOCKET,
    GROUP_START, STATUS_ABSENT, STATUS_FAULT, STATUS_OK, STATUS_TRUNCATED,
};

/// A group of fields that are read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Group {
    /// The parent's process id.
    Ppid = GROUP_PPID as isize,
    /// `struct msghdr`: namelen, iovlen, controllen. For sendfile: the offset.
    Msg = GROUP_MSG as isize,
    /// The destination address; of a call that receives: the source address.
    Name = GROUP_NAME as isize,
    /// The iovec table, and so the number of bytes to send.
    Iov = GROUP_IOV as isize,
    /// When the process started.
    Start = GROUP_START as isize,
    /// The control messages.
    Control = GROUP_CONTROL as isize,
    /// The payload.
    Payload = GROUP_PAYLOAD as isize,
    /// The socket behind the descriptor: absent when the descriptor is not of one.
    Socket = GROUP_SOCKET as isize,
}

/// How a group of fields was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Not looked at: the backend cannot, or nobody asked.
    NotSeen,
    /// Read whole.
    Ok,
    /// The caller left it out.
    Absent,
    /// The memory could not be read.
    Fault,
    /// Read up to a limit: the event has its beginning.
    Truncated,
}

impl Status {
    pub(super) fn from_byte(byte: u8) -> Self {
        match byte {
            STATUS_OK => Self::Ok,
            STATUS_ABSENT => Self::Absent,
            STATUS_FAULT => Self::Fault,
            STATUS_TRUNCATED => Self::Truncated,
            _ => Self::NotSeen,
        }
    }

    /// Whether there is something to look at: all of it, or its beginning.
    pub fn is_read(self) -> bool {
        matches!(self, Self::Ok | Self::Truncated)
    }
}
