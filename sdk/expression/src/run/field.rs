//! Numbers and bools of an event.

use weir_sdk::{Address, Call, Destination, Event, Group, Toctou};

use super::text;
use crate::{Field, Number, Part};

/// A number of the event, where it is there.
pub fn number(event: &Event, number: &Number) -> Option<i128> {
    match number {
        Number::Constant(constant) => Some(*constant),
        Number::Field(field) => of(event, *field),
        Number::Calculated(a, arithmetic, b) => {
            arithmetic.of(self::number(event, a)?, self::number(event, b)?)
        }
    }
}

/// Whether something is there.
pub fn is_there(event: &Event, part: &Part) -> bool {
    match part {
        Part::Attr(name) => text::attr(event, name).is_some(),
        Part::Number(calculated) => number(event, calculated).is_some(),
        Part::Field(field) => match field {
            Field::Container => event.container().is_some(),
            Field::Socket => event.socket().is_some(),
            Field::PeerProcess => event.socket().and_then(|socket| socket.peer_process()).is_some(),
            Field::Name => has_name(event),
            Field::Sendfile => event.is(Call::Sendfile),
            Field::Kernel => kernel(event).is_some(),
            Field::Compat | Field::Flags => true,
            Field::MsgFlags => event.msg_flags().is_some(),
            Field::Cmdline => event.cmdline().next().is_some(),
            field => of(event, *field).is_some() || text::is_there(event, *field),
        },
    }
}

/// A bool of the event.
pub fn is_true(event: &Event, field: Field) -> bool {
    field == Field::Compat && event.compat()
}

/// Whether there is an address.
pub fn has_name(event: &Event) -> bool {
    match event.destination() {
        Destination::None | Destination::Unread => false,
        Destination::Other { raw, .. } => !raw.is_empty(),
        _ => true,
    }
}

/// What the kernel used, if that is another.
fn kernel<'a>(event: &Event<'a>) -> Option<weir_sdk::Kernel<'a>> {
    event.kernel().filter(|_| event.toctou() == Toctou::Changed)
}

fn of(event: &Event, field: Field) -> Option<i128> {
    let socket = || event.socket();
    let peer = || socket()?.peer_process();
    Some(match field {
        Field::Seq => event.seq().into(),
        Field::Time => event.time_ns().into(),
        Field::Index => event.index()?.into(),
        Field::Vlen => event.vlen()?.into(),
        Field::Cpu => event.cpu().into(),
        Field::DurationNs => event.duration_ns().into(),
        Field::Ret => event.ret().max(-1).into(),
        Field::Pid => event.pid().into(),
        Field::Tid => event.tid().into(),
        Field::Ppid if event.status(Group::Ppid).is_read() => event.ppid()?.into(),
        Field::Uid => event.uid().into(),
        Field::Gid => event.gid().into(),
        Field::Started => event.started_ns()?.into(),
        Field::CgroupId => event.cgroup_id().into(),
        Field::Netns => event.netns()?.into(),
        Field::Fd => event.fd().into(),
        Field::SocketInode => Some(socket()?.inode()).filter(|&inode| inode != 0)?.into(),
        Field::SocketCookie => socket()?.cookie()?.into(),
        Field::SocketNetns => socket()?.netns()?.into(),
        Field::PeerPid => peer()?.pid.into(),
        Field::PeerUid => peer()?.uid.into(),
        Field::PeerGid => peer()?.gid.into(),
        Field::NamePort => match event.destination() {
            Destination::Other { raw, .. } => match Address::parse(raw)? {
                Address::Vsock { port, .. } => port.into(),
                _ => return None,
            },
            other => other.port()?.into(),
        },
        Field::Namelen => event.namelen()?.into(),
        Field::NamelenRoom => event.name_room()?.into(),
        Field::Iovlen => event.iovlen()?.into(),
        Field::Bytes => event.bytes()?.into(),
        Field::PayloadLen if event.status(Group::Payload).is_read() => {
            event.payload().len() as i128
        }
        Field::Controllen => event.controllen().filter(|_| has_header(event))?.into(),
        Field::ControllenRoom => event.control_room()?.into(),
        Field::InFd => event.sendfile()?.in_fd.into(),
        Field::OutFd if event.is(Call::Sendfile) => event.fd().into(),
        Field::Offset => event.sendfile()?.offset?.into(),
        Field::OffsetAfter => event.sendfile()?.offset.and(event.sendfile()?.offset_after)?.into(),
        Field::Count if event.is(Call::Sendfile) => event.bytes()?.into(),
        Field::KernelNamelen => kernel(event)?.raw_name().len() as i128,
        Field::KernelBytes => kernel(event)?.bytes().into(),
        _ => return None,
    })
}

/// Whether there is a `struct msghdr`, the caller's or io_uring's.
pub fn has_header(event: &Event) -> bool {
    let calls = [Call::Sendmsg, Call::Sendmmsg, Call::Recvmsg, Call::Recvmmsg, Call::IoUring];
    calls.into_iter().any(|call| event.is(call))
}
