//! The socket behind a descriptor, from the kernel's own structs.

use weir_ebpf::{HEAP_BYTES, SCRATCH_BYTES, Slot, UNKNOWN, offset, want::AF_VSOCK};
use weir_sdk::event::{
    AF_INET, AF_INET6, AF_UNIX, GROUP_SOCKET, STATUS_ABSENT, STATUS_NOT_SEEN, STATUS_OK, Span,
};

use crate::{
    files,
    heap::{self, Memory},
    kernel::{self, field, pointer, value},
};

/// Type bits of `i_mode`, and those of a socket (inode(7)).
const S_IFMT: u16 = 0o170_000;
const S_IFSOCK: u16 = 0o140_000;
/// Bytes of `struct sock_common` that are read at once: all that is looked at here.
const COMMON: usize = 136;
const AF_NETLINK: u16 = 16;
const AF_PACKET: u16 = 17;
/// Most bytes of a `struct sockaddr_un`.
const UNIX_NAME: usize = 110;

/// Reads the socket behind `fd`.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn behind(slot: *mut Slot, fd: i32) -> u64 {
    if slot.is_null() {
        return 0;
    }
    let file = files::of(fd);
    let inode = pointer(file, offset::FILE_INODE);
    let number: u64 = value(inode, offset::INODE_INO);
    // SAFETY: the slot is the calling thread's.
    unsafe {
        let known = &raw const (*slot).socket;
        if file == 0 || (*known).file != file || (*known).inode != number {
            let status = &mut (*slot).record.head.status[GROUP_SOCKET];
            if value::<u16>(inode, offset::INODE_MODE) & S_IFMT != S_IFSOCK {
                // Without offsets nothing is known; with them it is not a socket, or not open.
                *status = if blind() { STATUS_NOT_SEEN } else { STATUS_ABSENT };
                return 0;
            }
            know(slot, file, number, pointer(file, offset::FILE_PRIVATE));
        }
        describe(slot);
    }
    0
}

/// Whether this kernel's BTF does not say how to find a socket.
#[inline(always)]
fn blind() -> bool {
    [offset::TASK_FILES, offset::FILES_FDT, offset::FDT_FD, offset::FDT_MAX]
        .into_iter()
        .chain([offset::FILE_INODE, offset::INODE_MODE, offset::INODE_INO])
        .any(|index| kernel::offset(index) == UNKNOWN)
}

/// Looks at a `struct socket` for what does not change while it is open.
///
/// # Safety
///
/// `slot` is the calling thread's.
#[inline(always)]
pub unsafe fn know(slot: *mut Slot, file: u64, inode: u64, socket: u64) {
    let sk = pointer(socket, offset::SOCKET_SK);
    let net = pointer(sk, offset::SKC_NET);
    // SAFETY: the caller vouches for the slot.
    unsafe {
        let known = &mut (*slot).socket;
        (known.file, known.inode, known.sk, known.net) = (file, inode, sk, net);
        known.netns = value(net, offset::NET_INUM);
        known.kind = value(sk, offset::SOCK_TYPE);
        known.protocol = value(sk, offset::SOCK_PROTOCOL);
    }
}

/// Reads the socket that is known, as it is at the moment.
///
/// # Safety
///
/// `slot` is the calling thread's.
#[inline(always)]
pub unsafe fn describe(slot: *mut Slot) {
    // SAFETY: the caller vouches for the slot; the scratch is larger than what is read.
    unsafe {
        let known = &raw const (*slot).socket;
        let sk = (*known).sk;
        let head = &mut (*slot).record.head;
        let common = (&raw mut (*slot).pending.scratch).cast::<u8>();
        if sk == 0 || !kernel::read(common, COMMON as u32, sk) {
            return;
        }
        let Some(family) = member::<u16>(common, offset::SKC_FAMILY) else { return };
        head.sock_family = family;
        head.sock_state = member(common, offset::SKC_STATE).unwrap_or(0);
        head.sock_cookie = member(common, offset::SKC_COOKIE).unwrap_or(0);
        (head.sock_inode, head.sock_netns) = ((*known).inode, (*known).netns);
        (head.sock_type, head.sock_protocol) = ((*known).kind, (*known).protocol);
        if family == AF_INET || family == AF_INET6 {
            inet(slot, common, family);
        } else if family == AF_UNIX {
            unix(slot, sk);
        } else if family == AF_NETLINK {
            netlink(slot, sk);
        } else if family == AF_VSOCK {
            (*slot).record.head.local = sockaddr(slot, sk, offset::VSOCK_LOCAL, 16);
            (*slot).record.head.peer = sockaddr(slot, sk, offset::VSOCK_REMOTE, 16);
        } else if family == AF_PACKET {
            packet(slot, sk);
        }
        (*slot).record.head.status[GROUP_SOCKET] = STATUS_OK;
    }
}

#[inline(always)]
unsafe fn inet(slot: *mut Slot, common: *const u8, family: u16) {
    // SAFETY: the caller vouches for the slot.
    unsafe {
        let head = &mut (*slot).record.head;
        head.local_port = member(common, offset::SKC_NUM).unwrap_or(0);
        head.peer_port = u16::from_be(member(common, offset::SKC_DPORT).unwrap_or(0));
        if family == AF_INET {
            let (local, peer): (u32, u32) = (
                member(common, offset::SKC_RCV_SADDR).unwrap_or(0),
                member(common, offset::SKC_DADDR).unwrap_or(0),
            );
            (&raw mut head.local_addr).cast::<u32>().write_volatile(local);
            (&raw mut head.peer_addr).cast::<u32>().write_volatile(peer);
        } else {
            let (local, peer) = (
                member::<[u64; 2]>(common, offset::SKC_V6_RCV_SADDR).unwrap_or([0; 2]),
                member::<[u64; 2]>(common, offset::SKC_V6_DADDR).unwrap_or([0; 2]),
            );
            (&raw mut head.local_addr).cast::<[u64; 2]>().write_volatile(local);
            (&raw mut head.peer_addr).cast::<[u64; 2]>().write_volatile(peer);
        }
    }
}

