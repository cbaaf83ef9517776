//! docs/scripting.md gives offsets to those who write an SDK of their own: they are the layout's.

use std::collections::BTreeMap;

use weir_sdk::event::*;

macro_rules! offsets {
    ($type:ty: $($field:ident)*) => {
        BTreeMap::from([$((stringify!($field), std::mem::offset_of!($type, $field))),*])
    };
}

/// Pairs of a cell with an offset and the cell behind it, in the tables of a part of the text.
fn told(text: &str) -> BTreeMap<&str, usize> {
    let mut told = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        for pair in cells.windows(2) {
            let offsets: Result<Vec<usize>, _> = pair[0].split(", ").map(str::parse).collect();
            // The odd parts between backticks are code: `name` or `name: type`.
            let names =
                pair[1].split('`').skip(1).step_by(2).filter_map(|code| code.split(':').next());
            for (offset, name) in offsets.into_iter().flatten().zip(names) {
                told.insert(name, offset);
            }
        }
    }
    told
}

#[test]
fn offsets_are_those_of_the_layout() {
    let text = include_str!("../../docs/scripting.md");
    let (_, text) = text.split_once("## A batch").unwrap();
    let (header, head) = text.split_once("A head, 400 bytes").unwrap();
    let header_offsets = offsets!(BatchHeader: version count stride heads verdicts heap heap_len
        first_seq lost_before now_ns);
    assert_eq!(told(header), header_offsets);
    let head_offsets = offsets!(Head: seq time_ns duration_ns ret bytes cgroup_id start_ns msg_ptr
        iovlen controllen pid tid ppid uid gid cpu fd flags namelen scope_id call family port status
        comm addr name path attrs exe cgroup offset offset_after sock_inode sock_cookie control_room
        index vlen in_fd name_room msg_flags netns sock_netns peer_pid peer_uid peer_gid sock_family
        sock_type sock_protocol local_port peer_port sock_state toctou late compat local_addr
        peer_addr iov control payload files local peer kernel process);
    assert_eq!(told(head.split_once("## Limits").unwrap().0), head_offsets);
    assert_eq!(size_of::<Head>(), 400);
}

/// The text has each list of numbers as `NUMBER name`, in one piece, wherever its lines break.
#[test]
fn numbers_are_those_of_the_layout() {
    let text =
        include_str!("../../docs/scripting.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let list = |names: &[&str], from: usize| -> String {
        let numbered: Vec<_> =
            names.iter().zip(from..).map(|(name, number)| format!("{number} {name}")).collect();
        numbered.join(", ")
    };
    assert!(text.contains(&list(&CALL_NAMES, 1)), "calls");
    let statuses = ["not seen", "ok", "absent", "fault", "truncated"];
    assert_eq!(
        [STATUS_NOT_SEEN, STATUS_OK, STATUS_ABSENT, STATUS_FAULT, STATUS_TRUNCATED],
        [0, 1, 2, 3, 4]
    );
    assert!(text.contains(&list(&statuses, 0)), "statuses");
    let toctou = ["not seen", "same", "changed", "unread"];
    assert_eq!([TOCTOU_NOT_SEEN, TOCTOU_SAME, TOCTOU_CHANGED, TOCTOU_UNREAD], [0, 1, 2, 3]);
    assert!(text.contains(&list(&toctou, 0)), "toctou");
    for (number, text_of) in [
        (GROUP_PPID, "ppid"),
        (GROUP_MSG, "msghdr"),
        (GROUP_NAME, "name"),
        (GROUP_IOV, "iovec table"),
        (GROUP_START, "start_ns"),
        (GROUP_CONTROL, "control messages"),
        (GROUP_PAYLOAD, "payload"),
        (GROUP_SOCKET, "socket"),
    ] {
        assert!(text.contains(&format!("{number} {text_of}")), "group {number}");
    }
    for (number, text_of) in [
        (PROCESS_CMDLINE, "command line"),
        (PROCESS_USER, "user"),
        (PROCESS_STARTED, "start"),
        (PROCESS_PARENT, "ancestor"),
        (PROCESS_CONTAINER, "container"),
        (PROCESS_RUNTIME, "runtime"),
        (PROCESS_POD, "pod"),
    ] {
        assert!(text.contains(&format!("{number} {text_of}")), "process part {number}");
    }
    for number in [IOV_SHOWN, CONTROL_BYTES, PAYLOAD_BYTES] {
        assert!(text.contains(&format!("{number} ")), "{number}");
    }
}
