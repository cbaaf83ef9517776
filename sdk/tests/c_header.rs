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
        path, attrs, exe, cgroup,
    );
    expected.retain(|field, _| !["seq", "reserved"].contains(&field.as_str()));
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
        format!("enum {{ WEIR_CALL_SENDMSG = {CALL_SENDMSG} }};"),
    ] {
        assert!(HEADER.contains(&line), "not in sdk/c/weir.h: {line}");
    }
    // The enums count from 0.
    assert_eq!(
        (GROUP_PPID, GROUP_MSG, GROUP_NAME, GROUP_IOV, GROUP_START, GROUPS),
        (0, 1, 2, 3, 4, 8)
    );
    assert_eq!(
        (STATUS_NOT_SEEN, STATUS_OK, STATUS_ABSENT, STATUS_FAULT, STATUS_TRUNCATED),
        (0, 1, 2, 3, 4)
    );
    assert_eq!((KEEP, DROP), (0, 1));
}
