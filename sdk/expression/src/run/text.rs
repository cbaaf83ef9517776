//! Texts of an event. What is not there as it is shown is written into a room that is used again.

use std::io::Write;

use weir_sdk::{Address, Destination, Event, Group, Toctou};

use super::field::has_name;
use crate::{Field, Names, Text};

/// `AF_PACKET` (include/linux/socket.h).
const AF_PACKET: u16 = 17;
/// `VMADDR_CID_ANY`, `VMADDR_PORT_ANY` (include/uapi/linux/vm_sockets.h).
const VMADDR_ANY: u32 = u32::MAX;

/// Room for two texts, since two are compared.
#[derive(Debug, Default)]
pub struct Room {
    /// For the one.
    pub left: Vec<u8>,
    /// For the other.
    pub right: Vec<u8>,
}

/// A text, where it is there.
pub fn text<'a>(
    event: &Event<'a>,
    text: &'a Text,
    names: &'a Names,
    room: &'a mut Vec<u8>,
) -> Option<&'a [u8]> {
    match text {
        Text::Constant(constant) => Some(constant),
        Text::Attr(name) => attr(event, name),
        Text::Field(field) => of(event, *field, names, room),
    }
}

/// The attribute of a name: the last one, if there are several.
pub fn attr<'a>(event: &Event<'a>, name: &[u8]) -> Option<&'a [u8]> {
    let found = event.attrs().filter(|(known, _)| known.as_bytes() == name).last()?;
    Some(found.1.as_bytes())
}

/// Whether a text of the event is there.
pub fn is_there(event: &Event, field: Field) -> bool {
    match field {
        // Names need not be looked up for that.
        Field::SocketFamily | Field::SocketType | Field::SocketProtocol | Field::SocketState => {
            event.socket().is_some()
        }
        Field::Call => true,
        Field::Error => event.error().is_some(),
        field => of(event, field, &Names::default(), &mut Vec::new()).is_some(),
    }
}

fn of<'a>(
    event: &Event<'a>,
    field: Field,
    names: &'a Names,
    room: &'a mut Vec<u8>,
) -> Option<&'a [u8]> {
    let socket = || event.socket();
    Some(match field {
        Field::Call => event.call().as_bytes(),
        Field::Error => {
            let error = event.error()?;
            match error.name() {
                Some(name) => name.as_bytes(),
                None => written(room, error),
            }
        }
        Field::User => event.user()?.as_bytes(),
        Field::Comm => event.comm().as_bytes(),
        Field::Exe => event.exe()?.as_bytes(),
        Field::Cgroup => event.cgroup()?.as_bytes(),
        Field::ContainerId => event.container()?.id.as_bytes(),
        Field::Runtime => event.container()?.runtime?.as_bytes(),
        Field::Pod => event.container()?.pod?.as_bytes(),
        Field::SocketFamily => name(&names.families, socket()?.family().into(), room),
        Field::SocketType => name(&names.types, socket()?.socket_type().into(), room),
        Field::SocketState => name(&names.states, socket()?.state().into(), room),
        Field::SocketProtocol => {
            let socket = socket()?;
            let (family, protocol) = (u32::from(socket.family()), u32::from(socket.protocol()));
            match known(&names.protocols, family << 16 | protocol) {
                Some(name) => name,
                None => written(room, format_args!("{protocol:#x}")),
            }
        }
        Field::Local => address(socket()?.local()?, room)?,
        Field::Peer => address(socket()?.peer()?, room)?,
        Field::NameFamily => {
            let too_short = matches!(event.destination(), Destination::Other { raw: [_], .. });
            if too_short || !has_name(event) {
                return None;
            }
            name(&names.families, event.family().into(), room)
        }
        Field::NameAddress => match event.destination() {
            Destination::Inet(to) => written(room, to.ip()),
            Destination::Inet6(to) => written(room, to.ip()),
            Destination::Other { family: AF_PACKET, raw } => hardware(raw, room)?,
            _ => return None,
        },
        Field::NamePath => event.destination().path()?.as_bytes(),
        Field::Payload if event.status(Group::Payload).is_read() => event.payload(),
        Field::InFile => event.sendfile()?.in_file?.as_bytes(),
        Field::OutFile => event.sendfile()?.out_file?.as_bytes(),
        Field::Toctou => match event.toctou() {
            Toctou::Same => b"same",
            Toctou::Changed => b"changed",
            Toctou::Unread => b"unread",
            _ => return None,
        },
        // Lists as one text, for labels.
        Field::Flags => flags(event.flags(), names, room),
        Field::MsgFlags => flags(event.msg_flags()?, names, room),
        Field::Cmdline => {
            room.clear();
            for argument in event.cmdline() {
                if !room.is_empty() {
                    room.push(b' ');
                }
                room.extend_from_slice(argument.as_bytes());
            }
            Some(room).filter(|line| !line.is_empty())?
        }
        _ => return None,
    })
}

