//! UDP and TCP on loopback.

use std::{
    io::{self, IoSlice},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket},
};

use super::{Tally, Traffic, address, message::Message, socket::drain};

/// Payload sizes in bytes, one a round: nothing, a byte, a usual one, about an Ethernet frame's.
const SIZES: [usize; 4] = [0, 1, 512, 1400];
static PAYLOAD: [u8; 1400] = [b'w'; 1400];

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// A socket that sends datagrams to another.
pub struct Udp {
    from: UdpSocket,
    to: UdpSocket,
    /// Empty if connected.
    name: Vec<u8>,
}

impl Udp {
    /// Over IPv4, not connected.
    pub fn v4() -> io::Result<Self> {
        Self::open(V4)
    }

    /// Over IPv6, not connected.
    pub fn v6() -> io::Result<Self> {
        Self::open(V6)
    }

    /// Over IPv4, connected.
    pub fn connected() -> io::Result<Self> {
        let udp = Self::open(V4)?;
        udp.from.connect(udp.to.local_addr()?)?;
        Ok(Self { name: Vec::new(), ..udp })
    }

    fn open(ip: IpAddr) -> io::Result<Self> {
        Self::to(ip, 0)
    }

    fn to(ip: IpAddr, port: u16) -> io::Result<Self> {
        let (from, to) = (UdpSocket::bind((ip, 0))?, UdpSocket::bind((ip, port))?);
        let name = address::inet(to.local_addr()?);
        Ok(Self { from, to, name })
    }
}

impl Traffic for Udp {
    fn round(&mut self, round: usize, tally: &mut Tally) -> io::Result<()> {
        let parts = [IoSlice::new(&PAYLOAD[..SIZES[round % SIZES.len()]])];
        let message = Message { name: &self.name, parts: &parts, ..Message::default() };
        tally.count(message.send(&self.from, 0));
        drain(&self.to)
    }
}

/// Ports that services are known by: mDNS, StatsD, OTLP.
const SERVICE_PORTS: [u16; 3] = [5353, 8125, 4317];
/// A loopback address on which a real service is unlikely to listen.
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 0, 1));

/// Sockets that send to ports by which services are known, and receive there themselves.
pub struct Services(Vec<Udp>);

impl Services {
    /// On those ports that are free.
    pub fn open() -> io::Result<Self> {
        let open = |port| Udp::to(NOBODY, port);
        let (sockets, errors): (Vec<_>, Vec<_>) =
            SERVICE_PORTS.into_iter().map(open).partition(Result::is_ok);
        let sockets: Vec<_> = sockets.into_iter().flatten().collect();
        match errors.into_iter().find_map(Result::err) {
            Some(error) if sockets.is_empty() => Err(error),
            _ => Ok(Self(sockets)),
        }
    }
}

impl Traffic for Services {
    fn round(&mut self, round: usize, tally: &mut Tally) -> io::Result<()> {
        self.0.iter_mut().try_for_each(|socket| socket.round(round, tally))
    }
}

/// A connection.
pub struct Tcp {
    from: TcpStream,
    to: TcpStream,
}

impl Tcp {
    /// Over IPv4.
    pub fn v4() -> io::Result<Self> {
        Self::open(V4)
    }

    /// Over IPv6.
    pub fn v6() -> io::Result<Self> {
        Self::open(V6)
    }

    fn open(ip: IpAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((ip, 0))?;
        let from = TcpStream::connect(listener.local_addr()?)?;
        // Nobody else knows the port, and who comes first is taken first.
        let (to, _) = listener.accept()?;
        Ok(Self { from, to })
    }
}

impl Traffic for Tcp {
    fn round(&mut self, round: usize, tally: &mut Tally) -> io::Result<()> {
        let parts = [IoSlice::new(&PAYLOAD[..SIZES[round % SIZES.len()]])];
        let message = Message { parts: &parts, ..Message::default() };
        tally.count(message.send(&self.from, libc::MSG_NOSIGNAL));
        drain(&self.to)
    }
}
