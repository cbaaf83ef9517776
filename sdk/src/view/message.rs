//! The message of a call: its buffers and bytes, and whether the kernel saw the same.

use std::mem::offset_of;

use super::{Address, Controls, Event, Files, Group, Text};
use crate::{
    Call,
    event::{Head, ROOM_UNKNOWN, TOCTOU_CHANGED, TOCTOU_SAME, TOCTOU_UNREAD},
};

impl<'a> Event<'a> {
    /// The first [`IOV_SHOWN`](crate::event::IOV_SHOWN) entries of the iovec table.
    pub fn iov(&self) -> impl ExactSizeIterator<Item = Iov> + use<'a> {
        let entries = self.part::<{ offset_of!(Head, iov) }>().as_chunks::<16>().0.iter();
        entries.map(|&[b0, b1, b2, b3, b4, b5, b6, b7, l0, l1, l2, l3, l4, l5, l6, l7]| Iov {
            base: u64::from_le_bytes([b0, b1, b2, b3, b4, b5, b6, b7]),
            len: u64::from_le_bytes([l0, l1, l2, l3, l4, l5, l6, l7]),
        })
    }

    /// The first bytes of the payload: at least as many as the script wants, if there are so many.
    pub fn payload(&self) -> &'a [u8] {
        self.part::<{ offset_of!(Head, payload) }>()
    }

    /// sendmmsg, recvmmsg: number of the message within the call, from 0.
    pub fn index(&self) -> Option<u32> {
        let index = u32::from_le_bytes(self.head_bytes::<{ offset_of!(Head, index) }, _>());
        self.is_one_of_several().then_some(index)
    }

    /// sendmmsg, recvmmsg: messages that the caller offered.
    pub fn vlen(&self) -> Option<u32> {
        let vlen = u32::from_le_bytes(self.head_bytes::<{ offset_of!(Head, vlen) }, _>());
        self.is_one_of_several().then_some(vlen)
    }

    fn is_one_of_several(&self) -> bool {
        self.is(Call::Sendmmsg) || self.is(Call::Recvmmsg)
    }

    /// `msghdr.msg_flags`, where there is a `msghdr` and it was read: as the caller left them, for a call
    /// that receives as the kernel set them.
    pub fn msg_flags(&self) -> Option<u32> {
        let flags = u32::from_le_bytes(self.head_bytes::<{ offset_of!(Head, msg_flags) }, _>());
        let has_header = match self.which_call() {
            Some(Call::Sendmsg | Call::Sendmmsg | Call::IoUring) => true,
            // A call that failed has received none.
            Some(Call::Recvmsg | Call::Recvmmsg) => self.ret() >= 0,
            _ => false,
        };
        (has_header && self.has_message()).then_some(flags)
    }

    /// recvmsg, recvfrom: bytes of the buffer for the source address, as the caller says.
    pub fn name_room(&self) -> Option<i32> {
        let room = i32::from_le_bytes(self.head_bytes::<{ offset_of!(Head, name_room) }, _>());
        let receives = self.is(Call::Recvmsg) || self.is(Call::Recvfrom);
        (receives && self.has_message() && room != ROOM_UNKNOWN).then_some(room)
    }

    /// recvmsg: bytes of the buffer for control messages, as the caller says.
    pub fn control_room(&self) -> Option<u64> {
        let room = u64::from_le_bytes(self.head_bytes::<{ offset_of!(Head, control_room) }, _>());
        (self.is(Call::Recvmsg) && self.name_room().is_some()).then_some(room)
    }

    /// Whether there is a message whose lengths were read; the group tells of the offset for sendfile.
    pub(super) fn has_message(&self) -> bool {
        self.status(Group::Msg).is_read() && !self.is(Call::Sendfile)
    }

    /// Whether caller and kernel saw the same message.
    pub fn toctou(&self) -> Toctou {
        let [toctou] = self.head_bytes::<{ offset_of!(Head, toctou) }, 1>();
        match toctou {
            TOCTOU_SAME => Toctou::Same,
            TOCTOU_CHANGED => Toctou::Changed,
            TOCTOU_UNREAD => Toctou::Unread,
            _ => Toctou::NotSeen,
        }
    }

    /// What the kernel used, where that differs from what the caller showed ([`Toctou::Changed`]).
    pub fn kernel(&self) -> Option<Kernel<'a>> {
        const FIXED_BYTES: usize = 16;
        let part = self.part::<{ offset_of!(Head, kernel) }>();
        let (fixed, rest) = part.split_first_chunk::<FIXED_BYTES>()?;
        let [b0, b1, b2, b3, b4, b5, b6, b7, n0, n1, n2, n3, c0, c1, c2, c3] = *fixed;
        let name_len = u32::from_le_bytes([n0, n1, n2, n3]) as usize;
        let control_len = u32::from_le_bytes([c0, c1, c2, c3]) as usize;
        let name = rest.get(..name_len)?;
        let control = match control_len {
            0 => &[],
            // The name is padded.
            len => rest.get(name_len.checked_next_multiple_of(8)?..)?.get(..len)?,
        };
        let bytes = u64::from_le_bytes([b0, b1, b2, b3, b4, b5, b6, b7]);
        Some(Kernel { bytes, name, control })
    }

    /// What is sent, for sendfile.
    pub fn sendfile(&self) -> Option<Sendfile<'a>> {
        if !self.is(Call::Sendfile) {
            return None;
        }
        let number = |offset: [u8; 8]| i64::from_le_bytes(offset);
        let mut files = Files::new(self.part::<{ offset_of!(Head, files) }>());
        let mut file = || files.next().and_then(|known| known.file);
        let offset = number(self.head_bytes::<{ offset_of!(Head, offset) }, _>());
        let after = number(self.head_bytes::<{ offset_of!(Head, offset_after) }, _>());
        Some(Sendfile {
            in_fd: i32::from_le_bytes(self.head_bytes::<{ offset_of!(Head, in_fd) }, _>()),
            in_file: file(),
            out_file: file(),
            offset: self.status(Group::Msg).is_read().then_some(offset),
            offset_after: self.was_late(Group::Msg).then_some(after),
        })
    }
}

