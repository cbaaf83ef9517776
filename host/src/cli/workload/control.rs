//! Control messages that are sent: of unix sockets, and of UDP.

use std::{
    fs::File,
    io::{self, IoSlice},
    net::{Ipv4Addr, UdpSocket},
    os::{fd::AsRawFd, unix::net::UnixDatagram},
};

use super::{
    Tally, Traffic, address,
    message::{Message, control, control_of},
    socket::drain,
};

/// The user and group that some claim to be: nobody's.
const NOBODY: u32 = 65534;
/// Time to live, type of service and segment size of some datagrams; any would do.
const TTL: i32 = 7;
const TOS: i32 = 0x10;
const SEGMENT: u16 = 16;

/// Control messages.
pub struct Control {
    from: UnixDatagram,
    to: UnixDatagram,
    udp: UdpSocket,
    udp_to: UdpSocket,
    /// What is passed on.
    files: [File; 2],
}

impl Control {
    pub fn open() -> io::Result<Self> {
        let (from, to) = UnixDatagram::pair()?;
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let udp_to = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let files =
            [File::open("/dev/null")?, File::open("/etc/hostname").or_else(|_| File::open("/"))?];
        Ok(Self { from, to, udp, udp_to, files })
    }

    fn rights(&self, descriptors: usize) -> Vec<u8> {
        let files = self.files.iter().take(descriptors);
        let numbers = files.flat_map(|file| file.as_raw_fd().to_ne_bytes());
        control(libc::SCM_RIGHTS, &numbers.collect::<Vec<_>>())
    }
}

/// `struct ucred`: pid, uid, gid.
fn credentials(uid: u32, gid: u32) -> Vec<u8> {
    let credentials = [std::process::id(), uid, gid].map(u32::to_ne_bytes).concat();
    control(libc::SCM_CREDENTIALS, &credentials)
}

impl Traffic for Control {
    fn round(&mut self, _round: usize, tally: &mut Tally) -> io::Result<()> {
        // SAFETY: the calls have no precondition.
        let (uid, gid) = unsafe { (libc::getuid(), libc::getgid()) };
        let both = [self.rights(2), credentials(uid, gid)].concat();
        let parts = [IoSlice::new(b"with control messages")];
        // The last fails with EPERM unless the caller may speak for others.
        for control in [&self.rights(1), &both, &credentials(NOBODY, NOBODY)] {
            let message = Message { parts: &parts, control, ..Message::default() };
            tally.count(message.send(&self.from, 0));
        }
        // Received without room for control messages, which closes the descriptors passed on.
        drain(&self.to)?;

        let name = address::inet(self.udp_to.local_addr()?);
        // struct in_pktinfo: any interface, from this address.
        let from = [[0; 4], Ipv4Addr::LOCALHOST.octets(), [0; 4]].concat();
        let control = [
            control_of(libc::IPPROTO_IP, libc::IP_PKTINFO, &from),
            control_of(libc::IPPROTO_IP, libc::IP_TTL, &TTL.to_ne_bytes()),
            control_of(libc::IPPROTO_IP, libc::IP_TOS, &TOS.to_ne_bytes()),
            control_of(libc::SOL_UDP, libc::UDP_SEGMENT, &SEGMENT.to_ne_bytes()),
        ]
        .concat();
        let message = Message { name: &name, parts: &parts, control: &control };
        tally.count(message.send(&self.udp, 0));
        drain(&self.udp_to)
    }
}