#[inline(always)]
unsafe fn unix(slot: *mut Slot, sk: u64) {
    // SAFETY: the caller vouches for the slot.
    unsafe {
        let peer = pointer(sk, offset::UNIX_PEER);
        (*slot).record.head.local = unix_name(slot, sk);
        (*slot).record.head.peer = unix_name(slot, peer);
        let head = &mut (*slot).record.head;
        let pid = pointer(sk, offset::SOCK_PEER_PID);
        // The first number is that of the initial namespace.
        head.peer_pid = value(pid, offset::PID_NUMBERS);
        let cred = pointer(sk, offset::SOCK_PEER_CRED);
        head.peer_uid = value(cred, offset::CRED_EUID);
        head.peer_gid = value(cred, offset::CRED_EGID);
    }
}

/// The address that a unix socket is bound to.
#[inline(always)]
unsafe fn unix_name(slot: *mut Slot, sk: u64) -> Span {
    const NONE: Span = Span { offset: 0, len: 0 };
    let address = pointer(sk, offset::UNIX_ADDR);
    let Some(len) = field::<u32>(address, offset::UNIX_ADDRESS_LEN) else { return NONE };
    let name = kernel::offset(offset::UNIX_ADDRESS_NAME);
    if name == UNKNOWN {
        return NONE;
    }
    let from = address + u64::from(name);
    // SAFETY: the caller vouches for the slot.
    unsafe { heap::append::<UNIX_NAME>(slot, Memory::Kernel, from, len) }.unwrap_or(NONE)
}

/// `struct sockaddr_nl` of both ends: family, padding, port id, groups.
#[inline(always)]
unsafe fn netlink(slot: *mut Slot, sk: u64) {
    let Some(portid) = field::<u32>(sk, offset::NETLINK_PORTID) else { return };
    // SAFETY: the caller vouches for the slot.
    unsafe {
        (*slot).record.head.local = netlink_name(slot, portid, 0);
        let peer = value::<u32>(sk, offset::NETLINK_DST_PORTID);
        let group = value::<u32>(sk, offset::NETLINK_DST_GROUP);
        // The groups of an address are bits; the kernel keeps the number of one.
        let groups = if group == 0 || group > 32 { 0 } else { 1 << ((group - 1) & 31) };
        (*slot).record.head.peer = netlink_name(slot, peer, groups);
    }
}

#[inline(always)]
unsafe fn netlink_name(slot: *mut Slot, portid: u32, groups: u32) -> Span {
    // SAFETY: the caller vouches for the slot; the room is of 16 bytes, aligned to 8.
    unsafe {
        let Some((offset, to)) = heap::room::<16>(slot) else { return Span { offset: 0, len: 0 } };
        let to = to.cast::<u32>();
        to.write_volatile(u32::from(AF_NETLINK));
        to.add(1).write_volatile(portid);
        to.add(2).write_volatile(groups);
        heap::keep(slot, offset, 12)
    }
}

/// `struct sockaddr_ll` as far as the socket itself knows it: protocol and interface.
#[inline(always)]
unsafe fn packet(slot: *mut Slot, sk: u64) {
    let Some(interface) = field::<u32>(sk, offset::PACKET_INTERFACE) else { return };
    let protocol: u16 = value(sk, offset::PACKET_PROTOCOL);
    // SAFETY: the caller vouches for the slot; the room is of 24 bytes, aligned to 8.
    unsafe {
        let Some((offset, to)) = heap::room::<24>(slot) else { return };
        let to = to.cast::<u32>();
        to.write_volatile(u32::from(AF_PACKET) | u32::from(protocol) << 16);
        to.add(1).write_volatile(interface);
        for word in 2..5 {
            to.add(word).write_volatile(0);
        }
        (*slot).record.head.local = heap::keep(slot, offset, 20);
    }
}

/// A `struct sockaddr` within the struct at `base`.
#[inline(always)]
unsafe fn sockaddr(slot: *mut Slot, base: u64, index: usize, len: u32) -> Span {
    const NONE: Span = Span { offset: 0, len: 0 };
    let offset = kernel::offset(index);
    if offset == UNKNOWN {
        return NONE;
    }
    let from = base + u64::from(offset);
    // SAFETY: the caller vouches for the slot.
    unsafe { heap::append::<16>(slot, Memory::Kernel, from, len) }.unwrap_or(NONE)
}

/// A member of the struct that was read to the scratch.
#[inline(always)]
unsafe fn member<T: Copy>(common: *const u8, index: usize) -> Option<T> {
    let offset = kernel::offset(index) as usize;
    if offset > COMMON - size_of::<T>() {
        return None;
    }
    // SAFETY: within the scratch, by the check; the kernel aligns its members.
    Some(unsafe { common.add(offset).cast::<T>().read_volatile() })
}

const _: () = assert!(COMMON <= SCRATCH_BYTES && HEAP_BYTES > 4096);
