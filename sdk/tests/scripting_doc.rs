//! docs/scripting.md gives offsets to those who write an SDK of their own: they are the layout's.

use std::collections::BTreeMap;

use weir_sdk::event::{BatchHeader, Head};

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
    let (header, head) = text.split_once("A head, 208 bytes").unwrap();
    let header_offsets = offsets!(BatchHeader: version count stride heads verdicts heap heap_len
        first_seq lost_before now_ns);
    assert_eq!(told(header), header_offsets);
    let head_offsets = offsets!(Head: seq time_ns duration_ns ret bytes cgroup_id start_ns msg_ptr
        iovlen controllen pid tid ppid uid gid cpu fd flags namelen scope_id call family port status
        comm addr name path attrs exe cgroup);
    assert_eq!(told(head.split_once("## Limits").unwrap().0), head_offsets);
    assert_eq!(size_of::<Head>(), 208);
}
