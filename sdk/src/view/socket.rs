//! The socket that a call is made on.

use std::{
    fmt,
    mem::offset_of,
    net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6},
};

use super::{Address, Credentials, Event, Group};
use crate::event::{AF_INET, AF_INET6, Head};

/// The socket behind the descriptor of a call, as the kernel has it: [`Event::socket`].
#[derive(Clone, Copy)]
pub struct Socket<'a>(Event<'a>);

/// Accessors of numbers in the head.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident = $field:ident: $type:ty,)*) => {
        $($(#[$doc])*
        #[inline]
        pub fn $name(&self) -> $type {
            <$type>::from_le_bytes(self.0.head_bytes::<{ offset_of!(Head, $field) }, _>())
        })*
    };
}

impl<'a> Event<'a> {
    /// The socket behind the descriptor, where it was looked at and is one.
    pub fn socket(&self) -> Option<Socket<'a>> {
        self.status(Group::Socket).is_read().then_some(Socket(*self))
    }
}

impl<'a> Socket<'a> {
    numbers! {
        /// Family (`AF_*`).
        family = sock_family: u16,
        /// Type (`SOCK_*`, include/linux/net.h).
        socket_type = sock_type: u16,
        /// Protocol (`IPPROTO_*`, `NETLINK_*`, …, by family).
        protocol = sock_protocol: u16,
        /// State (`TCP_*`, include/net/tcp_states.h; other families use them too).
        state = sock_state: u8,
        /// Inode, as in `socket:[…]` in /proc/PID/fd.
        inode = sock_inode: u64,
    }

    /// Its cookie (`SO_COOKIE`), if somebody has asked the kernel for one.
    pub fn cookie(&self) -> Option<u64> {
        let cookie = self.0.head_bytes::<{ offset_of!(Head, sock_cookie) }, _>();
        Some(u64::from_le_bytes(cookie)).filter(|&cookie| cookie != 0)
    }

    /// Inode of its network namespace, where it was seen.
    pub fn netns(&self) -> Option<u32> {
        let netns = self.0.head_bytes::<{ offset_of!(Head, sock_netns) }, _>();
        Some(u32::from_le_bytes(netns)).filter(|&netns| netns != 0)
    }

    /// Its own address, if it has one.
    pub fn local(&self) -> Option<Address<'a>> {
        self.end(
            self.0.head_bytes::<{ offset_of!(Head, local_addr) }, _>(),
            self.0.head_bytes::<{ offset_of!(Head, local_port) }, _>(),
            self.0.part::<{ offset_of!(Head, local) }>(),
        )
    }

    /// The address that it is connected to, if it is.
    pub fn peer(&self) -> Option<Address<'a>> {
        self.end(
            self.0.head_bytes::<{ offset_of!(Head, peer_addr) }, _>(),
            self.0.head_bytes::<{ offset_of!(Head, peer_port) }, _>(),
            self.0.part::<{ offset_of!(Head, peer) }>(),
        )
    }

    /// The process that holds the other end of a unix socket, where the kernel knows one; user and group are
    /// the effective ones at the time when it connected.
    pub fn peer_process(&self) -> Option<Credentials> {
        let number = u32::from_le_bytes;
        let pid = number(self.0.head_bytes::<{ offset_of!(Head, peer_pid) }, _>());
        let uid = number(self.0.head_bytes::<{ offset_of!(Head, peer_uid) }, _>());
        let gid = number(self.0.head_bytes::<{ offset_of!(Head, peer_gid) }, _>());
        (pid != 0).then_some(Credentials { pid, uid, gid })
    }

    fn end(&self, addr: [u8; 16], port: [u8; 2], raw: &'a [u8]) -> Option<Address<'a>> {
        let (port, [a, b, c, d, ..]) = (u16::from_le_bytes(port), addr);
        // Neither address nor port: not bound, or not connected.
        let is_somewhere = port != 0 || addr != [0; 16];
        match self.family() {
            AF_INET => is_somewhere
                .then(|| Address::Inet(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port))),
            AF_INET6 => is_somewhere
                .then(|| Address::Inet6(SocketAddrV6::new(Ipv6Addr::from(addr), port, 0, 0))),
            _ => Address::parse(raw),
        }
    }
}

impl fmt::Debug for Socket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("family", &self.family())
            .field("type", &self.socket_type())
            .field("protocol", &self.protocol())
            .field("state", &self.state())
            .field("inode", &self.inode())
            .field("cookie", &self.cookie())
            .field("netns", &self.netns())
            .field("local", &self.local())
            .field("peer", &self.peer())
            .field("peer_process", &self.peer_process())
            .finish()
    }
}
