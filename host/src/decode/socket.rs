//! The socket behind the descriptor as JSON.

use std::{borrow::Cow, net::Ipv4Addr};

use serde::Serialize;
use weir_sdk::event::{AF_INET, AF_INET6, GROUP_SOCKET, Head, Span};

use super::{
    Batch,
    address::{Address, Endpoint},
    event::read,
    names::{self, socket},
};

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Socket {
    family: Cow<'static, str>,
    r#type: Cow<'static, str>,
    protocol: Cow<'static, str>,
    state: Cow<'static, str>,
    inode: Option<u64>,
    cookie: Option<u64>,
    netns: Option<u32>,
    local: Option<String>,
    peer: Option<String>,
    peer_process: Option<Peer>,
}

/// The process that holds the other end of a unix socket.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Peer {
    pid: u32,
    uid: u32,
    gid: u32,
}

impl Socket {
    /// `None` if the descriptor is not a socket, or that was not seen.
    pub fn new(head: &Head, batch: &Batch) -> Option<Self> {
        read(head, GROUP_SOCKET).then(|| Self {
            family: names::family(head.sock_family),
            r#type: names::name(socket::TYPES, head.sock_type.into()),
            protocol: names::protocol(head.sock_family, head.sock_protocol),
            state: names::name(socket::STATES, head.sock_state.into()),
            inode: Some(head.sock_inode).filter(|&inode| inode != 0),
            cookie: Some(head.sock_cookie).filter(|&cookie| cookie != 0),
            netns: Some(head.sock_netns).filter(|&inode| inode != 0),
            local: end(head, head.local_addr, head.local_port, head.local, batch),
            peer: end(head, head.peer_addr, head.peer_port, head.peer, batch),
            peer_process: (head.peer_pid != 0).then_some(Peer {
                pid: head.peer_pid,
                uid: head.peer_uid,
                gid: head.peer_gid,
            }),
        })
    }
}

/// One end: by number for IPv4 and IPv6, else as `struct sockaddr`.
fn end(head: &Head, number: [u8; 16], port: u16, raw: Span, batch: &Batch) -> Option<String> {
    let raw = batch.part(raw);
    let address = match head.sock_family {
        AF_INET => {
            let [a, b, c, d, ..] = number;
            Address::Inet { address: Ipv4Addr::new(a, b, c, d), port }
        }
        AF_INET6 => Address::Inet6 { address: number.into(), port, flowinfo: 0, scope_id: 0 },
        _ => Address::parse(raw),
    };
    address.is_somewhere().then(|| Endpoint(address, raw).to_string())
}
