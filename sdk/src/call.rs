//! The calls that Weir traces.

use crate::event::{
    CALL_IO_URING, CALL_NAMES, CALL_RECVFROM, CALL_RECVMMSG, CALL_RECVMSG, CALL_SENDFILE,
    CALL_SENDMMSG, CALL_SENDMSG, CALL_SENDTO,
};

/// A call that Weir traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u16)]
pub enum Call {
    /// `sendmsg(2)`.
    Sendmsg = CALL_SENDMSG,
    /// One message of `sendmmsg(2)`.
    Sendmmsg = CALL_SENDMMSG,
    /// `sendto(2)`, and `send(3)`, which is made of it.
    Sendto = CALL_SENDTO,
    /// `recvmsg(2)`.
    Recvmsg = CALL_RECVMSG,
    /// One message of `recvmmsg(2)`.
    Recvmmsg = CALL_RECVMMSG,
    /// `recvfrom(2)`, and `recv(3)`, which is made of it.
    Recvfrom = CALL_RECVFROM,
    /// `sendfile(2)`.
    Sendfile = CALL_SENDFILE,
    /// A send that io_uring makes.
    IoUring = CALL_IO_URING,
}

impl Call {
    /// All calls.
    pub const ALL: [Self; CALL_NAMES.len()] = [
        Self::Sendmsg,
        Self::Sendmmsg,
        Self::Sendto,
        Self::Recvmsg,
        Self::Recvmmsg,
        Self::Recvfrom,
        Self::Sendfile,
        Self::IoUring,
    ];

    /// Its name: `sendmsg`.
    pub const fn name(self) -> &'static str {
        CALL_NAMES[self as usize - 1]
    }

    /// The call of a number (`CALL_*`); none, if this version of the SDK does not know it.
    pub fn of(number: u16) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names() {
        for call in Call::ALL {
            assert_eq!(Call::of(call as u16), Some(call));
        }
        assert_eq!((Call::of(0), Call::of(9)), (None, None));
        assert_eq!((Call::Sendmsg.name(), Call::IoUring.name()), ("sendmsg", "io_uring"));
    }
}
