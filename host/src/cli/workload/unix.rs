//! Unix sockets: datagrams by path and by abstract name, and a pair of streams.

use std::{
    io::{self, IoSlice},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram, UnixStream},
    },
};

use super::{Tally, Traffic, address, folder::Folder, message::Message, socket::drain};

/// A socket that sends datagrams to another.
pub struct Datagrams {
    from: UnixDatagram,
    to: UnixDatagram,
    name: Vec<u8>,
}

impl Datagrams {
    /// To a path.
    pub fn to_path(folder: &Folder) -> io::Result<Self> {
        let path = folder.join("datagrams.sock");
        let to = UnixDatagram::bind(&path)?;
        Ok(Self { from: UnixDatagram::unbound()?, to, name: address::path(&path) })
    }

    /// To an abstract name.
    pub fn to_abstract_name() -> io::Result<Self> {
        let name = format!("weir-workload-{}", std::process::id());
        let to = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        let name = address::abstract_name(name.as_bytes());
        Ok(Self { from: UnixDatagram::unbound()?, to, name })
    }
}

impl Traffic for Datagrams {
    fn round(&mut self, _round: usize, tally: &mut Tally) -> io::Result<()> {
        let parts = [IoSlice::new(b"a datagram")];
        let message = Message { name: &self.name, parts: &parts, ..Message::default() };
        tally.count(message.send(&self.from, 0));
        drain(&self.to)
    }
}

/// Two connected streams.
pub struct Stream {
    from: UnixStream,
    to: UnixStream,
}

impl Stream {
    /// A new pair.
    pub fn pair() -> io::Result<Self> {
        let (from, to) = UnixStream::pair()?;
        Ok(Self { from, to })
    }
}

impl Traffic for Stream {
    fn round(&mut self, _round: usize, tally: &mut Tally) -> io::Result<()> {
        let parts = [IoSlice::new(b"part of a stream")];
        let message = Message { parts: &parts, ..Message::default() };
        tally.count(message.send(&self.from, 0));
        drain(&self.to)
    }
}