/// Whether a list has a text in it.
pub fn has(event: &Event, field: Field, item: &[u8], names: &Names, room: &mut Vec<u8>) -> bool {
    let bits = match field {
        Field::Flags => Some(event.flags()),
        Field::MsgFlags => event.msg_flags(),
        Field::Cmdline => return event.cmdline().any(|argument| argument.as_bytes() == item),
        _ => None,
    };
    let Some(bits) = bits else { return false };
    let named = names.flags.iter().filter(|(bit, _)| bits & bit != 0);
    let rest = named.clone().fold(bits, |rest, (bit, _)| rest & !bit);
    named.into_iter().any(|(_, name)| name.as_bytes() == item)
        || (rest != 0 && written(room, format_args!("{rest:#x}")) == item)
}

fn written(room: &mut Vec<u8>, what: impl std::fmt::Display) -> &[u8] {
    room.clear();
    write!(room, "{what}").expect("memory takes all");
    room
}

fn known(names: &[(u32, String)], number: u32) -> Option<&[u8]> {
    let index = names.binary_search_by_key(&number, |&(number, _)| number).ok()?;
    Some(names[index].1.as_bytes())
}

/// The number's name; the number in hex where it has none.
fn name<'a>(names: &'a [(u32, String)], number: u32, room: &'a mut Vec<u8>) -> &'a [u8] {
    match known(names, number) {
        Some(name) => name,
        None => written(room, format_args!("{number:#x}")),
    }
}

fn address<'a>(address: Address<'a>, room: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    match address {
        Address::Unix(path) => Some(path.as_bytes()).filter(|path| !path.is_empty()),
        Address::Vsock { cid: VMADDR_ANY, port: VMADDR_ANY } => None,
        Address::Packet { protocol: 0, ifindex: 0 } => None,
        address => Some(written(room, address)),
    }
}

/// The address in a `struct sockaddr_ll` (include/uapi/linux/if_packet.h).
fn hardware<'a>(raw: &[u8], room: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    let len = usize::from(*raw.get(11)?);
    let address = raw.get(12..)?;
    room.clear();
    for (index, byte) in address.iter().take(len).enumerate() {
        let colon = if index > 0 { ":" } else { "" };
        write!(room, "{colon}{byte:02x}").expect("memory takes all");
    }
    Some(room)
}

fn flags<'a>(bits: u32, names: &Names, room: &'a mut Vec<u8>) -> &'a [u8] {
    room.clear();
    let mut rest = bits;
    let mut add = |name: std::fmt::Arguments| {
        let bar = if room.is_empty() { "" } else { "|" };
        write!(room, "{bar}{name}").expect("memory takes all");
    };
    for (bit, name) in &names.flags {
        if bits & bit != 0 {
            add(format_args!("{name}"));
            rest &= !bit;
        }
    }
    if rest != 0 {
        add(format_args!("{rest:#x}"));
    }
    room
}
