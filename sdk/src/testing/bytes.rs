//! A batch in the bytes that the host would write.

use std::mem::offset_of;

use super::{Call, call::Parts};
use crate::event::{ABI, BATCH_HEADER_BYTES, BatchHeader, HEAD_BYTES, Head, Span};

/// A batch of these calls, in the bytes that the host would write.
pub fn batch(calls: &[Call]) -> Vec<u8> {
    batch_with_stride(calls, HEAD_BYTES)
}

/// As [`batch`], by a host whose heads have so many bytes: of another version.
pub fn batch_with_stride(calls: &[Call], stride: usize) -> Vec<u8> {
    let mut heap = Vec::new();
    let mut heads = Vec::new();
    for (call, seq) in calls.iter().zip(1..) {
        let Call { mut head, parts } = call.clone();
        head.seq = seq;
        lay_down(parts, &mut head, &mut heap);
        let mut bytes = head_bytes(&head).to_vec();
        bytes.resize(stride, 0xa5);
        heads.extend(bytes);
    }
    let verdicts = BATCH_HEADER_BYTES + heads.len();
    let heap_at = (verdicts + calls.len()).next_multiple_of(8);
    let header = BatchHeader {
        version: ABI,
        count: calls.len() as u32,
        stride: stride as u32,
        heads: BATCH_HEADER_BYTES as u32,
        verdicts: verdicts as u32,
        heap: heap_at as u32,
        heap_len: heap.len() as u32,
        first_seq: 1,
        now_ns: 1_795_454_431_200_000_000,
        ..BatchHeader::default()
    };
    let mut bytes = header_bytes(&header).to_vec();
    bytes.extend(heads);
    bytes.resize(heap_at, 0);
    bytes.extend(heap);
    bytes
}

/// Writes fields at their offsets.
macro_rules! write_fields {
    ($to:ident, $from:expr, $type:ident: $($field:ident),*) => {
        $(
            let bytes = $from.$field.to_le_bytes();
            $to[offset_of!($type, $field)..][..bytes.len()].copy_from_slice(&bytes);
        )*
    };
}

fn header_bytes(header: &BatchHeader) -> [u8; BATCH_HEADER_BYTES] {
    let mut to = [0; BATCH_HEADER_BYTES];
    write_fields!(to, header, BatchHeader: version, count, stride, heads, verdicts, heap, heap_len, first_seq);
    write_fields!(to, header, BatchHeader: lost_before, now_ns);
    to
}

/// Puts the variable parts into the heap.
fn lay_down(parts: Parts, head: &mut Head, heap: &mut Vec<u8>) {
    for (span, part) in [
        (&mut head.name, parts.name),
        (&mut head.path, parts.path),
        (&mut head.attrs, parts.attrs),
        (&mut head.exe, parts.exe),
        (&mut head.cgroup, parts.cgroup),
        (&mut head.iov, parts.iov),
        (&mut head.control, parts.control),
        (&mut head.payload, parts.payload),
        (&mut head.files, parts.files),
        (&mut head.local, parts.local),
        (&mut head.peer, parts.peer),
        (&mut head.kernel, parts.kernel),
        (&mut head.process, parts.process),
    ] {
        *span = Span { offset: heap.len() as u32, len: part.len() as u32 };
        heap.extend(part);
    }
}

fn head_bytes(head: &Head) -> [u8; HEAD_BYTES] {
    let mut to = [0; HEAD_BYTES];
    write_fields!(to, head, Head: seq, time_ns, duration_ns, ret, bytes, cgroup_id, start_ns, msg_ptr, iovlen);
    write_fields!(to, head, Head: controllen, pid, tid, ppid, uid, gid, cpu, fd, flags, namelen, scope_id);
    write_fields!(to, head, Head: call, family, port, offset, offset_after, sock_inode, sock_cookie);
    write_fields!(to, head, Head: control_room, index, vlen, in_fd, name_room, msg_flags, netns, sock_netns);
    write_fields!(to, head, Head: peer_pid, peer_uid, peer_gid, sock_family, sock_type, sock_protocol);
    write_fields!(to, head, Head: local_port, peer_port, sock_state, toctou, late, compat);
    for (offset, bytes) in [
        (offset_of!(Head, status), &head.status[..]),
        (offset_of!(Head, comm), &head.comm),
        (offset_of!(Head, addr), &head.addr),
        (offset_of!(Head, local_addr), &head.local_addr),
        (offset_of!(Head, peer_addr), &head.peer_addr),
    ] {
        to[offset..][..bytes.len()].copy_from_slice(bytes);
    }
    for (offset, span) in [
        (offset_of!(Head, name), head.name),
        (offset_of!(Head, path), head.path),
        (offset_of!(Head, attrs), head.attrs),
        (offset_of!(Head, exe), head.exe),
        (offset_of!(Head, cgroup), head.cgroup),
        (offset_of!(Head, iov), head.iov),
        (offset_of!(Head, control), head.control),
        (offset_of!(Head, payload), head.payload),
        (offset_of!(Head, files), head.files),
        (offset_of!(Head, local), head.local),
        (offset_of!(Head, peer), head.peer),
        (offset_of!(Head, kernel), head.kernel),
        (offset_of!(Head, process), head.process),
    ] {
        to[offset..][..4].copy_from_slice(&span.offset.to_le_bytes());
        to[offset + 4..][..4].copy_from_slice(&span.len.to_le_bytes());
    }
    to
}
