//! What somebody wants to see, in a form that the programs and the host decide by alike: the programs,
//! so that what nobody wants is neither read nor sent; the host, so that each script is given what it
//! asked for, whatever others ask for.

use weir_sdk::event::{
    AF_INET, AF_INET6, CALL_RECVFROM, CALL_RECVMMSG, CALL_RECVMSG, COMM_BYTES, Head,
};

/// Most values that one condition lists.
pub const VALUES: usize = 8;

/// Most [`Want`]s that the programs look at.
pub const WANTS: u32 = 32;

/// Calls, and conditions that all must hold. A list holds if one of its values does; one without values
/// is no condition. What is left of a list repeats its first value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Want {
    /// Process ids (thread groups).
    pub pids: [u32; VALUES],
    /// Real user ids.
    pub uids: [u32; VALUES],
    /// Ids of cgroups in the v2 hierarchy.
    pub cgroups: [u64; VALUES],
    /// Names of the thread, padded with NUL.
    pub comms: [[u64; COMM_BYTES / 8]; VALUES],
    /// Families of the socket (`AF_*`).
    pub families: [u16; VALUES],
    /// Ports of either end of the socket or of the message's address.
    pub ports: [u16; VALUES],
    /// At least so many bytes: offered, of a call that receives received.
    pub min_bytes: u64,
    /// How many of each list there are.
    pub counts: Counts,
    /// The calls: a bit for each, at its number (`CALL_*`).
    pub calls: u16,
    /// 1 for failed calls only.
    pub errors: u8,
    /// The lists that are conditions, a bit for each.
    pub lists: u8,
    /// Values of the longest list.
    pub longest: u32,
}

const _: () = assert!(size_of::<Want>() == 312, "no padding");

/// Numbers of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Counts {
    /// Of [`Want::pids`].
    pub pids: u8,
    /// Of [`Want::uids`].
    pub uids: u8,
    /// Of [`Want::cgroups`].
    pub cgroups: u8,
    /// Of [`Want::comms`].
    pub comms: u8,
    /// Of [`Want::families`].
    pub families: u8,
    /// Of [`Want::ports`].
    pub ports: u8,
    /// Zero.
    pub reserved: [u8; 2],
}

/// Who calls what: what is known before anything is read.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// `CALL_*`.
    pub call: u16,
    /// Process id.
    pub pid: u32,
    /// Real user id.
    pub uid: u32,
    /// Id of the cgroup.
    pub cgroup: u64,
    /// The thread's name.
    pub comm: [u64; COMM_BYTES / 8],
}

const PID: u8 = 1;
const UID: u8 = 2;
const CGROUP: u8 = 4;
const COMM: u8 = 8;
const FAMILY: u8 = 16;
const PORT: u8 = 32;
/// Lists of what is known before anything is read, and of what is known when the call has returned.
const BEFORE: u8 = PID | UID | CGROUP | COMM;
const AFTER: u8 = FAMILY | PORT;

impl Want {
    /// To be called when the lists are filled.
    pub fn complete(&mut self) {
        let Counts { pids, uids, cgroups, comms, families, ports, reserved: _ } = self.counts;
        let counts = [pids, uids, cgroups, comms, families, ports];
        self.lists = (0..).zip(counts).map(|(list, count)| u8::from(count != 0) << list).sum();
        self.longest = counts.into_iter().max().unwrap_or(0).into();
        fill(&mut self.pids, pids);
        fill(&mut self.uids, uids);
        fill(&mut self.cgroups, cgroups);
        fill(&mut self.comms, comms);
        fill(&mut self.families, families);
        fill(&mut self.ports, ports);
    }

    /// Whether there is nothing but calls.
    pub fn is_unconditional(&self) -> bool {
        *self == Self { calls: self.calls, ..Self::default() }
    }

    /// The lists of which the value at an index is the caller's.
    #[inline(always)]
    pub fn of_caller(&self, index: u64, caller: &Caller) -> u8 {
        let index = index as usize % VALUES;
        let mut lists = 0;
        if self.pids[index] == caller.pid {
            lists |= PID;
        }
        if self.uids[index] == caller.uid {
            lists |= UID;
        }
        if self.cgroups[index] == caller.cgroup {
            lists |= CGROUP;
        }
        let [first, second] = self.comms[index];
        if (first ^ caller.comm[0]) | (second ^ caller.comm[1]) == 0 {
            lists |= COMM;
        }
        lists
    }

    /// The lists of which the value at an index is that of a call that has returned. `port` is what [`port`]
    /// says of the message's address.
    #[inline(always)]
    pub fn of_call(&self, index: u64, head: &Head, port: u32) -> u8 {
        let index = index as usize % VALUES;
        let mut lists = 0;
        if self.families[index] == head.sock_family {
            lists |= FAMILY;
        }
        let listed = self.ports[index];
        if listed == head.local_port
            || listed == head.peer_port
            || u32::from(listed) == port
            || port == ANY_PORT
        {
            lists |= PORT;
        }
        lists
    }

    /// Whether a call of a caller that is in these lists may fit.
    #[inline(always)]
    pub fn may(&self, call: u16, lists: u8) -> bool {
        self.calls & 1 << (call & 15) != 0 && self.lists & BEFORE & !lists == 0
    }

    /// Whether a call that may fit and is in these lists does.
    #[inline(always)]
    pub fn fits(&self, head: &Head, lists: u8) -> bool {
        let receives = matches!(head.call, CALL_RECVMSG | CALL_RECVMMSG | CALL_RECVFROM);
        let bytes = if !receives {
            head.bytes
        } else if head.ret > 0 {
            head.ret as u64
        } else {
            0
        };
        self.lists & AFTER & !lists == 0
            && bytes >= self.min_bytes
            && (self.errors == 0 || head.ret < 0)
    }
}

fn fill<T: Copy>(list: &mut [T; VALUES], count: u8) {
    let first = list[0];
    if count != 0 {
        list[count.into()..].fill(first);
    }
}

/// Address family of virtual machines' sockets.
pub const AF_VSOCK: u16 = 40;

/// What [`port`] says of an address whose port does not fit into a list: it is in every list.
pub const ANY_PORT: u32 = 1 << 16;

/// The port of an address, 0 if it has none, [`ANY_PORT`] of AF_VSOCK; `start` are its first bytes.
#[inline(always)]
pub fn port(start: [u8; 4], len: u32) -> u32 {
    let [family0, family1, port0, port1] = start;
    let family = u16::from_ne_bytes([family0, family1]);
    if len < 4 {
        0
    } else if family == AF_INET || family == AF_INET6 {
        u16::from_be_bytes([port0, port1]).into()
    } else if family == AF_VSOCK {
        ANY_PORT
    } else {
        0
    }
}
