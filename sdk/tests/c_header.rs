//! The C header has the same layout as the definition in Rust.

use std::{collections::BTreeMap, mem::offset_of};

use weir_sdk::event::*;

const HEADER: &str = include_str!("../c/weir.h");

/// Fields and their offsets, as the header asserts them of its own struct.
fn asserted(of: &str) -> BTreeMap<String, usize> {
    let lines = HEADER.lines().filter_map(|line| line.strip_prefix(&format!("WEIR_AT({of}, ")));
    lines
        .map(|line| {
            let (field, offset) = line.trim_end_matches(");").split_once(", ").unwrap();
            (field.to_owned(), offset.parse().unwrap())
        })
        .collect()
}

macro_rules! offsets {
    ($type:ident: $($field:ident),* $(,)?) => {{
        // Names every field: a new one does not compile here.
        let $type { $($field: _),* } = $type::default();
        BTreeMap::from([$((stringify!($field).to_owned(), offset_of!($type, $field))),*])
    }};
}

#[test]
fn offsets_of_the_batch_header() {
    let mut expected = offsets!(
        BatchHeader: version, count, stride, heads, verdicts, heap, heap_len, reserved, first_seq, lost_before,
        now_ns,
    );
    expected.retain(|field, _| !["version", "reserved"].contains(&field.as_str()));
    assert_eq!(asserted("weir_batch_header"), expected);
}

#[test]
fn offsets_of_the_head() {
    let mut expected = offsets!(
        Head: seq, time_ns, duration_ns, ret, bytes, cgroup_id, start_ns, msg_ptr, iovlen, controllen, pid, tid,
        ppid, uid, gid, cpu, fd, flags, namelen, scope_id, call, family, port, reserved, status, comm, addr, name,
        path, attrs, exe, cgroup, offset, offset_after, sock_inode, sock_cookie, control_room, index, vlen, in_fd,
        name_room, msg_flags, netns, sock_netns, peer_pid, peer_uid, peer_gid, sock_family, sock_type,
        sock_protocol, local_port, peer_port, sock_state, toctou, late, compat, reserved2, local_addr, peer_addr,
        iov, control, payload, files, local, peer, kernel, process,
    );
    expected.retain(|field, _| !["seq", "reserved", "reserved2"].contains(&field.as_str()));
    assert_eq!(asserted("weir_head"), expected);
}

#[test]
fn numbers() {
    for line in [
        format!("#define WEIR_ABI {ABI}u"),
        format!("#define WEIR_BATCH_EVENTS {BATCH_EVENTS}u"),
        format!(
            "_Static_assert(sizeof(struct weir_batch_header) == {BATCH_HEADER_BYTES}, \"header\");"
        ),
        format!("_Static_assert(sizeof(struct weir_head) == {HEAD_BYTES}, \"head\");"),
        format!(
            "enum {{ WEIR_AF_UNIX = {AF_UNIX}, WEIR_AF_INET = {AF_INET}, WEIR_AF_INET6 = {AF_INET6} }};"
        ),
    ] {
        assert!(HEADER.contains(&line), "not in sdk/c/weir.h: {line}");
    }
}

/// The names and values of a C enum, of which each is one more than the one before.
fn enumerated(of: &str) -> BTreeMap<String, usize> {
    let (_, text) = HEADER.split_once(&format!("\nenum {of} {{")).unwrap();
    let (text, _) = text.split_once("};").unwrap();
    let without_comments: String =
        text.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, code)| code)).collect();
    let mut next = 0;
    let names = without_comments.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            let (name, value) = name.split_once(" = ").unwrap_or((name, ""));
            next = value.parse().unwrap_or(next) + 1;
            (name.to_owned(), next - 1)
        })
        .collect()
}

macro_rules! constants {
    ($($name:ident)*) => {
        BTreeMap::from([$((concat!("WEIR_", stringify!($name)).to_owned(), $name as usize)),*])
    };
}

#[test]
fn enums() {
    assert_eq!(enumerated("weir_verdict"), constants!(KEEP DROP));
    let groups = constants!(GROUP_PPID GROUP_MSG GROUP_NAME GROUP_IOV GROUP_START GROUP_CONTROL
        GROUP_PAYLOAD GROUP_SOCKET GROUPS);
    assert_eq!(enumerated("weir_group"), groups);
    let statuses =
        constants!(STATUS_NOT_SEEN STATUS_OK STATUS_ABSENT STATUS_FAULT STATUS_TRUNCATED);
    assert_eq!(enumerated("weir_status"), statuses);
    let toctou = constants!(TOCTOU_NOT_SEEN TOCTOU_SAME TOCTOU_CHANGED TOCTOU_UNREAD);
    assert_eq!(enumerated("weir_toctou"), toctou);
    let process = constants!(PROCESS_CMDLINE PROCESS_USER PROCESS_STARTED PROCESS_PARENT
        PROCESS_CONTAINER PROCESS_RUNTIME PROCESS_POD);
    assert_eq!(enumerated("weir_process"), process);
    let calls = constants!(CALL_SENDMSG CALL_SENDMMSG CALL_SENDTO CALL_RECVMSG CALL_RECVMMSG
        CALL_RECVFROM CALL_SENDFILE CALL_IO_URING);
    assert_eq!(calls.len(), CALL_NAMES.len());
    assert_eq!(enumerated("weir_call"), calls);
}
