//! The names of numbers, as the event's JSON has them: it is asked for them, so that the two cannot differ.

use std::sync::LazyLock;

use serde_json::Value;
use weir_expression::{Field, Names, Program};
use weir_sdk::event::{CALL_SENDMSG, GROUP_MSG, GROUP_SOCKET, Head, STATUS_OK};

use crate::decode::Batch;

type Table = Vec<(u32, String)>;

/// The names that a program needs.
pub fn of(program: &Program) -> Names {
    let mut fields: Vec<_> = program.steps.iter().flat_map(|step| step.test.fields()).collect();
    fields.extend(program.aggregate.iter().flat_map(|aggregate| aggregate.fields()));
    let has = |field| fields.contains(&field);
    let needed = |table: &Table, needed| if needed { table.clone() } else { Vec::new() };
    Names {
        families: needed(&FAMILIES, has(Field::SocketFamily) || has(Field::NameFamily)),
        types: needed(&TYPES, has(Field::SocketType)),
        protocols: needed(&PROTOCOLS, has(Field::SocketProtocol)),
        states: needed(&STATES, has(Field::SocketState)),
        flags: needed(&FLAGS, has(Field::Flags) || has(Field::MsgFlags)),
    }
}

/// The names that a field can have, as far as they are names.
pub fn known(field: Field) -> Option<&'static Table> {
    Some(match field {
        Field::SocketFamily | Field::NameFamily => &FAMILIES,
        Field::SocketType => &TYPES,
        Field::SocketProtocol => &PROTOCOLS,
        Field::SocketState => &STATES,
        Field::Flags | Field::MsgFlags => &FLAGS,
        _ => return None,
    })
}

/// Above the highest of the kernel's.
const MOST_FAMILIES: u16 = 128;

static FAMILIES: LazyLock<Table> = LazyLock::new(|| {
    let numbers = 0..MOST_FAMILIES;
    table(
        "/socket/family",
        numbers.map(|family| (family.into(), Head { sock_family: family, ..head() })),
    )
});

static TYPES: LazyLock<Table> = LazyLock::new(|| {
    table(
        "/socket/type",
        (0..64).map(|number| (number.into(), Head { sock_type: number, ..head() })),
    )
});

static STATES: LazyLock<Table> = LazyLock::new(|| {
    table(
        "/socket/state",
        (0..64).map(|number| (number.into(), Head { sock_state: number, ..head() })),
    )
});

static PROTOCOLS: LazyLock<Table> = LazyLock::new(|| {
    // IPv4, IPv6, netlink, CAN, Bluetooth: the others' protocols have no names.
    let families = [2, 10, 16, 29, 31];
    let numbers =
        families.into_iter().flat_map(|family| (0..300).map(move |number| (family, number)));
    table(
        "/socket/protocol",
        numbers.map(|(family, number)| {
            let head = Head { sock_family: family, sock_protocol: number, ..head() };
            (u32::from(family) << 16 | u32::from(number), head)
        }),
    )
});

static FLAGS: LazyLock<Table> = LazyLock::new(|| {
    table("/flags/0", (0..32).map(|bit| (1 << bit, Head { flags: 1 << bit, ..head() })))
});

fn head() -> Head {
    let mut head = Head { call: CALL_SENDMSG, ..Head::default() };
    (head.status[GROUP_SOCKET], head.status[GROUP_MSG]) = (STATUS_OK, STATUS_OK);
    head
}

/// What the event's JSON says at a place, by number, where it is a name.
fn table(place: &str, heads: impl Iterator<Item = (u32, Head)>) -> Table {
    let mut batch = Batch::default();
    let mut table = Table::new();
    for (number, head) in heads {
        batch.heads.clear();
        batch.push(head);
        let event = serde_json::to_value(batch.event(0)).expect("an event is plain data");
        if let Some(name) = event.pointer(place).and_then(Value::as_str)
            && !name.starts_with("0x")
        {
            table.push((number, name.to_owned()));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_in_the_event() {
        let check = |field, number: u32, name: &str| {
            assert!(known(field).unwrap().contains(&(number, name.to_owned())), "{name}");
        };
        check(Field::SocketFamily, 10, "AF_INET6");
        check(Field::NameFamily, 16, "AF_NETLINK");
        check(Field::SocketType, 2, "SOCK_DGRAM");
        check(Field::SocketState, 10, "TCP_LISTEN");
        check(Field::SocketProtocol, 2 << 16 | 17, "IPPROTO_UDP");
        check(Field::SocketProtocol, 16 << 16 | 16, "NETLINK_GENERIC");
        check(Field::Flags, 0x40, "MSG_DONTWAIT");
        check(Field::MsgFlags, 1 << 31, "MSG_CMSG_COMPAT");
    }
}
