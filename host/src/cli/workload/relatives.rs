//! The calls related to sendmsg: sendto, recvfrom, sendmmsg, recvmmsg, sendfile; and netlink.

use std::{
    fs::{self, File},
    io::{self, IoSlice, Seek},
    mem,
    net::{Ipv4Addr, UdpSocket},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    ptr,
};

use super::{
    Tally, Traffic, address,
    folder::Folder,
    message::{Message, result},
    received::{Room, receive},
    socket::drain,
};

/// What is sent by sendfile.
const FILE: &[u8] = b"from a file to a socket\n";
/// Messages of a sendmmsg and of a recvmmsg call.
const MESSAGES: usize = 2;

/// A socket for datagrams with its destination, and a stream for what is in a file.
pub struct Relatives {
    from: UdpSocket,
    to: UdpSocket,
    name: Vec<u8>,
    stream: UnixStream,
    stream_end: UnixStream,
    file: File,
}

impl Relatives {
    pub fn open(folder: &Folder) -> io::Result<Self> {
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
        let (from, to) = (bind()?, bind()?);
        let name = address::inet(to.local_addr()?);
        let (stream, stream_end) = UnixStream::pair()?;
        let path = folder.join("sent.txt");
        fs::write(&path, FILE)?;
        Ok(Self { from, to, name, stream, stream_end, file: File::open(path)? })
    }

    fn send_to(&self, payload: &[u8]) -> io::Result<usize> {
        // SAFETY: both ranges live until the call returns; it only reads.
        result(unsafe {
            libc::syscall(
                libc::SYS_sendto,
                self.from.as_raw_fd(),
                payload.as_ptr(),
                payload.len(),
                0,
                self.name.as_ptr(),
                self.name.len() as libc::socklen_t,
            )
        })
    }

    fn receive_from(&self) -> io::Result<usize> {
        let mut bytes = [0u8; 256];
        let mut name = [0u8; 128];
        let mut namelen = name.len() as libc::socklen_t;
        // SAFETY: the kernel writes at most the lengths given to each of them.
        result(unsafe {
            libc::syscall(
                libc::SYS_recvfrom,
                self.to.as_raw_fd(),
                bytes.as_mut_ptr(),
                bytes.len(),
                libc::MSG_DONTWAIT,
                name.as_mut_ptr(),
                &raw mut namelen,
            )
        })
    }

    fn send_several(&self) -> io::Result<usize> {
        let parts = [[IoSlice::new(b"the first of two")], [IoSlice::new(b"the second of two")]];
        let message =
            |at: usize| Message { name: &self.name, parts: &parts[at], ..Message::default() };
        let mut messages: [_; MESSAGES] =
            std::array::from_fn(|at| libc::mmsghdr { msg_hdr: message(at).header(), msg_len: 0 });
        // SAFETY: the headers and all that they point to live until the call returns; it writes only
        // their lengths.
        result(unsafe {
            let fd = self.from.as_raw_fd();
            libc::syscall(libc::SYS_sendmmsg, fd, messages.as_mut_ptr(), MESSAGES, 0)
        })
    }

    fn receive_several(&self) -> io::Result<usize> {
        let mut rooms: [_; MESSAGES] = std::array::from_fn(|_| Room::new(64, 0));
        let mut messages =
            rooms.each_mut().map(|room| libc::mmsghdr { msg_hdr: room.header(), msg_len: 0 });
        let none = ptr::null::<libc::timespec>();
        // SAFETY: the headers and the rooms that they point to live until the call returns.
        result(unsafe {
            let (fd, flags) = (self.to.as_raw_fd(), libc::MSG_DONTWAIT);
            libc::syscall(libc::SYS_recvmmsg, fd, messages.as_mut_ptr(), MESSAGES, flags, none)
        })
    }

    fn send_file(&self, offset: Option<libc::off_t>) -> io::Result<usize> {
        let mut place = offset.unwrap_or_default();
        let place = if offset.is_some() { &raw mut place } else { ptr::null_mut() };
        let (out, from) = (self.stream.as_raw_fd(), self.file.as_raw_fd());
        // SAFETY: the kernel reads and writes one offset, if any.
        result(unsafe { libc::syscall(libc::SYS_sendfile, out, from, place, FILE.len()) })
    }
}

impl Traffic for Relatives {
    fn round(&mut self, _round: usize, tally: &mut Tally) -> io::Result<()> {
        tally.count_of("sendto", self.send_to(b"without a message header"));
        tally.count_of("recvfrom", self.receive_from());
        // Nothing is there any more.
        tally.count_of("recvfrom", self.receive_from());

        tally.count_messages("sendmmsg", self.send_several());
        tally.count_messages("recvmmsg", self.receive_several());

        tally.count_of("sendfile", self.send_file(Some(5)));
        // From the file's own position.
        (&self.file).rewind()?;
        tally.count_of("sendfile", self.send_file(None));
        tally.count_of("recvmsg", receive(&self.stream_end, &mut Room::new(128, 0), 0));
        Ok(())
    }
}

/// A netlink socket that asks which interface is the first.
pub struct Netlink(OwnedFd);

/// `struct nlmsghdr` and `struct ifinfomsg` of RTM_GETLINK (rtnetlink(7)).
const QUESTION: usize = 32;
const RTM_GETLINK: u16 = 18;
const NLM_F_REQUEST: u16 = 1;

impl Netlink {
    pub fn open() -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: the call takes no pointers, and what it returns is nobody else's.
        unsafe {
            let fd = result(libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE).into())?;
            Ok(Self(OwnedFd::from_raw_fd(fd as i32)))
        }
    }
}

impl Traffic for Netlink {
    fn round(&mut self, round: usize, tally: &mut Tally) -> io::Result<()> {
        let mut question = [0; QUESTION];
        question[..4].copy_from_slice(&(QUESTION as u32).to_ne_bytes());
        question[4..6].copy_from_slice(&RTM_GETLINK.to_ne_bytes());
        question[6..8].copy_from_slice(&NLM_F_REQUEST.to_ne_bytes());
        question[8..12].copy_from_slice(&(round as u32).to_ne_bytes());
        // ifinfomsg.ifi_index, after family, padding and type.
        question[20..24].copy_from_slice(&1i32.to_ne_bytes());
        // SAFETY: integers, for which zero is a value: the kernel is process 0.
        let mut kernel: libc::sockaddr_nl = unsafe { mem::zeroed() };
        kernel.nl_family = libc::AF_NETLINK as u16;
        let name = [&kernel.nl_family.to_ne_bytes()[..], &[0; 10]].concat();
        let parts = [IoSlice::new(&question)];
        tally.count(Message { name: &name, parts: &parts, control: &[] }.send(&self.0, 0));
        drain(&self.0)
    }
}
