//! Messages that are received by recvmsg, with what the kernel says of them.

use std::{
    fs::File,
    io::{self, IoSlice},
    mem,
    net::{Ipv4Addr, UdpSocket},
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::net::UnixDatagram,
    },
};

use super::{
    Tally, Traffic, address,
    folder::Folder,
    message::{Message, control, result},
};

/// Room for control messages in bytes: more than those asked for here need.
const CONTROL: usize = 256;

/// What a receiver offers: room for the source, for a payload and for control messages.
pub struct Room {
    name: [u8; 128],
    payload: Vec<u8>,
    /// Words, since control messages are aligned to them.
    control: Vec<u64>,
    part: libc::iovec,
}

impl Room {
    /// So many bytes of payload and of control messages.
    pub fn new(payload: usize, control: usize) -> Self {
        let part = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: payload };
        let control = vec![0; control / size_of::<u64>()];
        Self { name: [0; 128], payload: vec![0; payload], control, part }
    }

    /// `struct msghdr`, which points into this room: it must not be moved while that is in use.
    pub fn header(&mut self) -> libc::msghdr {
        self.part.iov_base = self.payload.as_mut_ptr().cast();
        // SAFETY: integers and pointers, for which zero is a value.
        let mut header: libc::msghdr = unsafe { mem::zeroed() };
        header.msg_name = self.name.as_mut_ptr().cast();
        header.msg_namelen = self.name.len() as libc::socklen_t;
        header.msg_iov = &raw mut self.part;
        header.msg_iovlen = 1;
        if !self.control.is_empty() {
            header.msg_control = self.control.as_mut_ptr().cast();
            header.msg_controllen = size_of_val(&self.control[..]) as _;
        }
        header
    }
}

/// `recvmsg(2)`, without waiting. Descriptors that came are closed.
pub fn receive(socket: impl AsFd, room: &mut Room, flags: i32) -> io::Result<usize> {
    let mut header = room.header();
    let flags = flags | libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the header and the room that it points to live until the call returns.
    let received = result(unsafe { libc::syscall(libc::SYS_recvmsg, fd, &raw mut header, flags) })?;
    close_received(&header);
    Ok(received)
}

/// Closes what came by SCM_RIGHTS.
fn close_received(header: &libc::msghdr) {
    // SAFETY: the kernel has filled in as much as the header says, and its descriptors are nobody
    // else's.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while let Some(&libc::cmsghdr { cmsg_len, cmsg_level, cmsg_type }) = message.as_ref() {
            if (cmsg_level, cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                // As wide as the C library makes it.
                let len: usize = cmsg_len as _;
                let bytes = len - libc::CMSG_LEN(0) as usize;
                let numbers = libc::CMSG_DATA(message).cast::<RawFd>();
                for at in 0..bytes / size_of::<RawFd>() {
                    drop(OwnedFd::from_raw_fd(numbers.add(at).read_unaligned()));
                }
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
}

/// Sockets that ask for what the kernel can say of a message.
pub struct Received {
    from: UnixDatagram,
    to: UnixDatagram,
    udp: UdpSocket,
    udp_to: UdpSocket,
    name: Vec<u8>,
    /// What is passed on.
    file: File,
}

impl Received {
    pub fn open(folder: &Folder) -> io::Result<Self> {
        let from = UnixDatagram::bind(folder.join("sender.sock"))?;
        let path = folder.join("receiver.sock");
        let to = UnixDatagram::bind(&path)?;
        from.connect(path)?;
        switch_on(&to, libc::SOL_SOCKET, libc::SO_PASSCRED)?;
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
        let (udp, udp_to) = (bind()?, bind()?);
        switch_on(&udp_to, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS)?;
        for option in [libc::IP_PKTINFO, libc::IP_RECVTTL, libc::IP_RECVTOS] {
            switch_on(&udp_to, libc::IPPROTO_IP, option)?;
        }
        let name = address::inet(udp_to.local_addr()?);
        Ok(Self { from, to, udp, udp_to, name, file: File::open("/dev/null")? })
    }
}

fn switch_on(socket: impl AsFd, level: i32, option: i32) -> io::Result<()> {
    let (fd, on) = (socket.as_fd().as_raw_fd(), 1i32);
    let len = size_of_val(&on) as libc::socklen_t;
    // SAFETY: the kernel reads one integer.
    result(unsafe { libc::setsockopt(fd, level, option, (&raw const on).cast(), len) }.into())?;
    Ok(())
}

impl Traffic for Received {
    fn round(&mut self, _round: usize, tally: &mut Tally) -> io::Result<()> {
        let rights = control(libc::SCM_RIGHTS, &self.file.as_raw_fd().to_ne_bytes());
        let parts = [IoSlice::new(b"with a descriptor, and with who sends it")];
        let passing = Message { parts: &parts, control: &rights, ..Message::default() };
        tally.count(passing.send(&self.from, 0));
        tally.count_of("recvmsg", receive(&self.to, &mut Room::new(64, CONTROL), 0));

        // Into little room: MSG_TRUNC, and MSG_CTRUNC since none is for control messages.
        tally.count(passing.send(&self.from, 0));
        tally.count_of("recvmsg", receive(&self.to, &mut Room::new(8, 0), libc::MSG_TRUNC));

        let parts = [IoSlice::new(b"with when, where to and how far")];
        let message = Message { name: &self.name, parts: &parts, ..Message::default() };
        tally.count(message.send(&self.udp, 0));
        tally.count_of("recvmsg", receive(&self.udp_to, &mut Room::new(64, CONTROL), 0));
        // Nothing is there any more.
        tally.count_of("recvmsg", receive(&self.udp_to, &mut Room::new(64, CONTROL), 0));
        Ok(())
    }
}