/// A buffer of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iov {
    /// Where it begins, in the caller's memory.
    pub base: u64,
    /// Its length in bytes.
    pub len: u64,
}

/// Whether caller and kernel saw the same message: memory may change between this look and the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Toctou {
    /// Not compared, because the backend cannot see the kernel's copy.
    NotSeen,
    /// Address, control messages and number of bytes were the same.
    Same,
    /// One of them was another when the kernel used it: see [`Event::kernel`].
    Changed,
    /// The call ended before the kernel used the message, or a part could not be read.
    Unread,
}

/// What the kernel used instead of what the caller showed: [`Event::kernel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel<'a> {
    bytes: u64,
    name: &'a [u8],
    control: &'a [u8],
}

impl<'a> Kernel<'a> {
    /// Number of bytes to send.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Destination address, taken apart; none, if there is no address.
    pub fn name(&self) -> Option<Address<'a>> {
        Address::parse(self.name)
    }

    /// Destination address: `struct sockaddr`.
    pub fn raw_name(&self) -> &'a [u8] {
        self.name
    }

    /// Control messages. What their descriptors are is not known.
    pub fn control(&self) -> Controls<'a> {
        Controls::without_files(self.control)
    }
}

/// What sendfile sends: [`Event::sendfile`]. To where is in [`Event::fd`], how much in [`Event::bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sendfile<'a> {
    /// Descriptor of the input file.
    pub in_fd: i32,
    /// What that is, as the link in /proc/PID/fd says, where it was seen.
    pub in_file: Option<Text<'a>>,
    /// What the output is.
    pub out_file: Option<Text<'a>>,
    /// Where in the input the caller asked to start; without one it is the file's own position.
    pub offset: Option<i64>,
    /// The same place after the call, as the kernel wrote it.
    pub offset_after: Option<i64>,
}
